import type { WechatLoginError, WechatLoginErrorCode } from "../errors.ts";
import { seeSection, warn } from "../warnings.ts";

const HOUR = 60 * 60 * 1000;
/** Errors that nobody but the operator can mend. */
const OPERATORS: WechatLoginErrorCode[] = ["misconfigured", "wechat_error"];

/** What to do about the commonest; all are in docs/troubleshooting.md. */
const CURES: Record<number, string> = {
  40013: "The AppID is wrong.",
  40125: "The AppSecret is wrong, or it was reset in WeChat's console.",
  40164: "The address of this server is not in the IP whitelist (IP白名单) of WeChat's console.",
  41002: "The AppID is empty.",
  41004: "The AppSecret is empty.",
};

/**
 * Warns the operator of a host without `onError` of what WeChat refuses, once per errcode and hour: clients see a message
 * that deliberately says little. WeChat's own words are not quoted; they go to `onError` only.
 */
export function operatorWarnings() {
  const warnedAt = new Map<number | undefined, number>();

  return ({ code, errcode, message }: WechatLoginError): void => {
    // In both directions: the clock may be set back.
    const isRecent = Math.abs(Date.now() - (warnedAt.get(errcode) ?? 0)) < HOUR;
    if (!OPERATORS.includes(code) || isRecent) return;
    warnedAt.set(errcode, Date.now());
    const what = errcode === undefined ? message : `WeChat refuses with errcode ${errcode}.`;
    const cure = CURES[errcode ?? 0];
    const where = `${seeSection(code)}; the option onError is given the details.`;
    warn("WECHAT_LOGIN_WECHAT_REFUSES", ["wechatLogin:", what, cure, where].filter(Boolean).join(" "));
  };
}
