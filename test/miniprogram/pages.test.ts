import { expect } from "chai";
import sinon from "sinon";
import type { PhoneUser } from "../../lib/simulator/index.ts";
import { startApp } from "../support/login-app.ts";
import { createLogin, phoneInNode } from "./support/load.ts";
import { loadPage } from "./support/page.ts";

/** A host, and a phone with one page of the example on it. */
async function open(path: string, user: PhoneUser, token = "") {
  const app = await startApp({ session: {} });
  const { wx, press, stored } = phoneInNode(app.wechat.phone(user));
  stored.set("wechat-login:session", token);
  const asked: string[] = [];
  const request = (options: Parameters<typeof wx.request>[0]) => {
    asked.push(new URL(options.url).pathname);
    return wx.request({ ...options, url: options.url.replace("http://localhost:3000", app.url) });
  };
  const login = createLogin({ wx: { ...wx, request }, url: `${app.url}/wx` });
  const went = { reLaunch: sinon.spy(), redirectTo: sinon.spy() };
  const page = loadPage(path, { app: { login }, wx: went });
  page.login = login;
  /** The server ends the session; the phone does not know it. */
  const endSession = () =>
    createLogin({ wx, url: `${app.url}/wx` }).request({ url: `${app.url}/wx/logout`, method: "POST" });
  return { press, went, page, asked, endSession };
}

describe("the pages of the Mini Program", () => {
  it("the login page shows in WeChat's words why a button failed that nobody refused", async () => {
    const { page } = await open("login", { unionid: "u1", unionidAtLogin: false });
    await page.attempt(() => page.login.start());
    await page.attempt(() => page.login.complete({ errMsg: "getPhoneNumber:fail no permission" }));
    expect(page.data.message).to.equal("登录失败（getPhoneNumber:fail no permission）");
    expect(page.data.busy).to.equal(false);
  });

  it("the user's page is left once where a change finds that the user has to be asked", async () => {
    const { page, went, asked } = await open("me", { unionid: "u1", unionidAtLogin: false }, "stale");
    await page.change({ nickName: "小红" });
    expect(went.redirectTo.args).to.deep.equal([[{ url: "/pages/login/login" }]]);
    expect(asked, "nothing is loaded any more").to.deep.equal(["/wx/profile", "/wx/login"]);
  });

  it("the user's page shows a change, and no error for a logout of a session that is over already", async () => {
    const { page, asked, endSession } = await open("me", { unionid: "u1" }, "stale");
    await page.change({ nickName: "小红" });
    expect(page.data.user).to.have.nested.property("user.nickName", "小红");
    expect(asked).to.deep.equal(["/wx/profile", "/wx/login", "/wx/profile", "/me"]);
    await endSession();
    await page.onLogout();
    expect(page.data).to.include({ signedOut: true, user: null, message: "", busy: false });
  });
});
