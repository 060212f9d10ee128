/** Inputs that have found something, or are kin to what has: they are tried first. Add what a long run finds. */
export const corpus = {
  returnTo: ["/%", "/%25", "/%252F..%252F", "/\ud800", "/a//b", "/?//x", "/#//x", "/.%2e//x", "/%E0%A4%A"],
  bodies: [
    ...["", "null", "\ufeff{}", '{"code":{"toString":1}}', '{"__proto__":1}', "[[[[", '"\\ud800"', "1e999"],
  ],
  cookies: [
    ...["", ";", "=", "a=b;a", "wechat-browser", "wechat-browser=", "wechat-browser=;wechat-browser="],
    "=wechat-browser",
  ],
};
