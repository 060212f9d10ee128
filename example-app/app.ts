import express from "express";
import { wechatLogin } from "express-wechat-login";
import { wechatSimulator } from "express-wechat-login/simulator";
import { Redis } from "ioredis";
import { walkThrough } from "./phone.ts";
import { openUsers } from "./users.ts";

const { WECHAT_APP_ID, WECHAT_SECRET, REDIS_URL, PORT = "3000", DATABASE_FILE } = process.env;

// The real WeChat where you have an account there, a simulated one otherwise.
const account = { appId: WECHAT_APP_ID ?? "wx0000000000000000", secret: WECHAT_SECRET ?? "simulated-secret" };
const simulator = WECHAT_APP_ID ? undefined : await wechatSimulator(account);
const users = openUsers(DATABASE_FILE ?? "example-app/data/users.db");

const options = {
  ...account,
  baseUrl: simulator?.baseUrl,
  redis: REDIS_URL ? new Redis(REDIS_URL) : undefined,
  findUser: users.find,
  saveUser: users.save,
  onLogin: (user: { id: number }) => ({ userId: user.id }),
};

const app = express();
app.use("/wx", wechatLogin(options));
app.use("/wx-profile", wechatLogin({ ...options, require: ["unionid", "nickName", "avatarUrl"] }));

const server = app.listen(Number(PORT), async (error) => {
  if (error) throw new Error(`Port ${PORT} cannot be used; try PORT=3001 npm start`, { cause: error });
  const address = server.address();
  const url = `http://localhost:${typeof address === "object" ? address?.port : PORT}`;
  console.log(`WeChat:   ${simulator ? `simulated, at ${simulator.baseUrl}` : "api.weixin.qq.com"}`);
  console.log(`Tokens:   ${REDIS_URL ? "in Redis" : "in this process (set REDIS_URL for Redis)"}`);
  console.log(`Database: ${DATABASE_FILE ?? "example-app/data/users.db"}`);
  if (simulator) await walkThrough(url, simulator, users.all);
  console.log(`\nServing ${url}: POST /wx/login, POST /wx/login/complete (Ctrl+C ends)`);
});
