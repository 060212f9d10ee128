// A TypeScript host; packed.ts compiles it against the packed declarations, with the library's types checked, too.
import express from "express";
import {
  type Identity,
  type Requirement,
  WechatLoginError,
  type WechatWebLogin,
  wechatLogin,
  wechatWebLogin,
} from "express-wechat-login";
import { type Phone, wechatSimulator } from "express-wechat-login/simulator";
import { Redis } from "ioredis";

const users = new Map<string, { unionid?: string; nickName: string }>();
const require: Requirement[] = ["unionid"];
const phone: Phone = (await wechatSimulator({ appId: "wx1", secret: "s" })).phone();

express().use(
  "/wx",
  wechatLogin({
    appId: "wx1",
    secret: "s",
    redis: new Redis(),
    require: ["unionid", "nickName"],
    findUser: ({ openid }: Identity) => users.get(openid),
    saveUser: ({ openid, unionid, nickName }) => users.set(openid, { unionid, nickName }),
    onLogin: ({ nickName }) => ({ nickName }),
    onError: (error) => error instanceof WechatLoginError && error.code,
  }),
);

const web: WechatWebLogin<{ unionid: string; nickName: string }> = wechatWebLogin({
  website: { appId: "wx2", secret: "s" },
  callbackUrl: "https://example.com/web/callback",
  require: ["unionid", "nickName"],
  findUser: async ({ unionid = "" }: Identity) => ({ unionid, nickName: "a" }),
  saveUser: ({ unionid, nickName }) => [unionid.length, nickName.length],
  onLogin: ({ nickName }, { req }) => console.log(nickName, req.path),
});
express().get("/me", web.requireLogin, (req, res) => res.json(web.userOf(req).nickName));

export const seen = [require, phone.login().code];
