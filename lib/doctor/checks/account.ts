import { bad, type Check, type Finding, ok, skip } from "../check.ts";
import type { Settings } from "../settings.ts";

const WHERE = "mp.weixin.qq.com, 开发管理 (development), 开发设置 (settings)";
const SECRET_CURE = `Correct WECHAT_SECRET, or reset the AppSecret in ${WHERE}.`;
const CURES: Record<number, string> = {
  40001: SECRET_CURE,
  40013: `Correct WECHAT_APP_ID: it is in ${WHERE}.`,
  40125: SECRET_CURE,
  40243: `The AppSecret is frozen (已冻结): unfreeze it in ${WHERE}.`,
  41002: "Set WECHAT_APP_ID.",
  41004: "Set WECHAT_SECRET.",
  45009: "The quota is used up (调用超限): wait.",
  50002: "The account is limited: look into the messages of mp.weixin.qq.com.",
  50007: "The account is frozen (账号冻结): look into the messages of mp.weixin.qq.com.",
};

/** The form of all AppIDs and AppSecrets so far: what has another gives WeChat's refusal a likely reason. */
const APP_ID = /^wx[0-9a-f]{16}$/i;
const SECRET = /^[0-9a-f]{32}$/i;

/** Appid and secret, by stable_token: the old /cgi-bin/token would end the token of everyone else. */
export const secret: Check = {
  name: "AppID, AppSecret",
  async run({ settings, stableToken }) {
    if (!settings.appId || !settings.secret) {
      return bad("not set", "Set WECHAT_APP_ID and WECHAT_SECRET in the environment.");
    }
    const answer = await stableToken();
    const { errcode, access_token: token } = ("json" in answer && answer.json) || {};
    if (typeof token === "string") return ok("WeChat accepts them");
    const odd = oddnessOf(settings);
    if (typeof errcode !== "number") return skip(`WeChat does not answer${odd}`);
    if (errcode === 40164) return skip(`WeChat refuses the IP first${odd}`);
    const { found, ...finding } = refused(errcode);
    return { ...finding, found: found + odd };
  },
};

function oddnessOf({ appId, secret }: Settings): string {
  const id = APP_ID.test(appId)
    ? ""
    : "; WECHAT_APP_ID looks wrong: an AppID is wx and 16 characters, 0 to 9 and a to f";
  const word = SECRET.test(secret)
    ? ""
    : "; WECHAT_SECRET looks wrong: an AppSecret has 32 characters, 0 to 9 and a to f";
  return id + word;
}

/** WeChat tells the address that it sees only where it refuses it. */
export const ipWhitelist: Check = {
  name: "IP whitelist (IP白名单)",
  async run({ settings, stableToken }) {
    const answer = settings.appId && settings.secret && (await stableToken());
    const { errcode, errmsg, access_token: token } = (answer && "json" in answer && answer.json) || {};
    if (typeof token === "string") return ok("this server's IP is accepted");
    if (errcode !== 40164) return skip("no access_token comes so far");
    const ip = /invalid ip ([0-9a-f.:]+)/i.exec(String(errmsg))?.[1] ?? "this server's IP";
    return bad(`WeChat refuses ${ip} (40164)`, `Add ${ip} to the IP白名单 in ${WHERE}.`);
  },
};

/** The finding for an errcode that refuses the app. */
export function refused(errcode: number): Finding {
  return bad(`WeChat refuses: errcode ${errcode}`, CURES[errcode] ?? "Look the errcode up (返回码).");
}
