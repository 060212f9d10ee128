import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type ErrorRequestHandler } from "express";
import { Redis } from "ioredis";
import sinon from "sinon";
import {
  type Identity,
  type Requirement,
  type UserToSave,
  type WechatLoginOptions,
  wechatLogin,
} from "../../lib/index.ts";
import { type WechatSimulator, wechatSimulator } from "../../lib/simulator/index.ts";
import { atEnd, atEndOfFile } from "./at-end.ts";

export const APP_ID = "wx0123456789abcdef";
export const SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/** A stored user of the test host. */
export interface TestUser {
  id: number;
  appId: string;
  openid: string;
  unionid?: string | null;
  nickName?: string | null;
  avatarUrl?: string | null;
  phoneNumber?: string | null;
}

type Options = Partial<WechatLoginOptions<TestUser, readonly Requirement[]>>;

/** A JSON answer; the named fields are there where the contract says so. */
export interface TestBody {
  [name: string]: unknown;
  temporaryToken: string;
  sessionToken: string;
  missing: string[];
  error: { code: string; message: string; docs: string; errcode?: number };
}

/** An answer as the phone sees it. */
export interface TestAnswer {
  status: number;
  headers: Headers;
  body: TestBody;
}

let sharedRedis: Redis | undefined;
let prefixes = 0;

export { atEnd };

atEndOfFile(() => {
  sharedRedis?.disconnect();
  // The next file, or the next run of mutation testing, has one of its own.
  sharedRedis = undefined;
});

/** The Redis of this run; every test keeps to keys of its own. */
export function redis(): Redis {
  sharedRedis ??= new Redis(String(process.env.REDIS_URL));
  return sharedRedis;
}

let usesRedis = true;

/** What the hosts of tests give as `redis`: nothing inside of {@link forEachStore} with the in-process store. */
export function hostRedis(): Redis | undefined {
  return usesRedis ? redis() : undefined;
}

/** Runs the same tests with hosts that use Redis, and with hosts that use the in-process store. */
export function forEachStore(title: string, body: () => void): void {
  for (const [name, isRedis] of [
    ["Redis", true],
    ["the in-process store", false],
  ] as const) {
    describe(`${title}, with ${name}`, () => {
      before(() => {
        usesRedis = isRedis;
      });
      after(() => {
        usesRedis = true;
      });
      body();
    });
  }
}

/** A key prefix that no other test has. */
export function ownPrefix(): string {
  return `test:${process.pid}:${Date.now()}:${prefixes++}:`;
}

/** A WeChat that knows our app, closed after the test. */
export async function startWechat(app = { appId: APP_ID, secret: SECRET }): Promise<WechatSimulator> {
  const wechat = await wechatSimulator(app);
  atEnd(() => wechat.close());
  return wechat;
}

/** A host's user table in memory, with the two callbacks as spies. */
export function userTable(initial: Partial<TestUser>[] = []) {
  const users: TestUser[] = initial.map((user, index) => ({
    id: index + 1,
    appId: APP_ID,
    openid: "",
    ...user,
  }));
  const find = ({ appId, openid, unionid }: Identity) =>
    users.find((user) => unionid !== undefined && user.unionid === unionid) ??
    users.find((user) => user.appId === appId && user.openid === openid);
  const findUser = sinon.spy(async (identity: Identity) => structuredClone(find(identity)));
  const saveUser = sinon.spy(async (user: UserToSave<readonly []>) => {
    const stored = find(user);
    if (stored) Object.assign(stored, user);
    else users.push({ id: users.length + 1, ...user });
  });
  return { users, findUser, saveUser };
}

/** Starts a host application with the login at /wx, on real Redis and against the simulator. */
export async function startApp(options: Options = {}, initialUsers: Partial<TestUser>[] = []) {
  const wechat = await startWechat();
  const table = userTable(initialUsers);
  const hostErrors: unknown[] = [];
  const keyPrefix = options.keyPrefix ?? ownPrefix();
  const login = wechatLogin({
    appId: APP_ID,
    secret: SECRET,
    redis: hostRedis(),
    findUser: table.findUser,
    saveUser: table.saveUser,
    keyPrefix,
    baseUrl: wechat.baseUrl,
    // Sessions and limits have tests of their own; without them answers and keys can be compared as a whole.
    session: false,
    rateLimit: false,
    ...options,
  } as WechatLoginOptions<TestUser, readonly Requirement[]>);
  const app = express();
  app.use("/wx", login);
  app.get("/me", login.requireLogin, (req, res) => {
    res.json({ user: login.userOf(req), identity: login.identityOf(req) });
  });
  const onHostError: ErrorRequestHandler = (error, _req, res, _next) => {
    hostErrors.push(error);
    res.status(500).json({ host: "error" });
  };
  app.use(onHostError);
  const url = await listen(createServer(app));
  const post = (path: string, body: unknown, sessionToken?: string) =>
    send(`${url}${path}`, JSON.stringify(body), authorization(sessionToken));
  const upload = (path: string, form: FormData, sessionToken?: string) =>
    ask(`${url}${path}`, { method: "POST", body: form, headers: authorization(sessionToken) });
  const me = (sessionToken?: string) => ask(`${url}/me`, { headers: authorization(sessionToken) });
  const keys = () => redis().keys(`${keyPrefix}*`);
  return { ...table, wechat, wx: login, url, post, upload, me, hostErrors, keyPrefix, keys };
}

function authorization(sessionToken: string | undefined): Record<string, string> {
  return sessionToken === undefined ? {} : { Authorization: `Bearer ${sessionToken}` };
}

/** Sends a request and reads its JSON answer. */
export async function ask(url: string, init: RequestInit = {}): Promise<TestAnswer> {
  const response = await fetch(url, init);
  return { status: response.status, headers: response.headers, body: (await response.json()) as TestBody };
}

/** Listens on a free port until the test ends. */
export async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** POSTs a body as it is. */
export async function send(
  url: string,
  body: string | Uint8Array | FormData,
  headers: Record<string, string> = {},
): Promise<TestAnswer> {
  return await ask(url, {
    method: "POST",
    body,
    headers: { "Content-Type": "application/json", ...headers },
  });
}
