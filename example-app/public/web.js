const TEXTS = {
  zh: {
    login: "微信登录",
    logout: "退出登录",
    user: "已登录：",
    nobody: "没有人登录。",
    note: "本页的用户在示例自己的数据库里，与演示手机页的用户分开。",
    back: "← 返回演示手机页",
    failed: "登录失败。",
  },
  en: {
    login: "Log in with WeChat",
    logout: "Log out",
    user: "Signed in: ",
    nobody: "Nobody is signed in.",
    note: "The users of this page are in the example’s own database, apart from those of the phone page.",
    back: "← Back to the phone page",
    failed: "The login failed.",
  },
};
/** What the callback can put into `?error=`. Anybody can write such a link: nothing else of it is shown. */
const ERRORS = {
  authorization_denied: { zh: "已拒绝。", en: "Refused." },
  invalid_state: { zh: "登录已过期，请重新登录。", en: "The login has expired: log in again." },
  invalid_code: { zh: "登录已过期，请重新登录。", en: "The login has expired: log in again." },
  snapshot_user: { zh: "请打开完整页面后再登录。", en: "Open the whole page to log in." },
  profile_unavailable: { zh: "需要微信头像和昵称。", en: "A WeChat avatar and nickname are needed." },
  unionid_unavailable: { zh: "微信没有提供 unionid。", en: "WeChat gave no unionid." },
  user_blocked: { zh: "该微信账号暂时无法登录。", en: "WeChat does not let this account log in." },
  account_conflict: {
    zh: "该微信账号对应两个用户，请联系客服。",
    en: "This account belongs to two users: tell the operator.",
  },
  rate_limited: { zh: "请求过多，请稍后再试。", en: "Too many requests: try again later." },
  wechat_unavailable: { zh: "微信暂时无响应，请稍后再试。", en: "WeChat does not answer: try again later." },
  wechat_error: { zh: "微信返回了错误。", en: "WeChat answered with an error." },
  misconfigured: { zh: "服务器配置有误。", en: "The server is misconfigured." },
};

// The phone page has a switch for it.
const chosen = localStorage.getItem("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en");
const language = chosen === "zh" ? "zh" : "en";
const text = TEXTS[language];
const at = (id) => document.getElementById(id);

document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
for (const id of ["login", "logout", "note", "back"]) at(id).textContent = text[id];

// The session is in a cookie that no script can read; the server says whose it is.
const response = await fetch("/me");
const me = await response.json();
at("login").hidden = response.ok;
at("logout").hidden = !response.ok;
at("user").textContent = response.ok ? text.user + (me.nickName ?? me.unionid) : text.nobody;
at("error").textContent = wordsFor(new URLSearchParams(location.search).get("error"));
at("logout").addEventListener("click", async () => {
  await fetch("/web/logout", { method: "POST" });
  location.assign("/web.html");
});

// Only beside a simulated WeChat is there a phone page.
const { ok: hasPhonePage } = await fetch("/stage/scene");
at("note").hidden = !hasPhonePage;
at("back").hidden = !hasPhonePage;

function wordsFor(code) {
  if (!code) return "";
  return Object.hasOwn(ERRORS, code) ? `${ERRORS[code][language]} ${code}` : text.failed;
}
