import { createDecipheriv, randomBytes } from "node:crypto";
import express from "express";
import { Redis } from "ioredis";
import fetch from "node-fetch";
import { APP_ID, SECRET } from "../people.mjs";

/** What stands in the tutorials, with a token for the session_key: no checks, no timeout, no session. */
export function handler({ WECHAT_URL, REDIS_URL }) {
  const redis = new Redis(REDIS_URL);
  const findUser = async () => null;
  const saveUser = async () => {};
  const app = express();
  app.use(express.json());
  app.post("/login", async (req, res) => {
    const query = new URLSearchParams({
      appid: APP_ID,
      secret: SECRET,
      js_code: req.body.code,
      grant_type: "authorization_code",
    });
    const answer = await fetch(`${WECHAT_URL}/sns/jscode2session?${query}`);
    const { openid, session_key, unionid } = await answer.json();
    const user = unionid ? { openid, unionid } : await findUser(openid);
    if (user) return res.json({ status: "signed_in", user });
    const temporaryToken = randomBytes(32).toString("hex");
    await redis.set(`pending:${temporaryToken}`, JSON.stringify({ openid, session_key }), "EX", 300);
    res.json({ status: "incomplete", temporaryToken });
  });
  app.post("/login/complete", async (req, res) => {
    const { temporaryToken, encryptedData, iv } = req.body;
    const key = `pending:${temporaryToken}`;
    const { openid, session_key } = JSON.parse(await redis.get(key));
    await redis.del(key);
    const [secret, vector] = [Buffer.from(session_key, "base64"), Buffer.from(iv, "base64")];
    const decipher = createDecipheriv("aes-128-cbc", secret, vector);
    const text = decipher.update(encryptedData, "base64", "utf8") + decipher.final("utf8");
    const { unionId, nickName, avatarUrl } = JSON.parse(text);
    const user = { openid, unionid: unionId, nickName, avatarUrl };
    await findUser(openid);
    await saveUser(user);
    res.json({ status: "signed_in", user });
  });
  return app;
}
