import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import sinon from "sinon";
import type { PhoneUser } from "../../lib/simulator/index.ts";
import { startApp } from "../support/login-app.ts";
import { createLogin, phoneInNode } from "./support/load.ts";
import { loadPage } from "./support/page.ts";

/** A host, and a phone with one page of the example on it. */
async function open(path: string, user: PhoneUser, token = "", options: Parameters<typeof startApp>[0] = {}) {
  const app = await startApp({ session: {}, ...options });
  const { wx, press, stored } = phoneInNode(app.wechat.phone(user));
  stored.set("wechat-login:session", token);
  const asked: string[] = [];
  const sent: (object | undefined)[] = [];
  const request = (options: Parameters<typeof wx.request>[0]) => {
    asked.push(new URL(options.url).pathname);
    sent.push(options.data);
    return wx.request({ ...options, url: options.url.replace("http://localhost:3000", app.url) });
  };
  const login = createLogin({ wx: { ...wx, request }, url: "http://localhost:3000/wx" });
  const went = { reLaunch: sinon.spy(), redirectTo: sinon.spy() };
  const page = loadPage(path, { app: { login }, wx: went });
  page.login = login;
  /** The server ends the session; the phone does not know it. */
  const endSession = () =>
    createLogin({ wx, url: `${app.url}/wx` }).request({ url: `${app.url}/wx/logout`, method: "POST" });
  return { users: app.users, press, went, page, asked, sent, endSession };
}

describe("the pages of the Mini Program", () => {
  it("the login page shows in WeChat's words why a button failed that nobody refused", async () => {
    const { page } = await open("login", { unionid: "u1", unionidAtLogin: false });
    await page.attempt(() => page.login.start());
    await page.attempt(() => page.login.complete({ errMsg: "getPhoneNumber:fail no permission" }));
    expect(page.data.message).to.equal("登录失败（getPhoneNumber:fail no permission）");
    expect(page.data.busy).to.equal(false);
  });

  for (const [name, withCode] of [
    ["the code", true],
    ["the sealed data, where an old base library gives no code", false],
  ] as const) {
    it(`the login page sends of the phone number ${name}`, async () => {
      const require = ["unionid", "phoneNumber"] as const;
      const { page, press, went, users, sent } = await open("login", { unionid: "u1" }, "", { require });
      await page.attempt(() => page.login.start());
      expect(page.data.step).to.equal("phone");
      const { code, ...old } = (await press("getPhoneNumber")) as { code: string };
      page.onPhoneNumber({ detail: withCode ? { code, ...old } : old });
      for (let tries = 0; page.data.busy && tries < 400; tries++) await pause(5);
      expect(page.data.message).to.equal("");
      expect(went.reLaunch.args).to.deep.equal([[{ url: "/pages/me/me" }]]);
      expect(users[0]).to.include({ phoneNumber: "10012345678" });
      const fields = withCode ? ["phoneCode"] : ["encryptedData", "iv"];
      expect(Object.keys(sent.at(-1) ?? {})).to.have.members(["temporaryToken", ...fields]);
    });
  }

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
