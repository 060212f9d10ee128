import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import type { Page } from "playwright-core";
import { PICTURES } from "../support/pictures.ts";
import { PROGRAM } from "./support/phone-page.ts";
import { phones } from "./support/phones.ts";

const NICK = "小红";

/** Chooses a picture from the phone's album. */
async function chooseAvatar(page: Page, name = "选择"): Promise<void> {
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name }).first().click();
  await (await chooser).setFiles({ name: "me.png", mimeType: "image/png", buffer: PICTURES.png });
}

describe("the Mini Program", () => {
  const { newPhone, example } = phones();

  it("scenario 1, silent: WeChat gives the unionid with the code, and nobody is asked", async () => {
    const { page, start, used, asked } = await newPhone({ unionid: "silent" });
    await start("/wx");
    await page.getByText("silent").waitFor();
    expect(used).to.deep.equal(["login"]);
    expect(asked).to.deep.equal(["/wx/login", "/me"]);
  });

  it("scenario 1 with the button: refused first, then allowed, and wx.login was before both", async () => {
    const { page, start, used, asked, answer, button } = await newPhone({
      unionid: "asked",
      unionidAtLogin: false,
    });
    await start("/wx");
    await answer("隐私保护指引", "允许");
    await button("微信授权登录").click();
    await answer("getUserInfo", "拒绝");
    await page.getByText("您已拒绝，可以再按一次").waitFor();
    expect(asked, "nothing is sent for a refusal").to.deep.equal(["/wx/login"]);
    await button("微信授权登录").click();
    await answer("getUserInfo", "允许");
    await page.getByText("asked").waitFor();
    expect(used).to.deep.equal(["login", "refuse", "getUserInfo"]);
    expect(asked).to.deep.equal(["/wx/login", "/wx/login/complete", "/me"]);
  });

  it("scenario 2: the user chooses an avatar and types a nickname, once", async () => {
    const { page, start, used, asked, answer, button } = await newPhone({ unionid: "profile" });
    await start("/wx-profile");
    await answer("隐私保护指引", "允许");
    await button("完成").click();
    await page.getByText("请选择头像").waitFor();
    await chooseAvatar(page);
    await button("完成").click();
    await page.getByText("请填写昵称").waitFor();
    await page.getByPlaceholder("请输入昵称").fill(NICK);
    await button("完成").click();
    await page.getByText("profile").waitFor();
    await page.getByText(NICK, { exact: true }).waitFor();
    const shown = await page.locator("image img").getAttribute("src");
    expect(shown).to.match(/^http:\/\/localhost:3000\/avatars\/\w+\.png$/);
    const kept = await fetch(String(shown).replace("http://localhost:3000", example().url));
    expect(Buffer.from(await kept.arrayBuffer()).equals(PICTURES.png)).to.equal(true);
    expect(used).to.deep.equal(["login"]);
    expect(asked).to.deep.equal(["/wx-profile/login", "/wx-profile/login/complete", "/me"]);
  });

  it("the avatar's button is a square at the end of its row, whatever WeChat makes of buttons", async () => {
    const { page, start, answer } = await newPhone({ unionid: "square" });
    await start("/wx-profile");
    await answer("隐私保护指引", "允许");
    const button = await page.locator(".avatar-button").boundingBox();
    const row = await page.locator(".cell").first().boundingBox();
    if (!button || !row) throw new Error("The form is not there.");
    const [side, padding] = [112, 32].map((rpx) => (rpx * 390) / 750) as [number, number];
    expect(button.width).to.be.closeTo(side, 0.1);
    expect(button.height).to.be.closeTo(side, 0.1);
    expect(button.x + button.width).to.be.closeTo(row.x + row.width - padding, 0.1);
  });

  it("the phone number: refused first, then given by a code that is no code of wx.login", async () => {
    const { page, start, used, answer, button } = await newPhone({ unionid: "phone" });
    await start("/wx-phone");
    await answer("隐私保护指引", "允许");
    await button("手机号快捷登录").click();
    await answer("getPhoneNumber", "拒绝");
    await page.getByText("您已拒绝，可以再按一次").waitFor();
    await button("手机号快捷登录").click();
    await answer("getPhoneNumber", "允许");
    await page.getByText("10012345678").waitFor();
    expect(used).to.deep.equal(["login", "refuse", "getPhoneNumber"]);
  });

  it("unionid and profile are asked for one after the other", async () => {
    const { page, start, answer, button } = await newPhone({ unionid: "both", unionidAtLogin: false });
    await start("/wx-profile");
    await answer("隐私保护指引", "允许");
    await button("微信授权登录").click();
    await answer("getUserInfo", "允许");
    await chooseAvatar(page);
    await page.getByPlaceholder("请输入昵称").fill(NICK);
    await button("完成").click();
    await page.getByText("both").waitFor();
  });

  it("the second start asks nobody, not even WeChat; a phone that has forgotten the session is silent, too", async () => {
    const { page, start, used, asked, answer, button } = await newPhone({
      unionid: "again",
      unionidAtLogin: false,
    });
    await start("/wx");
    await answer("隐私保护指引", "允许");
    await button("微信授权登录").click();
    await answer("getUserInfo", "允许");
    await page.getByText("again").waitFor();
    used.splice(0);
    asked.splice(0);
    await start("/wx");
    await page.getByText("again").waitFor();
    expect([used, asked]).to.deep.equal([[], ["/me"]]);
    await page.evaluate("localStorage.clear()");
    asked.splice(0);
    await start("/wx");
    await page.getByText("again").waitFor();
    expect([used, asked]).to.deep.equal([["login"], ["/wx/login", "/me"]]);
  });

  it("changes nickname and avatar of who is signed in, and logs out", async () => {
    const { page, start, asked, used, answer, button } = await newPhone({ unionid: "change" });
    await start("/wx");
    await page.getByText("change").waitFor();
    await page.getByPlaceholder("请输入昵称").fill("红红");
    await button("保存昵称").click();
    await page.getByText("红红", { exact: true }).waitFor();
    await page.getByRole("button", { name: "选择" }).click();
    const chooser = page.waitForEvent("filechooser");
    await answer("隐私保护指引", "允许");
    await (await chooser).setFiles({ name: "me.jpg", mimeType: "image/jpeg", buffer: PICTURES.jpeg });
    await page.locator("image img").waitFor();
    const token = await page.evaluate("wx.getStorageSync('wechat-login:session')");
    await button("退出登录").click();
    await page.getByText("已退出登录").waitFor();
    expect(await page.evaluate("wx.getStorageSync('wechat-login:session')")).to.equal("");
    const headers = { Authorization: `Bearer ${token}` };
    expect((await fetch(`${example().url}/me`, { headers })).status).to.equal(401);
    await button("登录").click();
    await page.getByText("红红", { exact: true }).waitFor();
    expect(used).to.deep.equal(["login", "login"]);
    expect(asked.filter((path) => path.endsWith("profile"))).to.have.length(2);
  });

  it("runs byte for byte as it is on disk", async () => {
    const { page, start } = await newPhone({ unionid: "bytes", unionidAtLogin: false });
    const debug = await page.context().newCDPSession(page);
    const sources: Promise<string>[] = [];
    debug.on("Debugger.scriptParsed", ({ scriptId, url }) => {
      if (url === "") sources.push(sourceOf(scriptId));
    });
    // Asked for at once: what is not referred to any more is soon gone, and so are scripts of the page before.
    const sourceOf = (scriptId: string) =>
      debug.send("Debugger.getScriptSource", { scriptId }).then(
        ({ scriptSource }) => scriptSource,
        () => "",
      );
    await debug.send("Debugger.enable");
    await start("/wx");
    await page.getByRole("dialog").waitFor();
    // What `new Function` wraps around a body.
    const wrapped = /^\(function anonymous\(require,module,exports\n\) \{\n([\s\S]*)\n\}\)$/;
    const ran = (await Promise.all(sources)).flatMap((source) => wrapped.exec(source)?.[1] ?? []);
    const files = readdirSync(PROGRAM, { recursive: true, encoding: "utf8" }).filter((path) =>
      path.endsWith(".js"),
    );
    const texts = files.map((path) => readFileSync(`${PROGRAM}/${path}`, "utf8"));
    expect(files).to.have.length(6);
    expect(ran.sort()).to.deep.equal(texts.sort());
  });
});
