const { createLogin } = require("./wechat-login.js");
const { origin, login } = require("./config.js");

App({
  onLaunch({ query }) {
    // Which login of the example: DevTools has a compile mode (编译模式) for each. Yours will need one, and no query.
    const path = ["/wx", "/wx-profile", "/wx-phone"].find((known) => known === query.login) || login;
    this.login = createLogin({ wx, url: origin + path });
  },
});
