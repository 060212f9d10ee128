import { createServer } from "node:http";
import express, { type ErrorRequestHandler } from "express";
import {
  type WebRequirement,
  type WechatLoginError,
  type WechatWebLoginOptions,
  wechatLogin,
  wechatWebLogin,
} from "../../lib/index.ts";
import { wechatSimulator } from "../../lib/simulator/index.ts";
import {
  APP_ID,
  ask,
  atEnd,
  listen,
  ownPrefix,
  redis,
  SECRET,
  send,
  type TestUser,
  userTable,
} from "./login-app.ts";

export const OFFICIAL_ACCOUNT = { appId: "wxofficialaccount", secret: "official-secret" };
export const WEBSITE = { appId: "wxwebsite", secret: "website-secret" };
/** What a browser inside WeChat says of itself. */
export const IN_WECHAT = "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 MicroMessenger/8.0.50 NetType/WIFI";

type Options = Partial<WechatWebLoginOptions<TestUser, readonly WebRequirement[]>> & {
  /** Also mounts the Mini Program's login at /wx, on the same users. */
  miniProgram?: boolean;
};

/** Starts a website with the web login at /web, on real Redis and against the simulator. */
export async function startWebApp(options: Options = {}, initialUsers: Partial<TestUser>[] = []) {
  const { miniProgram, ...given } = options;
  const apps = { officialAccount: OFFICIAL_ACCOUNT, website: WEBSITE };
  const wechat = await wechatSimulator({ appId: APP_ID, secret: SECRET, ...apps });
  atEnd(() => wechat.close());
  const table = userTable(initialUsers);
  const errors: WechatLoginError[] = [];
  const hostErrors: unknown[] = [];
  const keyPrefix = ownPrefix();
  const app = express();
  const server = createServer(app);
  const url = await listen(server);
  const { findUser = table.findUser, saveUser = table.saveUser } = given;
  const shared = { redis: redis(), keyPrefix, baseUrl: wechat.baseUrl, findUser, saveUser };
  const web = wechatWebLogin({
    ...apps,
    callbackUrl: `${url}/web/callback`,
    authorizeBaseUrl: wechat.baseUrl,
    ...shared,
    rateLimit: false,
    onError: (error) => void errors.push(error),
    ...given,
  } as WechatWebLoginOptions<TestUser, readonly WebRequirement[]>);
  app.use("/web", web);
  app.all("/me", web.requireLogin, (req, res) => {
    res.json({ user: web.userOf(req), identity: web.identityOf(req) });
  });
  const wx = wechatLogin({ appId: APP_ID, secret: SECRET, ...shared, session: given.session });
  if (miniProgram) {
    app.use("/wx", wx);
    app.get("/wx-me", wx.requireLogin, (req, res) => res.json(wx.identityOf(req)));
  }
  const onHostError: ErrorRequestHandler = (error, _req, res, _next) => {
    hostErrors.push(error);
    res.status(500).json({ host: "error" });
  };
  app.use(onHostError);
  const post = (path: string, body: object) => send(`${url}${path}`, JSON.stringify(body));
  const keys = () => redis().keys(`${keyPrefix}*`);
  const browser = (userAgent?: string) => browserOf(url, userAgent);
  return { ...table, wechat, web, wx, url, post, keys, browser, errors, hostErrors, keyPrefix };
}

/** A browser: it keeps cookies, and stops at every redirect. */
export function browserOf(url: string, userAgent = "Mozilla/5.0 (X11; Linux x86_64)") {
  const cookies = new Map<string, string>();

  const headers = (): Record<string, string> => ({
    "User-Agent": userAgent,
    Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
  });

  /** Opens an address; gives the status, where it leads to, and what was set. */
  async function open(target: string, init: RequestInit = {}) {
    const address = target.startsWith("/") ? url + target : target;
    const own = { ...headers(), ...(init.headers as Record<string, string>) };
    const response = await fetch(address, { redirect: "manual", ...init, headers: own });
    const setCookies = response.headers.getSetCookie();
    for (const line of setCookies) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/Max-Age=0/.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    const isJson = response.headers.get("content-type")?.startsWith("application/json");
    const text = await response.text();
    return {
      status: response.status,
      location: response.headers.get("location") ?? "",
      headers: response.headers,
      setCookies,
      body: isJson && text !== "" ? JSON.parse(text) : text,
    };
  }

  return {
    cookies,
    open,
    /** Starts a login; gives the address of WeChat's page. */
    start: async (query = "") => (await open(`/web${query}`)).location,
    me: (init: RequestInit = {}) => ask(`${url}/me`, { ...init, headers: { ...headers(), ...init.headers } }),
    /** The token of the session, as the cookie holds it. */
    sessionToken: () => [...cookies].find(([name]) => name.includes("wechat-session"))?.[1],
  };
}
