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
import { browserOf } from "./browser.ts";
import {
  APP_ID,
  atEnd,
  hostRedis,
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
  const shared = { redis: hostRedis(), keyPrefix, baseUrl: wechat.baseUrl, findUser, saveUser };
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
