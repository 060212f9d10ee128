const { origin } = require("../../config.js");
const { wordsFor } = require("../../words.js");

Page({
  data: { user: null, signedOut: false, busy: true, message: "" },

  onLoad() {
    this.login = getApp().login;
    this.load();
  },

  /** The first request of the start logs in by itself, and silently wherever it can. */
  load() {
    return this.attempt(async () => {
      const user = await this.login.request({ url: `${origin}/me` });
      this.setData({ user, signedOut: false });
    });
  },

  /** It needs the agreement, and WeChat asks for it itself when the button is pressed. */
  onChooseAvatar({ detail }) {
    if (detail.avatarUrl) this.change({ avatar: detail.avatarUrl });
  },

  onNickName({ detail }) {
    const nickName = (detail.value.nickName || "").trim();
    if (nickName && nickName !== this.data.user.nickName) this.change({ nickName });
  },

  async change(fields) {
    if (await this.attempt(() => this.login.updateProfile(fields))) await this.load();
  },

  async onLogout() {
    // The token is forgotten on the phone in any case.
    await this.attempt(() => this.login.logout());
    this.setData({ user: null, signedOut: true });
  },

  /** Whether it succeeded. Where the user has to be asked, the page is left, and does nothing any more. */
  async attempt(work) {
    this.setData({ busy: true, message: "" });
    try {
      await work();
      this.setData({ busy: false });
      return true;
    } catch (error) {
      if (error.code === "login_incomplete") wx.redirectTo({ url: "/pages/login/login" });
      else this.setData({ busy: false, message: wordsFor(error) });
      return false;
    }
  },
});
