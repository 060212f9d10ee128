// Who logs in: openid and session_key follow from a name, so that WeChat and the phones agree without talking.
import { createCipheriv, createHash } from "node:crypto";

export const APP_ID = "wx0123456789abcdef";
export const SECRET = "0123456789abcdef0123456789abcdef";

const digestOf = (text) => createHash("md5").update(text).digest("base64");

/** 28 characters, as WeChat's are. */
export const openidOf = (name) =>
  `o${digestOf(`openid ${name}`).replace(/\W/g, "x")}`.padEnd(28, "_").slice(0, 28);

/** 24 characters of base64. */
export const sessionKeyOf = (name) => digestOf(`session_key ${name}`);

/** What the button gives, sealed as WeChat seals it, with the profile of a user who has one. */
export function userDataOf(name) {
  const profile = {
    nickName: "Band",
    gender: 1,
    language: "zh_CN",
    city: "Guangzhou",
    province: "Guangdong",
    country: "CN",
    avatarUrl:
      "http://wx.qlogo.cn/mmopen/vi_32/aSKcBBPpibyKNicHNTMM0qJVh8Kjgiak2AHWr8MHM4WgMEm7GFhsf8OYrySdbvAMvTsw3mo8ibKicsnfN5pRjl1p8HQ/0",
  };
  const data = {
    openId: openidOf(name),
    ...profile,
    unionId: openidOf(`union-${name}`),
    watermark: { timestamp: Math.floor(Date.now() / 1000), appid: APP_ID },
  };
  const iv = Buffer.from(digestOf(`iv ${name}`), "base64");
  const cipher = createCipheriv("aes-128-cbc", Buffer.from(sessionKeyOf(name), "base64"), iv);
  const sealed = Buffer.concat([cipher.update(JSON.stringify(data)), cipher.final()]);
  const rawData = JSON.stringify(profile);
  const signature = createHash("sha1")
    .update(rawData + sessionKeyOf(name))
    .digest("hex");
  return { encryptedData: sealed.toString("base64"), iv: iv.toString("base64"), rawData, signature };
}
