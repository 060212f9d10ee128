module.exports = {
  // Your server. In DevTools http and localhost need "不校验合法域名" (urlCheck in project.config.json).
  origin: "http://localhost:3000",
  // Where the login is mounted: its option `require` decides what a user is asked for.
  login: "/wx-profile",
};
