const TEXTS = {
  zh: {
    login: "微信登录",
    logout: "退出登录",
    user: "已登录：",
    nobody: "没有人登录。",
    authorization_denied: "已拒绝。",
    note: "本页的用户在示例自己的数据库里，与演示手机页的用户分开。",
    back: "← 返回演示手机页",
  },
  en: {
    login: "Log in with WeChat",
    logout: "Log out",
    user: "Signed in: ",
    nobody: "Nobody is signed in.",
    authorization_denied: "Refused.",
    note: "The users of this page are in the example’s own database, apart from those of the phone page.",
    back: "← Back to the phone page",
  },
};
// The phone page has a switch for it.
const language = localStorage.getItem("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en");
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
const error = new URLSearchParams(location.search).get("error") ?? "";
at("error").textContent = [text[error], error].filter(Boolean).join(" ");
at("logout").addEventListener("click", async () => {
  await fetch("/web/logout", { method: "POST" });
  location.assign("/web.html");
});

// Only beside a simulated WeChat is there a phone page.
const { ok: hasPhonePage } = await fetch("/stage/scene");
at("note").hidden = !hasPhonePage;
at("back").hidden = !hasPhonePage;
