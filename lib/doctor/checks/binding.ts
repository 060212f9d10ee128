import { ask } from "../ask.ts";
import { bad, type Check, ok, skip, warn } from "../check.ts";
import { refused } from "./account.ts";

const HOW =
  "In the console of the DevTools (微信开发者工具): wx.login({ success: console.log }), then --code with it, within five minutes.";
const CODE_IS_BAD = [40029, 40163];

/** Whether a unionid comes with the code: only where the Mini Program is bound to an Open Platform account. */
export const binding: Check = {
  name: "unionid (微信开放平台绑定)",
  async run({ settings: { appId, secret, code, baseUrl, timeout } }) {
    if (!code) return skip("no --code", HOW);
    if (!appId || !secret) return skip("no appid or secret");
    const query = { appid: appId, secret, js_code: code, grant_type: "authorization_code" };
    const answer = await ask(`${baseUrl}/sns/jscode2session?${new URLSearchParams(query)}`, timeout);
    if (!("json" in answer) || !answer.json) return skip("WeChat does not answer");
    const { openid, unionid, errcode } = answer.json;
    if (typeof openid !== "string") {
      return CODE_IS_BAD.includes(Number(errcode))
        ? bad(`the code is used, expired or another app's: errcode ${Number(errcode)}`, HOW)
        : refused(Number(errcode));
    }
    if (typeof unionid === "string") return ok(`openid ${short(openid)}, unionid ${short(unionid)}`);
    const cure =
      "Bind the Mini Program to an Open Platform account (open.weixin.qq.com, 管理中心, 小程序, 绑定), or do not require it: require: [].";
    return warn(`openid ${short(openid)}, no unionid`, cure);
  },
};

/** Enough to tell two apart, too little to find anyone. */
function short(id: string): string {
  return `${id.slice(0, 4)}…`;
}
