import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import express from "express";
import { APP_ID, listen, SECRET } from "../../support/login-app.ts";
import { decrypted } from "./messages.ts";
import { OLD_LOGIN } from "./weak-forms.ts";

/** A host with the same two requests that opens user data leniently, as many do: the attacks have to succeed there. */
export async function lenientHost(wechatUrl: string): Promise<string> {
  const waiting = new Map<string, { openid: string; session_key: string }>();
  const app = express();
  app.use(express.json());
  app.post("/wx/login", async (req, res) => {
    const query = new URLSearchParams({
      appid: APP_ID,
      secret: SECRET,
      js_code: req.body.code,
      grant_type: "authorization_code",
    });
    const answer = await fetch(`${wechatUrl}/sns/jscode2session?${query}`);
    const temporaryToken = randomUUID();
    waiting.set(temporaryToken, (await answer.json()) as { openid: string; session_key: string });
    res.json({ temporaryToken });
  });
  app.post("/wx/login/complete", (req, res) => {
    const { temporaryToken, encryptedData, iv, rawData } = req.body;
    const { openid = "", session_key = "" } = waiting.get(temporaryToken) ?? {};
    const sealed = Buffer.concat([Buffer.from(iv, "base64"), Buffer.from(encryptedData, "base64")]);
    const plaintext = decrypted(Buffer.from(session_key, "base64"), sealed);
    const data = plaintext && OLD_LOGIN.reader(plaintext);
    const owner = { appId: APP_ID, openid, rawData: JSON.parse(rawData) };
    res.json({ unionid: data && OLD_LOGIN.believe(data, owner)?.unionId });
  });
  return await listen(createServer(app));
}
