/**
 * What the blocks of code take for granted: names of the host, of the reader's other code, and of WeChat on the phone. As
 * loose as the pages are about them.
 */
export const NAMES = `
declare module "better-sqlite3";
declare module "express-weapp-auth";
declare module "mongodb";
declare module "mysql2/promise";
declare module "passport-weapp";
declare module "wafer-node-session";

interface User { id: number; openid?: string; unionid: string; nickName?: string; avatarUrl?: string }
type Identity = import("express-wechat-login").Identity;
type Options = import("express-wechat-login").WechatLoginOptions<User, readonly ["unionid"]>;
type WebOptions = import("express-wechat-login").WechatWebLoginOptions<User, readonly ["unionid"]>;

declare const wechatLogin: typeof import("express-wechat-login").wechatLogin;
declare const wechatWebLogin: typeof import("express-wechat-login").wechatWebLogin;
declare const Redis: typeof import("ioredis").Redis;
declare const app: import("express").Express;
declare const options: Required<Pick<Options, "appId" | "secret" | "redis" | "findUser" | "saveUser">>;
declare const webOptions: WebOptions;
declare const redis: import("ioredis").Redis, appId: string, secret: string, appSecret: string, REDIS_URL: string;
declare const findUser: Options["findUser"], saveUser: Options["saveUser"], store: import("express-session").Store;
declare const users: { findOrCreate(openid: string, profile?: object): Promise<User>; save(user: object): Promise<User> };
declare function tokenFor(user: object): string;
declare const log: { warn(text: string): void }, init: RequestInit;
declare const createHash: typeof import("node:crypto").createHash;
declare const createHmac: typeof import("node:crypto").createHmac;
declare const bucket: { put(key: string, bytes: Uint8Array, meta: { contentType: string }): Promise<void> };
declare namespace Express {
  interface Request { weappAuth: { openId: string; sessionKey: string; userInfo: object } }
  interface User { id: number; appId?: string; openid?: string; unionid: string }
}
declare function onAnswer(answer: Answer): void;

interface Answer { status?: "signed_in" | "incomplete"; temporaryToken: string; sessionToken: string; missing: string[] }
interface Response { json(): Promise<Answer & { openid: string; session_key: string }> }
interface Received<Data> { success?(res: { data: Data }): void; fail?(error: unknown): void }
declare const wx: {
  login(options: { success?(res: { code: string }): void; fail?(error: unknown): void }): void;
  request(options: Received<object> & { url: string; method: "GET" | "POST"; data?: object }): void;
  uploadFile(options: Received<string> & { url: string; filePath: string; name: string; formData?: object }): void;
};
declare function Page<T>(page: T & ThisType<T & { answer: Answer; setData(data: object): void }>): void;
declare function post(path: string, data: object): Promise<Answer>;
declare const temporaryToken: string, nickName: string, avatarUrl: string;
declare class WxLogin { constructor(options: { id: string; self_redirect: boolean; href: string }); }
`;

/** What modules say beside their own types. Those of Node 20 want every subscriber, and know nothing of our context. */
export const MORE_TYPES = `
import "express-session";
declare module "express-session" { interface SessionData { unionid: string; userInfo: { nickName: string } } }
type Traced = import("express-wechat-login").Traced;
declare module "diagnostics_channel" {
  function tracingChannel(name: string): {
    subscribe(subscribers: { start?(traced: Traced): unknown; asyncEnd?(traced: Traced): void }): void;
  };
}
`;

/** NestJS and the passport tutorial, for docs/nestjs.md; the example itself is compiled against the real ones. */
export const NEST_NAMES = `
declare function Injectable(): ClassDecorator;
declare function Controller(path: string): ClassDecorator;
declare function UseGuards(guard: object): ClassDecorator & MethodDecorator;
declare function Get(path?: string): MethodDecorator;
declare function Inject(token: string): ParameterDecorator;
declare function Req(): ParameterDecorator;
declare function Res(): ParameterDecorator;
declare function AuthGuard(name: string): object;
declare function PassportStrategy(strategy: object, name: string): new (options: object) => object;
interface CanActivate { canActivate(context: ExecutionContext): Promise<boolean> }
interface ExecutionContext {
  switchToHttp(): { getRequest(): import("express").Request };
}
interface FactoryProvider { provide: string; inject: object[]; useFactory(users: UsersService): object }
declare const WechatLoginError: typeof import("express-wechat-login").WechatLoginError;
declare class UnauthorizedException extends Error { constructor(body: object) }
declare class UsersService {
  findOrCreate(openid: string): Promise<User>;
  find(identity: Identity): Promise<User | undefined>;
  save(user: object): Promise<void>;
}
type WechatWebLogin<User extends object> = import("express-wechat-login").WechatWebLogin<User>;
declare const Strategy: object, WEB: string, appID: string, callbackURL: string;
declare const session: typeof import("express-session"), passport: import("passport").PassportStatic;
`;
