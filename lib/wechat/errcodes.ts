import { WechatLoginError, type WechatLoginErrorCode } from "../errors.ts";

/** What errcodes mean to us; an API adds its own meanings to the common ones. */
export type Meanings = Readonly<Record<number, WechatLoginErrorCode>>;

/** 40163 is missing in the official table, and real. */
const COMMON: Meanings = {
  40029: "invalid_code",
  40163: "invalid_code",
  40226: "user_blocked",
  41008: "invalid_request",
  45009: "rate_limited",
  45011: "rate_limited",
  // The appid, the secret, the account or the IP whitelist: nothing that a client could mend.
  40013: "misconfigured",
  40125: "misconfigured",
  40164: "misconfigured",
  40243: "misconfigured",
  41002: "misconfigured",
  41004: "misconfigured",
  50002: "misconfigured",
  50007: "misconfigured",
};

const MESSAGE: Partial<Record<WechatLoginErrorCode, string>> = {
  invalid_code: "The code is wrong, expired or already used: log in again with a new one.",
  invalid_phone_code:
    "The phone code is wrong, expired, used or another user's: let the user press the button again.",
  content_rejected: "WeChat's content check says that this is risky: choose another name.",
  user_blocked: "WeChat has blocked this user as a high risk.",
  invalid_request: "WeChat found no code in the request.",
  rate_limited: "Too many requests for WeChat's limits: try again later.",
  misconfigured:
    "The server's WeChat configuration is refused by WeChat; its operator finds the details in onError, or on stderr.",
};

/** WeChat counts by the minute. */
const RATE_LIMIT_SECONDS = 60;
const TRY_LATER_SECONDS = 5;

/**
 * The error for an answer with an errcode. The cause quotes WeChat, with the secrets of the request blotted out.
 *
 * @param own what this API means by an errcode, where it differs from the others
 */
export function errorOf(
  answer: { errcode: number; errmsg?: unknown },
  secrets: string[],
  own: Meanings = {},
): WechatLoginError {
  const { errcode } = answer;
  const code = own[errcode] ?? COMMON[errcode] ?? "wechat_error";
  const message = MESSAGE[code] ?? `WeChat answered with errcode ${errcode}.`;
  const cause = new Error(`WeChat: errcode ${errcode}, ${blotOut(String(answer.errmsg), secrets)}`);
  return new WechatLoginError(code, message, {
    errcode,
    cause,
    ...(code === "rate_limited" ? { retryAfter: RATE_LIMIT_SECONDS } : {}),
  });
}

/** WeChat's "system busy" (-1), still there at the second try. */
export function busy(): WechatLoginError {
  const details = { errcode: -1, retryAfter: TRY_LATER_SECONDS };
  return new WechatLoginError("wechat_unavailable", "WeChat is busy: try again later.", details);
}

/** WeChat could not be asked; `reason` is a code or a few words and never holds a URL. */
export function unreachable(reason: string): WechatLoginError {
  const details = { retryAfter: TRY_LATER_SECONDS, cause: new Error(reason) };
  return new WechatLoginError("wechat_unavailable", "WeChat cannot be reached: try again later.", details);
}

/** An answer that WeChat's documentation knows nothing of. */
export function senseless(reason: string): WechatLoginError {
  return new WechatLoginError("wechat_error", `WeChat's answer makes no sense: ${reason}.`);
}

/** A text of WeChat's that says something; it sends "" where it has nothing. */
export function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** In one line: an errmsg that quotes a client could otherwise write lines of its own into a log. */
function blotOut(text: string, secrets: string[]): string {
  const safe = secrets.reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
  return safe.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ");
}
