import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { expect } from "chai";
import type { Page } from "playwright-core";
import { usePhonePage } from "./phone-page.ts";

const SCREENSHOTS = "reports/screenshots";
const WIDTHS = [390, 820, 1440];

describe("the phone page", () => {
  // Without REDIS_URL it starts a Redis of its own, which can really be killed.
  const open = usePhonePage({ REDIS_URL: undefined });

  before(() => mkdir(SCREENSHOTS, { recursive: true }));
  after(() => console.log(`      screenshots: ${SCREENSHOTS}`));

  const keep = (page: Page, name: string) =>
    page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true });

  for (const language of ["en", "zh"] as const) {
    it(`scenario 1 (${language}): refused, then allowed, and never asked again`, async () => {
      const { page, phone, words, press, choose, told } = await open(language);
      await choose("unionid", "button");
      await press(words.logIn);
      await press(words.authorise);
      await press(words.refuse);
      await phone.getByText("authorization_denied").waitFor();
      await press(words.authorise);
      await press(words.agree);
      await phone.getByText(/(User|用户) 1/).waitFor();
      await keep(page, `unionid-${language}`);
      const arrows = await told();
      for (const arrow of [
        "wx.login",
        "POST /wx-unionid/login",
        "jscode2session",
        "SET pending",
        "EVALSHA pending",
      ]) {
        expect(
          arrows.some((text) => text.endsWith(arrow)),
          arrow,
        ).to.equal(true);
      }
      await press(words.logOut);
      await press(words.logIn);
      await phone.getByText(/(User|用户) 1/).waitFor();
    });

    it(`scenario 2 (${language}): avatar and nickname, filled in once`, async () => {
      const { page, phone, words, press, choose } = await open(language);
      await choose("profile", "bound");
      await press(words.logIn);
      await press(words.avatar);
      await phone.getByLabel(words.nickName).fill("红红");
      await press(words.save);
      await phone.getByText("红红").waitFor();
      await keep(page, `profile-${language}`);
      await press(words.logOut);
      await press(words.logIn);
      await phone.getByText("红红").waitFor();
    });

    it(`the phone number as account (${language})`, async () => {
      const { page, phone, words, press, choose } = await open(language);
      await choose("phone-number", "bound");
      await press(words.logIn);
      await press(words.phoneNumber);
      await press(words.allow);
      await phone.getByText("10012345678").waitFor();
      await keep(page, `phone-number-${language}`);
    });

    it(`the openid is enough (${language}), also for a Mini Program that is bound to nothing`, async () => {
      const { page, phone, words, press, choose } = await open(language);
      await choose("openid", "unbound");
      await press(words.logIn);
      await phone.getByText(/(User|用户) 1/).waitFor();
      await keep(page, `openid-${language}`);
    });
  }

  it("tells each kind of user what WeChat does with them", async () => {
    const { phone, words, press, choose } = await open();
    await choose("unionid", "blocked");
    await press(words.logIn);
    await phone.getByText("user_blocked").waitFor();
    await choose("unionid", "unbound");
    await press(words.logIn);
    await press(words.authorise);
    await press(words.agree);
    await phone.getByText("unionid_unavailable").waitFor();
    for (const [person, name] of [
      ["old", "老王"],
      ["minigame", "小游"],
    ] as const) {
      await choose("profile", person);
      await press(words.logIn);
      await press(words.authorise);
      await press(words.allow);
      await phone.getByText(name, { exact: true }).waitFor();
    }
  });

  it("is the same user who comes by QR code, also where that was refused first", async () => {
    const { page, phone, website, words, press, choose } = await open();
    await choose("unionid", "button");
    await press(words.logIn);
    await press(words.authorise);
    await press(words.agree);
    await phone.getByText("User 1").waitFor();
    await press(words.logIn, website);
    await press("Scan and refuse", website);
    await website
      .getByText("Refused: nobody is signed in. You can scan again. authorization_denied")
      .waitFor();
    await press(words.logIn, website);
    await website.getByAltText("QR code of the login").waitFor();
    await keep(page, "qr-code");
    await press(words.scanAllow, website);
    await website.getByText("User 1").waitFor();
    await keep(page, "website");
    await press(words.logOut, website);
    await website.getByRole("button", { name: words.logIn }).waitFor();
  });

  it("fails where Redis is killed, and works when it is back", async () => {
    const { page, phone, words, press, choose, told } = await open();
    await choose("unionid", "bound");
    await press("Kill Redis", page);
    await page.getByText("Redis is away.", { exact: true }).waitFor();
    await press(words.logIn);
    await phone.getByText("internal_error").waitFor();
    await keep(page, "redis-killed");
    await press("Bring Redis back", page);
    await page.getByRole("button", { name: "Kill Redis" }).waitFor();
    await press("Clear", page);
    await press(words.logIn);
    await phone.getByText("User 1").waitFor();
    // The new Redis knows no script, which is no fault of anybody.
    expect((await told()).join("\n")).to.include("script not known yet");
    expect(await page.locator(".arrow.failed").count()).to.equal(0);
  });

  it("says so where WeChat hangs, and that one must wait", async () => {
    const { page, phone, website, words, press, choose } = await open();
    await choose("unionid", "bound");
    await press("Make WeChat hang", page);
    await press(words.logIn);
    await phone.getByText("One moment…").waitFor();
    await phone.getByText("wechat_unavailable").waitFor();
    await phone.getByText("One moment…").waitFor({ state: "hidden" });
    await keep(page, "wechat-hangs");
    await press(words.logIn, website);
    await press(words.scanAllow, website);
    await website.getByText("One moment…").waitFor();
    await website.getByText("wechat_unavailable").waitFor();
    await press("Let WeChat answer", page);
    await page.getByRole("button", { name: "Make WeChat hang" }).waitFor();
    await press(words.logIn);
    await phone.getByText("User 1").waitFor();
  });

  it("counts the life of a temporary token down, and starts again when it is over", async () => {
    const { page, phone, words, press, choose } = await open();
    await choose("unionid", "button");
    await page.getByLabel("Let temporary tokens expire after 5 s").check();
    await press(words.logIn);
    await page.getByText("pending token").waitFor();
    await phone.getByText(/temporary token: 0:0[1-5]/).waitFor();
    await phone.getByText("temporary token: expired").waitFor();
    await page.getByText("pending token").waitFor({ state: "detached" });
    await press(words.authorise);
    await press(words.agree);
    await phone.getByText("invalid_temporary_token").waitFor();
    await keep(page, "token-expired");
    await press(words.logIn);
    await press(words.authorise);
    await press(words.agree);
    await phone.getByText("User 1").waitFor();
  });

  it("shows the session_key as a locked box", async () => {
    const { page, website, words, press, choose } = await open();
    await choose("unionid", "button");
    await press(words.logIn);
    await page.getByRole("button", { name: words.authorise }).waitFor();
    const answer = page.locator(".arrow.answer").filter({ has: page.getByText("WeChat → Your server") });
    await answer.locator("summary").click();
    await answer.getByText("locked: session_key").waitFor();
    await page.getByText("pending token").click();
    expect(await page.getByText("locked: session_key").filter({ visible: true }).count()).to.equal(2);
    await keep(page, "locked");
    // What was opened stays open when something else is stored.
    await press(words.logIn, website);
    await page.getByText("state of a web login").waitFor();
    expect(await page.getByText("locked: session_key").filter({ visible: true }).count()).to.equal(2);
  });

  it("works with the keyboard only", async () => {
    const { page, phone, words } = await open();
    const focused = () => page.evaluate<string>("document.activeElement.innerText");
    await page.getByLabel(words.scenario).focus();
    await page.keyboard.press("End");
    await page.keyboard.press("Home");
    for (let step = 0; (await focused()) !== words.logIn; step++) {
      expect(step).to.be.below(20);
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await phone.getByRole("button", { name: words.authorise }).waitFor();
    expect(await focused()).to.equal(words.authorise);
    await page.keyboard.press("Enter");
    await phone.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await phone.getByText("authorization_denied").waitFor();
    await page.keyboard.press("Enter");
    await phone.getByRole("dialog").waitFor();
    expect(await focused()).to.equal(words.agree);
    await page.keyboard.press("Enter");
    await phone.getByText("User 1").waitFor();
  });

  it("speaks the browser's language, until another is chosen", async () => {
    const { page } = await open("zh");
    expect(await page.locator("html").getAttribute("lang")).to.equal("zh-CN");
    await page.getByRole("button", { name: "English" }).click();
    await page.getByRole("heading", { name: "WeChat login, live" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "WeChat login, live" }).waitFor();
    expect(await page.locator("html").getAttribute("lang")).to.equal("en");
  });

  for (const colorScheme of ["light", "dark"] as const) {
    for (const language of ["en", "zh"] as const) {
      it(`is accessible at every width, ${colorScheme}, ${language}`, async () => {
        const axe = await readFile(createRequire(import.meta.url).resolve("axe-core"), "utf8");
        const { page, phone, website, words, press, choose } = await open(language, {
          colorScheme,
          reducedMotion: "reduce",
        });
        const check = async (state: string) => {
          for (const width of WIDTHS) {
            await page.setViewportSize({ width, height: 1000 });
            const found = await page.evaluate<{ id: string; target: string }[]>(
              `${axe}; axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
                nodes.map(({ target }) => ({ id, target: String(target) }))))`,
            );
            expect(found, `${state} at ${width}`).to.deep.equal([]);
            const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
            expect(overflow, `${state} at ${width}`).to.equal(0);
            await keep(page, `${state}-${width}-${colorScheme}-${language}`);
          }
        };
        await choose("profile", "button");
        await press(words.logIn);
        await press(words.authorise);
        await check("asking");
        await press(words.refuse);
        await phone.getByText("authorization_denied").waitFor();
        await press(words.authorise);
        await press(words.agree);
        await press(words.avatar);
        await check("filling-in");
        await phone.getByLabel(words.nickName).fill("红红");
        await press(words.save);
        await phone.getByText("红红").waitFor();
        await press(words.logIn, website);
        await press(words.scanAllow, website);
        await website.getByText("红红").waitFor();
        await page.locator(".arrow summary").nth(2).click();
        await check("signed-in");
      });
    }
  }
});
