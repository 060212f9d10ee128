import type { IncomingMessage } from "node:http";
import type { Request } from "express";
import type { SessionOption } from "../checks.ts";
import type { WechatLoginError } from "../errors.ts";
import type { RateLimitOption } from "../http/rate-limit.ts";
import type { MountableHandler } from "../http/routes.ts";
import type { Identity } from "../identity.ts";
import type { UserToSave } from "../login/options.ts";
import type { Requirement } from "../login/requirements.ts";
import type { Person } from "../session/person.ts";
import type { RedisClient } from "../storage/redis-store.ts";
import type { Fetch } from "../wechat/transport.ts";

/** What a web login can require of a user; WeChat gives no phone number to web pages. */
export type WebRequirement = Exclude<Requirement, "phoneNumber">;

/** The options of `wechatWebLogin`; the README has a table of them. */
export interface WechatWebLoginOptions<User extends object, Required extends readonly WebRequirement[]> {
  /**
   * The Official Account (公众号) for pages inside WeChat. `scope`: `"snsapi_userinfo"` (the default) asks the user
   * once; `"snsapi_base"` asks nobody, and only where something required is missing goes on with the other.
   */
  officialAccount?:
    | { appId: string; secret: string; scope?: "snsapi_userinfo" | "snsapi_base" | undefined }
    | undefined;
  /** The website application (网站应用) of the Open Platform, for the QR code in other browsers (`snsapi_login`). */
  website?: { appId: string; secret: string } | undefined;
  /**
   * The address of `GET /callback` as the browser sees it; its domain is registered with WeChat. Its origin is the own
   * origin, and where it is https the cookies are `Secure`.
   */
  callbackUrl: string;
  /** The path where a login ends that was started without `?returnTo=`, or that has lost it. Default: `/`. */
  returnTo?: string | undefined;
  /** As for `wechatLogin`. */
  redis?: RedisClient | undefined;
  /** As for `wechatLogin`. */
  findUser(identity: Identity): User | null | undefined | Promise<User | null | undefined>;
  /** As for `wechatLogin`. */
  saveUser(user: UserToSave<Required>): unknown;
  /** What must be known before a login is complete. Default: `["unionid"]`. */
  require?: Required | undefined;
  /** Called before the session begins, for what the host does then; what it returns is sent to nobody. */
  onLogin?(user: NoInfer<User>, visit: { identity: Identity; req: Request }): unknown;
  /** As for `wechatLogin`; the token goes into a cookie. */
  session?: SessionOption | undefined;
  /** As for `wechatLogin`. */
  rateLimit?: RateLimitOption | undefined;
  /** As for `wechatLogin`. */
  keyPrefix?: string | undefined;
  /** Where WeChat's API is. Default: `https://api.weixin.qq.com`. */
  baseUrl?: string | undefined;
  /** Where WeChat's authorise pages are. Default: `https://open.weixin.qq.com`. */
  authorizeBaseUrl?: string | undefined;
  /** Milliseconds to wait for an answer of WeChat. Default: 5000. */
  timeout?: number | undefined;
  /** Takes the place of node-fetch. */
  fetch?: Fetch | undefined;
  /** Told of every error that is answered here, or sent back to the page as `?error=`, with its `cause`. */
  onError?(error: WechatLoginError, req: Request): unknown;
}

/** The router of the web login, and what the host's other routes need of it. */
export interface WechatWebLogin<User extends object> extends MountableHandler {
  /**
   * A guard for the host's routes: lets pass who has the session's cookie, or sends its token as
   * `Authorization: Bearer …`, and is still found by `findUser`, with all that is required. A cookie counts only for reading, or where the request
   * comes from a page of the own origin. Answers 401 `login_required` to everyone else.
   */
  requireLogin: MountableHandler;
  /**
   * The same check without an answer, for pages that are for everybody, WebSocket upgrades, GraphQL, tRPC, NestJS: the user
   * and the identity, or `undefined` if nobody is signed in. `userOf` and `identityOf` know the user from then on.
   *
   * @throws {Error} the errors of `findUser` and Redis; with `session: false` always
   */
  authenticate(req: IncomingMessage): Promise<{ user: User; identity: Identity } | undefined>;
  /** The user that the guard found. @throws {Error} where the guard has not run for this request */
  userOf(req: IncomingMessage): User;
  /** The identity that the session was begun with. @throws {Error} where the guard has not run for this request */
  identityOf(req: IncomingMessage): Identity;
  /**
   * Ends every session of this user, in all apps that share sessions with this router. Takes an identity, or the host's row
   * with these fields; without an appId the openid may be one of either app of this router, and without an openid the
   * unionid is enough.
   *
   * @throws {TypeError} where neither an openid nor a unionid is there
   */
  signOutEverywhere(user: Person): Promise<void>;
}

/** What `wechatWebLogin` gives: with `session: false` the routes alone, since no session begins. */
export type WechatWebLoginWith<User extends object, Session> = [Session] extends [false]
  ? MountableHandler
  : WechatWebLogin<User>;
