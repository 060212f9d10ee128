import type { WechatLoginErrorCode } from "./errors.ts";

/** The kinds of mistakes that no answer can tell; docs/troubleshooting.md#warnings explains each. */
export type WarningCode =
  | "WECHAT_LOGIN_USER_NOT_FOUND"
  | "WECHAT_LOGIN_FIELD_MISSING"
  | "WECHAT_LOGIN_WECHAT_REFUSES"
  | "WECHAT_LOGIN_TRUST_PROXY"
  | "WECHAT_LOGIN_OTHER_HOST";

/** Where an error code is explained: the page is in the package, which is not the reader's own folder. */
export function seeSection(code: WechatLoginErrorCode): string {
  return `See docs/troubleshooting.md#${code}, or run "npx express-wechat-login explain ${code}"`;
}

const given = new WeakMap<object, Set<string>>();

/**
 * Warns the host's developer by `process.emitWarning`, which prints to stderr unless the host decides otherwise.
 *
 * @param about whose mistake it is (a callback, an app): each is warned about once for a code and a detail
 */
export function warnOnce(about: object, code: WarningCode, message: string, detail = ""): void {
  const known = given.get(about) ?? new Set();
  given.set(about, known);
  if (known.has(code + detail)) return;
  known.add(code + detail);
  warn(code, message);
}

/** Warns each time. */
export function warn(code: WarningCode, message: string): void {
  process.emitWarning(message, { type: "WechatLoginWarning", code });
}
