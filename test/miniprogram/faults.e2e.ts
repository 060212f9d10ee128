import { expect } from "chai";
import type { Page } from "playwright-core";
import { redis } from "../support/login-app.ts";
import { APP } from "./support/phone-page.ts";
import { phones } from "./support/phones.ts";

describe("the Mini Program, where something goes wrong", () => {
  const { newPhone, example } = phones();

  it("a session that the server has ended: one silent login, and the request succeeds", async () => {
    const { page, start, used, asked } = await newPhone({ unionid: "ended" });
    await start("/wx");
    await page.getByText("ended").waitFor();
    await endSession(page, example().url);
    asked.splice(0);
    await start("/wx");
    await page.getByText("ended").waitFor();
    expect(asked).to.deep.equal(["/me", "/wx/login", "/me"]);
    expect(used).to.deep.equal(["login", "login"]);
  });

  it("a server that answers 401 forever: two tries, an error, no loop", async () => {
    const { page, start, used, asked, button } = await newPhone({ unionid: "forever" });
    await start("/wx");
    await page.getByText("forever").waitFor();
    const error = { code: "login_required", message: "Log in." };
    await page.route("http://localhost:3000/me", (route) => route.fulfill({ status: 401, json: { error } }));
    [used, asked].map((list) => list.splice(0));
    await start("/wx");
    await page.getByText("登录失败（login_required）").waitFor();
    await button("重试").waitFor();
    await page.waitForTimeout(300);
    expect([used, asked]).to.deep.equal([["login"], ["/me", "/wx/login", "/me"]]);
  });

  it("503 with Retry-After: no request to the login before it is over", async () => {
    const { page, start, asked, used, button } = await newPhone({ unionid: "busy" });
    await page.clock.install();
    for (const errcode of [-1, -1]) example().wechat.bendNext({ errcode });
    await start("/wx");
    await page.getByText(/服务繁忙，请 [45] 秒后再试/).waitFor();
    await page.clock.fastForward(2000);
    await button("重试").click();
    await page.getByText(/服务繁忙，请 [23] 秒后再试/).waitFor();
    expect(asked).to.deep.equal(["/wx/login"]);
    await page.clock.fastForward(3000);
    await button("重试").click();
    await page.getByText("busy").waitFor();
    expect(asked).to.deep.equal(["/wx/login", "/wx/login", "/me"]);
    expect(used).to.deep.equal(["login", "login"]);
  });

  it("calls that come together share one wx.login", async () => {
    const { page, start, used, asked } = await newPhone({ unionid: "together" });
    await start("/wx");
    await page.getByText("together").waitFor();
    await endSession(page, example().url);
    [used, asked].map((list) => list.splice(0));
    const ids = await page.evaluate(`Promise.all([1, 2, 3].map(() =>
      getApp().login.request({ url: "http://localhost:3000/me" }).then(({ unionid }) => unionid)))`);
    expect(ids).to.deep.equal(["together", "together", "together"]);
    expect(used).to.deep.equal(["login"]);
    expect(asked.filter((path) => path === "/wx/login")).to.have.length(1);
  });

  it("a token that expires between the button shown and pressed: a new wx.login, and the button once more", async () => {
    const { page, start, used, answer, button } = await newPhone({ unionid: "late", unionidAtLogin: false });
    await start("/wx");
    await answer("隐私保护指引", "允许");
    await button("微信授权登录").waitFor();
    await redis().del(await redis().keys(`wechat-login:${APP.appId}:pending:*`));
    await button("微信授权登录").click();
    await answer("getUserInfo", "允许");
    await page.getByText("登录已更新，请再按一次").waitFor();
    expect(used).to.deep.equal(["login", "getUserInfo", "login"]);
    await button("微信授权登录").click();
    await answer("getUserInfo", "允许");
    await page.getByText("late").waitFor();
  });

  it("the privacy agreement refused: no button is shown until the user agrees", async () => {
    const { page, start, used, answer, button } = await newPhone({
      unionid: "private",
      unionidAtLogin: false,
    });
    await page.clock.install();
    await start("/wx");
    await answer("隐私保护指引", "拒绝");
    await page.getByText("同意后才能继续").waitFor();
    expect(await button("微信授权登录").count()).to.equal(0);
    // WeChat does not show its dialog again within ten seconds.
    await button("查看隐私保护指引").click();
    await page.getByText("同意后才能继续").waitFor();
    expect(await page.getByRole("dialog").count()).to.equal(0);
    await page.clock.fastForward(10_000);
    await button("查看隐私保护指引").click();
    await answer("隐私保护指引", "允许");
    await button("微信授权登录").click();
    await answer("getUserInfo", "允许");
    await page.getByText("private").waitFor();
    expect(used).to.deep.equal(["login", "getUserInfo"]);
  });
});

/** The server ends the session; the phone does not know it. */
async function endSession(page: Page, url: string): Promise<void> {
  const token = await page.evaluate("wx.getStorageSync('wechat-login:session')");
  const headers = { Authorization: `Bearer ${token}` };
  const { status } = await fetch(`${url}/wx/logout`, { method: "POST", headers });
  expect(status).to.equal(200);
}
