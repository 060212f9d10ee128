import type { WechatSimulator } from "../../../lib/simulator/index.ts";
import { nickNameFor, spliceUnionId } from "./splice.ts";

export const VICTIM = "ocMvos6NjeKLIBqg5Mr9QjxrP1FA";
/** The attacker's data without a unionId and with one of their own. */
export const OWN_UNIONIDS = [
  ["from data without a unionId", {}],
  ["from data with a unionId of the attacker's own", { unionid: "oAttackersOwnUnionid00000000" }],
] as const;

/** The attacker's phone, whose nickname is the victim's unionid. @param openid of 28 characters */
export function attackersPhone(wechat: WechatSimulator, openid: string, own: { unionid?: string }) {
  const identity = { openId: openid, ...(own.unionid && { unionId: own.unionid }) };
  const beginning = `${JSON.stringify(identity).slice(0, -1)},"nickName":"`;
  const nickName = nickNameFor(VICTIM, beginning.length);
  const phone = wechat.phone({ openid, client: "old", nickName, unionidAtLogin: false, ...own });
  return {
    login: () => phone.login(),
    /** What `wx.getUserInfo` gave, with spliced data; the genuine rawData and signature stay beside them. */
    splicedUserInfo() {
      const info = phone.getUserInfo();
      return { ...info, ...spliceUnionId(info, beginning + nickName, VICTIM) };
    },
  };
}
