const { wordsFor } = require("../../words.js");

/** What is asked for first: unionid by the authorisation button, as its data are sealed with the newest key. */
function stepFor(missing) {
  if (missing.includes("unionid")) return "userInfo";
  return missing.includes("phoneNumber") ? "phone" : "profile";
}

Page({
  data: { step: "", agreed: false, busy: true, avatarUrl: "", nickName: "", needs: {}, message: "" },

  onLoad() {
    this.login = getApp().login;
    // wx.login, long before a button is there to be pressed.
    this.attempt(() => this.login.start());
  },

  onRetry() {
    this.attempt(() => this.login.start());
  },

  /** `<button open-type="getUserInfo">`: sealed data, or a refusal. */
  onUserInfo({ detail }) {
    const { errMsg, encryptedData, iv, rawData, signature } = detail;
    this.attempt(() => this.login.complete({ errMsg, encryptedData, iv, rawData, signature }));
  },

  /** `<button open-type="getPhoneNumber">`: a code of its own; from old base libraries sealed data only. */
  onPhoneNumber({ detail }) {
    const { errMsg, code, encryptedData, iv } = detail;
    const number = code ? { phoneCode: code } : { encryptedData, iv };
    this.attempt(() => this.login.complete({ errMsg, ...number }));
  },

  /** `<button open-type="chooseAvatar">`: a file on the phone. */
  onChooseAvatar({ detail }) {
    this.setData({ avatarUrl: detail.avatarUrl || this.data.avatarUrl });
  },

  /** By the form: WeChat empties a nickname that it does not let pass, without an event for it. */
  onProfile({ detail }) {
    const { needs, avatarUrl } = this.data;
    const nickName = (detail.value.nickName || "").trim();
    this.setData({ nickName });
    if (needs.avatarUrl && !avatarUrl) return this.setData({ message: "请选择头像" });
    if (needs.nickName && !nickName) return this.setData({ message: "请填写昵称" });
    this.attempt(() =>
      this.login.complete({ nickName: nickName || undefined, avatar: avatarUrl || undefined }),
    );
  },

  async onAgree() {
    const agreed = await this.login.agreeToPrivacy();
    this.setData({ agreed, message: agreed ? "" : "同意后才能继续" });
  },

  /** One step of the login; whatever comes of it is shown. */
  async attempt(work) {
    this.setData({ busy: true, message: "" });
    try {
      await this.show(await work());
    } catch (error) {
      this.setData({ message: wordsFor(error) });
    }
    this.setData({ busy: false });
  },

  async show({ status, missing, refused, again }) {
    if (status === "signed_in") return wx.reLaunch({ url: "/pages/me/me" });
    const needs = {};
    for (const name of missing) needs[name] = true;
    this.setData({ needs, step: stepFor(missing) });
    // Before the buttons: an input for the nickname cannot ask for the agreement itself.
    if (!this.data.agreed) await this.onAgree();
    if (refused) this.setData({ message: "您已拒绝，可以再按一次" });
    if (again) this.setData({ message: "登录已更新，请再按一次" });
  },
});
