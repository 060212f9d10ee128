// A CommonJS host that logs a user in; packed.ts runs it with the packed tarball installed.
const express = require("express");
const { Redis } = require("ioredis");
const { wechatLogin, WechatLoginError } = require("express-wechat-login");
const { wechatSimulator } = require("express-wechat-login/simulator");

async function main() {
  const account = { appId: "wx0123456789abcdef", secret: "secret" };
  const wechat = await wechatSimulator(account);
  const redis = new Redis(process.env.REDIS_URL);
  const users = [];
  const app = express();
  app.use(
    "/wx",
    wechatLogin({
      ...account,
      redis,
      baseUrl: wechat.baseUrl,
      findUser: ({ openid }) => users.find((user) => user.openid === openid),
      saveUser: (user) => users.push(user),
    }),
  );
  const server = app.listen(0, async () => {
    const phone = wechat.phone({ unionid: "u1", unionidAtLogin: false });
    const post = async (path, body) => {
      const init = {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      };
      return (await fetch(`http://127.0.0.1:${server.address().port}${path}`, init)).json();
    };
    const { temporaryToken } = await post("/wx/login", phone.login());
    const { status } = await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
    console.log(status, users[0].unionid, typeof WechatLoginError);
    server.close();
    redis.disconnect();
    await wechat.close();
  });
}

main();
