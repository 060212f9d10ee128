import { expect } from "chai";
import { usePhonePage } from "./phone-page.ts";

describe("the words of the phone page", () => {
  const open = usePhonePage({ REDIS_URL: undefined });

  it("ask as WeChat asks: ordinary users for the privacy guideline, the others for nickname and avatar", async () => {
    const { phone, words, press, choose, told } = await open("zh");
    const dialog = phone.getByRole("dialog");
    for (const [person, title, allow, answer] of [
      ["button", "隐私保护指引", words.agree, "fail privacy permission is not authorized"],
      ["minigame", "青团小店 申请获取", words.allow, "fail auth deny"],
      ["old", "青团小店 申请获取", words.allow, "fail auth deny"],
    ] as const) {
      await choose("profile", person);
      await press(words.logIn);
      await press(words.authorise);
      expect(await dialog.getByRole("paragraph").first().innerText()).to.equal(title);
      expect(await dialog.getByRole("button").allInnerTexts()).to.deep.equal([words.refuse, allow]);
      await press(words.refuse);
      await phone.getByText("authorization_denied").waitFor();
      expect((await told()).some((text) => text.endsWith("拒绝"))).to.equal(true);
      const refused = phone.page().locator(".arrow.answer pre").filter({ hasText: answer });
      expect(await refused.count()).to.be.at.least(1);
    }
  });

  it("say of the authorise button what it gives", async () => {
    const { phone, words, press, choose } = await open();
    await choose("profile", "button");
    await press(words.logIn);
    await phone.getByText("Still missing: unionid, nickname, avatar. This step asks for: unionid.").waitFor();
    await choose("profile", "old");
    await press(words.logIn);
    await phone.getByText("Still missing: nickname, avatar. This step asks for: nickname, avatar.").waitFor();
  });

  it("say what the form still lacks", async () => {
    const { phone, words, press, choose } = await open();
    await choose("profile", "bound");
    await press(words.logIn);
    await press(words.save);
    await phone.getByText("Still missing: nickname, avatar. invalid_request").waitFor();
    await phone.getByLabel(words.nickName).fill("微信用户");
    await press(words.save);
    await phone.getByText(/Still missing: nickname, avatar.+is a placeholder, not a nickname/).waitFor();
    await phone.getByLabel(words.nickName).fill("红红");
    await press(words.save);
    await phone.getByText("Still missing: avatar. incomplete").waitFor();
    await press(words.avatar);
    await press(words.save);
    await phone.getByText("User 1").waitFor();
  });

  it("follow the language in what has already been told", async () => {
    const { page, phone, words, press, choose, told } = await open();
    await choose("unionid", "bound");
    await press(words.logIn);
    await phone.getByText("User 1").waitFor();
    expect((await told()).join()).to.match(/Database → Your server:\s+nobody/);
    await press("中文", page);
    await page.getByRole("heading", { name: "小明：code 换来 unionid · 场景一：只要 unionid" }).waitFor();
    expect((await told()).join()).to.match(/数据库 → 你的服务器:\s+查无此人/);
  });

  for (const [width, height] of [
    [1440, 780],
    [1280, 720],
    [390, 664],
  ] as const) {
    it(`are in sight at ${width} × ${height}: the question, and what went wrong`, async () => {
      const { page, phone, words, press, choose } = await open("en", { viewport: { width, height } });
      await choose("profile", "button");
      await press(words.logIn);
      await page.evaluate("scrollTo(0, 0)");
      // Not by the mouse of Playwright, which scrolls.
      const pressUnseen = (name: string) =>
        phone
          .getByRole("button", { name, exact: true })
          .evaluate((button: { click(): void }) => button.click());
      await pressUnseen(words.authorise);
      const bottomOf = (name: string) =>
        page.evaluate<number>(`document.querySelector("${name}").getBoundingClientRect().bottom`);
      expect(await bottomOf(".sheet")).to.be.at.most(height);
      await pressUnseen(words.refuse);
      await phone.getByText("authorization_denied").waitFor();
      expect(await bottomOf("#phone .notice")).to.be.at.most(height);
      const above = await page.evaluate<number>(
        `document.querySelector("#phone").getBoundingClientRect().top - document.querySelector("#phone .content").getBoundingClientRect().top`,
      );
      expect(above).to.be.at.most(0);
    });
  }
});

describe("the phone page without redis-server", () => {
  const open = usePhonePage({ REDIS_URL: undefined, PATH: "" });

  it("names the store that there is", async () => {
    const { page } = await open("zh");
    const stored = page.getByRole("region", { name: "服务器里存了什么" });
    expect(await stored.getByRole("heading", { level: 3 }).allInnerTexts()).to.deep.equal([
      "用户（数据库）",
      "进程内存储",
    ]);
    expect(await page.getByRole("button", { name: "杀掉 Redis" }).isDisabled()).to.equal(true);
  });
});

describe("the website beside the phone page", () => {
  const open = usePhonePage({ REDIS_URL: undefined });

  it("speaks the page's language, asks which of distinct people one is, and leads back", async () => {
    const { page, words, press } = await open("zh");
    // The people of the phone page are the same after that.
    for (const person of ["bound", "button"]) {
      await page.getByLabel(words.person).selectOption(person);
      await press(words.logIn);
      await press(words.forget, page);
    }
    await page.getByRole("link", { name: "改用（模拟的）微信授权页" }).click();
    await page.getByText("没有人登录。").waitFor();
    await page.getByText(words.logIn, { exact: true }).click();
    const people = await page.getByRole("listitem").allInnerTexts();
    const names = people.map((text) => text.replace(/ .*/, ""));
    expect(names).to.deep.equal(["小陈", "小李", "老周", "小林", "小吴", "小明", "小红"]);
    await page.getByRole("listitem").filter({ hasText: "小明" }).getByText("Allow").click();
    await page.getByText("已登录：小明").waitFor();
    await page.getByRole("link", { name: "返回演示手机页" }).click();
    await page.getByRole("heading", { name: words.title }).waitFor();
  });
});
