/** Who a user is, as WeChat says. An `openid` means something only together with its `appId`. */
export interface Identity {
  appId: string;
  openid: string;
  unionid?: string;
}

/** What tables hold if there is no unionid: `String(undefined)`, a default, a blank. */
const NO_UNIONID = /^(|undefined|null|none|nil|nan|unknown|n\/a|false|-|-?[01]|\[object \w+\])$/i;

/** Whether a text is a unionid, and no word for nothing: many rows have the same word, and would count as one person. */
export function isUnionid(value: unknown): value is string {
  return typeof value === "string" && !NO_UNIONID.test(value.trim());
}
