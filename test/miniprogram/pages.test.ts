import { expect } from "chai";
import sinon from "sinon";
import type { PhoneUser } from "../../lib/simulator/index.ts";
import { startApp } from "../support/login-app.ts";
import { createLogin, phoneInNode } from "./support/load.ts";
import { loadPage } from "./support/page.ts";

/** A host, and a phone with one page of the example on it. */
async function open(path: string, user: PhoneUser, options: Parameters<typeof startApp>[0] = {}) {
  const app = await startApp({ session: {}, ...options });
  const phone = phoneInNode(app.wechat.phone(user));
  const login = createLogin({ wx: phone.wx, url: `${app.url}/wx` });
  const wx = { reLaunch: sinon.spy(), redirectTo: sinon.spy() };
  const page = loadPage(path, { app: { login }, wx });
  page.login = login;
  return { ...app, ...phone, login, went: wx, page };
}

describe("the pages of the Mini Program", () => {
  it("the login page shows in WeChat's words why a button failed that nobody refused", async () => {
    const { page } = await open("login", { unionid: "u1", unionidAtLogin: false });
    await page.attempt(() => page.login.start());
    await page.attempt(() => page.login.complete({ errMsg: "getPhoneNumber:fail no permission" }));
    expect(page.data.message).to.equal("登录失败（getPhoneNumber:fail no permission）");
    expect(page.data.busy).to.equal(false);
  });
});
