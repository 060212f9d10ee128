// The smallest host, as an ES module: node server.mjs
// In a clone of the library first: npm ci && npm run build
import express from "express";
import { wechatLogin } from "express-wechat-login";
import { wechatSimulator } from "express-wechat-login/simulator";
import { Redis } from "ioredis";

const { WECHAT_APP_ID, WECHAT_SECRET, NODE_ENV, REDIS_URL, PORT = "3000" } = process.env;
// Your appid; or a simulated WeChat to try it out, where anyone can log in as anyone.
const isReal = WECHAT_APP_ID || NODE_ENV === "production";
const account = isReal
  ? { appId: WECHAT_APP_ID, secret: WECHAT_SECRET }
  : { appId: "wx0000000000000000", secret: "simulated" };
const simulator = isReal ? undefined : await wechatSimulator(account);
const users = new Map(); // your database
// Without limits a login waits for more than a minute if Redis is unreachable; it reconnects by itself.
const limits = { maxRetriesPerRequest: 1, commandTimeout: 1000, connectTimeout: 1000 };
const redis = REDIS_URL ? new Redis(REDIS_URL, limits) : undefined;
redis?.on("error", (error) => console.warn("Redis:", error.message || error));

const wx = wechatLogin({
  ...account,
  baseUrl: simulator?.baseUrl,
  redis,
  findUser: ({ openid }) => users.get(openid),
  saveUser: (user) => users.set(user.openid, user),
  onError: (error, req) =>
    console.warn(req.baseUrl + req.path, error.code, error.errcode ?? "", error.message, error.cause ?? ""),
});

const app = express();
app.use("/wx", wx);
app.get("/me", wx.requireLogin, (req, res) => res.json({ unionid: wx.userOf(req).unionid }));
// With the simulator there is no phone; this one gives you codes to try: curl localhost:3000/code
const phone = simulator?.phone({ unionid: "u1" });
if (phone) app.get("/code", (_req, res) => res.json(phone.login()));
app.listen(PORT, (error) => {
  if (error) throw error; // the port is in use, say
  console.log(`Serving http://localhost:${PORT}: POST /wx/login, GET /me`);
});
