import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from "playwright-core";
import { findRedisServer } from "../support/find-redis.ts";
import { atEnd } from "../support/login-app.ts";
import { freePort } from "../support/redis-server.ts";
import { findChromium } from "./find-chromium.ts";

/** A browser and the example for the tests of one `describe`; gives what opens the page in a window of its own. */
export function usePhonePage(env: Record<string, string | undefined>) {
  let browser: Browser;
  let example: Awaited<ReturnType<typeof startPhonePage>>;

  before(async function () {
    this.timeout(240_000);
    const args = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];
    browser = await chromium.launch({
      executablePath: await findChromium(),
      args: [...args, "--no-sandbox", "--disable-quic"],
    });
    example = await startPhonePage(env);
  });

  after(async () => {
    await browser?.close();
    await example?.stop();
  });

  return async (language: Language = "en", options: BrowserContextOptions = {}) => {
    const stage = await openPhonePage(browser, example.url, language, options);
    atEnd(() => stage.context.close());
    return stage;
  };
}

/** The example in a process of its own, without an appid: then it shows the phone page. */
export async function startPhonePage(env: Record<string, string | undefined>) {
  const data = await mkdtemp(join(tmpdir(), "phone-page-"));
  const port = await freePort();
  // The page starts a Redis of its own if it finds one; the tests may have one that nobody has installed.
  const redis = await findRedisServer();
  const withRedis = { PATH: `${dirname(redis.path)}${delimiter}${process.env.PATH}`, ...redis.env };
  const child = spawn(process.execPath, ["--import=tsx", "example-app/app.ts"], {
    env: { ...process.env, ...withRedis, WECHAT_APP_ID: undefined, PORT: String(port), DATA: data, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await printed(child, "Ctrl+C");
  return {
    url: `http://localhost:${port}`,
    async stop() {
      // Not SIGKILL: that it can end is part of what is tested.
      child.kill("SIGTERM");
      await once(child, "exit");
      await rm(data, { recursive: true });
    },
  };
}

async function printed(child: ChildProcess, text: string): Promise<void> {
  let output = "";
  for await (const chunk of child.stdout ?? []) {
    output += chunk;
    if (output.includes(text)) return;
  }
  throw new Error(`the example ended:\n${output}`);
}

/** The words of the page in both languages. */
export const WORDS = {
  en: {
    title: "WeChat login, live",
    phone: "Mini Program",
    website: "Website (QR code)",
    ...{
      scenario: "What a login requires",
      person: "Who holds the phone",
      messages: "What they say to each other",
    },
    ...{ logIn: "Log in with WeChat", authorise: "Continue with WeChat", allow: "Allow" },
    ...{ agree: "Agree", refuse: "Refuse" },
    ...{ avatar: "Hill", nickName: "Nickname", save: "Save and go on", phoneNumber: "Give my phone number" },
    ...{ logOut: "Log out", forget: "Forget everybody", scanAllow: "Scan and allow" },
  },
  zh: {
    title: "看得见的微信登录",
    phone: "小程序",
    website: "网站（扫码）",
    ...{ scenario: "登录要求", person: "当前用户", messages: "时序图" },
    ...{ logIn: "微信登录", authorise: "微信授权", allow: "允许" },
    ...{ agree: "同意", refuse: "拒绝" },
    ...{ avatar: "山", nickName: "昵称", save: "保存并继续", phoneNumber: "提供手机号" },
    ...{ logOut: "退出登录", forget: "清空所有用户", scanAllow: "扫码并允许" },
  },
};
export type Language = keyof typeof WORDS;

/** The page in a window of its own, by what a person sees of it. */
export async function openPhonePage(
  browser: Browser,
  url: string,
  language: Language = "en",
  options: BrowserContextOptions = {},
) {
  const locale = { en: "en-US", zh: "zh-CN" }[language];
  const context = await browser.newContext({ locale, viewport: { width: 1440, height: 1000 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(8000);
  await page.goto(url);
  const words = WORDS[language];
  await page.getByRole("heading", { name: words.title }).waitFor();
  const phone = page.getByRole("region", { name: words.phone, exact: true });
  const website = page.getByRole("region", { name: words.website, exact: true });
  const stage = {
    ...{ page, context, words, phone, website },
    messages: page.getByRole("region", { name: words.messages, exact: true }).first(),
    press: (name: string, place: Locator | Page = phone) =>
      place.getByRole("button", { name, exact: true }).click(),
    async choose(scenario: string, person: string) {
      await page.getByLabel(words.scenario).selectOption(scenario);
      await page.getByLabel(words.person).selectOption(person);
    },
    /** What the diagram has told, as a person reads it. */
    told: async () =>
      (await page.getByRole("listitem").locator("summary").allInnerTexts()).map((text) => text.trim()),
  };
  // Other tests have been here.
  const forgotten = page.waitForResponse(`${url}/stage/forget`);
  await stage.press(words.forget, page);
  await forgotten;
  return stage;
}
