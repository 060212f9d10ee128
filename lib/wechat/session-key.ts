import { createHmac } from "node:crypto";
import type { AccessToken } from "./access-token.ts";
import { errorOf, senseless } from "./errcodes.ts";
import type { WechatAnswer, WechatRequest } from "./request.ts";
import { withAccessToken } from "./with-access-token.ts";

/** What WeChat can do with a session_key that the server has kept. */
export interface SessionKeyApi {
  /** WeChat's checksession (检验登录态): whether the key still opens data. */
  checkSessionKey(openid: string, sessionKey: string): Promise<boolean>;
  /** WeChat's resetusersessionkey (重置登录态): a new key; `undefined` where the old one is over. */
  resetUserSessionKey(openid: string, sessionKey: string): Promise<string | undefined>;
}

/** The key is not valid: for a check, and for a reset. */
const INVALID = new Set([87009, 87007]);

/** The two APIs about session_keys. They throw what every API throws. */
export function sessionKeyApi(ports: { accessToken: AccessToken; request: WechatRequest }): SessionKeyApi {
  async function ask(path: string, openid: string, sessionKey: string): Promise<WechatAnswer | undefined> {
    // The string, not the decoded bytes, is the key; the message is empty.
    const signature = createHmac("sha256", sessionKey).update("").digest("hex");
    const query = { openid, signature, sig_method: "hmac_sha256" };
    const answer = await withAccessToken(ports.accessToken, (access_token) =>
      ports.request(path, { access_token, ...query }),
    );
    if (INVALID.has(answer.errcode)) return undefined;
    if (answer.errcode !== 0) throw errorOf(answer, [answer.token, signature, sessionKey]);
    return answer;
  }

  return {
    checkSessionKey: async (openid, sessionKey) =>
      (await ask("/wxa/checksession", openid, sessionKey)) !== undefined,
    async resetUserSessionKey(openid, sessionKey) {
      const answer = await ask("/wxa/resetusersessionkey", openid, sessionKey);
      if (!answer) return undefined;
      if (typeof answer.session_key === "string" && answer.session_key !== "") return answer.session_key;
      throw senseless("session_key is missing");
    },
  };
}
