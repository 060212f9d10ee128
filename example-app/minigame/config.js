module.exports = {
  // Your server. In DevTools http and localhost need "不校验合法域名" (urlCheck in project.config.json).
  origin: "http://localhost:3000",
  // Mini Games still get the real nickname and avatar from the button: ask for them.
  login: "/wx-profile",
};
