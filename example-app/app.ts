import express from "express";
import { wechatLogin } from "express-wechat-login";
import { wechatSimulator } from "express-wechat-login/simulator";
import { Redis } from "ioredis";
import { openAvatars } from "./avatars.ts";
import { walkThrough } from "./phone.ts";
import { openUsers } from "./users.ts";

const { WECHAT_APP_ID, WECHAT_SECRET, REDIS_URL, PORT = "3000", DATA = "example-app/data" } = process.env;
const { PUBLIC_URL = `http://localhost:${PORT}` } = process.env;

// The real WeChat where you have an account there, a simulated one otherwise.
const account = { appId: WECHAT_APP_ID ?? "wx0000000000000000", secret: WECHAT_SECRET ?? "simulated-secret" };
const simulator = WECHAT_APP_ID ? undefined : await wechatSimulator(account);
const users = openUsers(`${DATA}/users.db`);
const avatars = openAvatars(`${DATA}/avatars`, `${PUBLIC_URL}/avatars`);

const options = {
  ...account,
  baseUrl: simulator?.baseUrl,
  redis: REDIS_URL ? new Redis(REDIS_URL) : undefined,
  findUser: users.find,
  saveUser: users.save,
  saveAvatar: avatars.save,
  onLogin: (user: { id: number }) => ({ userId: user.id }),
};

const wx = wechatLogin(options);
const app = express();
app.use("/wx", wx);
app.use("/wx-profile", wechatLogin({ ...options, require: ["unionid", "nickName", "avatarUrl"] }));
app.use("/wx-phone", wechatLogin({ ...options, require: ["unionid", "phoneNumber"] }));

app.get("/me", wx.requireLogin, (req, res) => {
  res.json(wx.userOf(req));
});
app.use("/avatars", express.static(`${DATA}/avatars`, { immutable: true, maxAge: "1y", index: false }));

const server = app.listen(Number(PORT), async (error) => {
  if (error) throw new Error(`Port ${PORT} cannot be used; try PORT=3001 npm start`, { cause: error });
  const address = server.address();
  const url = `http://localhost:${typeof address === "object" ? address?.port : PORT}`;
  console.log(`WeChat:   ${simulator ? `simulated, at ${simulator.baseUrl}` : "api.weixin.qq.com"}`);
  console.log(`Tokens:   ${REDIS_URL ? "in Redis" : "in this process (set REDIS_URL for Redis)"}`);
  console.log(`Database: ${DATA}/users.db, avatars in ${DATA}/avatars`);
  if (simulator) await walkThrough(url, simulator, users.all);
  console.log(`\nServing ${url}: POST /wx/login, POST /wx/login/complete, GET /me, … (Ctrl+C ends)`);
});
