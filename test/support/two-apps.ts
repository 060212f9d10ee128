import { createServer } from "node:http";
import express from "express";
import type { Redis } from "ioredis";
import { type Identity, type WechatLoginOptions, wechatLogin } from "../../lib/index.ts";
import { ask, listen, ownPrefix, redis, send, startWechat, userTable } from "./login-app.ts";

export const APPS = [
  { appId: "wxfirst", secret: "s1" },
  { appId: "wxsecond", secret: "s2" },
] as const;

/** The host's two callbacks. */
export interface Table {
  findUser(identity: Identity): object | null | undefined | Promise<object | null | undefined>;
  saveUser(user: Identity): unknown;
}

/** Two Mini Programs in one process, on one Redis, one table of users and one key prefix. */
export async function twoApps<Given extends Table = ReturnType<typeof userTable>>(
  session: { name?: string; ttl?: number },
  require: readonly [] | readonly ["unionid"] = ["unionid"],
  keyPrefix = ownPrefix(),
  more: { table?: Given; client?: Redis | undefined; secondTtl?: number } = {},
) {
  const table = more.table ?? (userTable() as unknown as Given);
  const { findUser, saveUser } = table as Table;
  const client = "client" in more ? more.client : redis();
  const app = express();
  const start = async (account: { appId: string; secret: string }, mount: string, ttl = session.ttl) => {
    const wechat = await startWechat(account);
    const own = { ...account, baseUrl: wechat.baseUrl, redis: client, keyPrefix };
    const options = { ...own, require, session: { ...session, ttl }, findUser, saveUser };
    const wx = wechatLogin(options as WechatLoginOptions<object, readonly []>);
    app.use(mount, wx);
    app.get(`${mount}-me`, wx.requireLogin, (req, res) => res.json(wx.identityOf(req)));
    return { wechat, wx };
  };
  const first = await start(APPS[0], "/first");
  const second = await start(APPS[1], "/second", more.secondTtl);
  const url = await listen(createServer(app));
  const post = (path: string, body: object) => send(`${url}${path}`, JSON.stringify(body));
  const me = (mount: string, token: string) =>
    ask(`${url}${mount}-me`, { headers: { Authorization: `Bearer ${token}` } });
  const profile = (mount: string, token: string, body: object) =>
    send(`${url}${mount}/profile`, JSON.stringify(body), { Authorization: `Bearer ${token}` });
  const tokenOf = async (mount: string, code: object) =>
    (await post(`${mount}/login`, code)).body.sessionToken;
  return { ...table, first, second, post, me, profile, tokenOf, keyPrefix };
}
