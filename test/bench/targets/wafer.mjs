import { RedisStore } from "connect-redis";
import express from "express";
import { createClient } from "redis";
import request from "request";
import session from "wafer-node-session";
import { APP_ID, SECRET } from "../people.mjs";

/** wafer-node-session with a Redis store: one request, which always carries the sealed data. */
export async function handler({ WECHAT_URL, REDIS_URL }) {
  const client = await createClient({ url: REDIS_URL }).connect();
  // WeChat's address is fixed in it.
  const { get } = request;
  request.get = (options, done) =>
    get({ ...options, url: options.url.replace("https://api.weixin.qq.com", WECHAT_URL) }, done);
  const app = express();
  app.use(
    session({
      appId: APP_ID,
      appSecret: SECRET,
      loginPath: "/login",
      store: new RedisStore({ client, prefix: "wafer:" }),
    }),
  );
  app.get("/me", (req, res) => res.json({ openid: req.session.userInfo.openId }));
  return app;
}
