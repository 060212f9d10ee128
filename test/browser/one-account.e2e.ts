import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import Database from "libsql";
import { type Browser, chromium, type Page } from "playwright-core";
import { wechatSimulator } from "../../lib/simulator/index.ts";
import { IN_WECHAT } from "../support/browser.ts";
import { ask, atEnd, send } from "../support/login-app.ts";
import { freePort } from "../support/redis-server.ts";
import { findChromium } from "./find-chromium.ts";

const MINI_PROGRAM = { appId: "wxminiprogram", secret: "s1" };
const OFFICIAL_ACCOUNT = { appId: "wxofficial", secret: "s2" };
const WEBSITE = { appId: "wxwebsite", secret: "s3" };

let browser: Browser | undefined;

/** What the web login needs, in the environment of the example. */
const WEB = {
  WECHAT_OFFICIAL_APP_ID: OFFICIAL_ACCOUNT.appId,
  WECHAT_OFFICIAL_SECRET: OFFICIAL_ACCOUNT.secret,
  WECHAT_WEBSITE_APP_ID: WEBSITE.appId,
  WECHAT_WEBSITE_SECRET: WEBSITE.secret,
};

/** The example, as a process of its own, against a WeChat that this test holds. */
async function startExample(web: Partial<typeof WEB> = WEB) {
  const wechat = await wechatSimulator({
    ...MINI_PROGRAM,
    officialAccount: OFFICIAL_ACCOUNT,
    website: WEBSITE,
  });
  atEnd(() => wechat.close());
  const data = await mkdtemp(join(tmpdir(), "one-account-"));
  atEnd(() => rm(data, { recursive: true }));
  const port = await freePort();
  const env = {
    ...process.env,
    WECHAT_BASE_URL: wechat.baseUrl,
    WECHAT_AUTHORIZE_BASE_URL: wechat.baseUrl,
    WECHAT_APP_ID: MINI_PROGRAM.appId,
    WECHAT_SECRET: MINI_PROGRAM.secret,
    ...web,
    PORT: String(port),
    DATA: data,
  };
  const child = spawn(process.execPath, ["--import=tsx", "example-app/app.ts"], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  atEnd(() => child.kill("SIGKILL"));
  let output = "";
  for await (const chunk of child.stdout) {
    output += chunk;
    if (output.includes("Ctrl+C")) break;
  }
  return { wechat, url: `http://localhost:${port}`, database: join(data, "users.db") };
}

/** A window of its own cookies. */
async function newPage(userAgent?: string): Promise<Page> {
  const context = await (browser as Browser).newContext(userAgent === undefined ? {} : { userAgent });
  atEnd(() => context.close());
  return await context.newPage();
}

/** Presses "Log in", and answers WeChat's page as this person. */
async function logIn(page: Page, url: string, name: string, answer: "Allow" | "Refuse"): Promise<string> {
  await page.goto(url);
  await page.getByText("Log in with WeChat").click();
  await page.waitForURL(/\/connect\//);
  const asked = page.url();
  await page.getByRole("listitem").filter({ hasText: name }).getByText(answer).click();
  await page.waitForURL((location) => location.origin === url && location.pathname === "/web.html");
  return asked;
}

describe("one person, one account", () => {
  before(async function () {
    this.timeout(240_000);
    // Nothing but the pages of the test: no updates, no look-ups at the maker's.
    const args = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];
    const executablePath = await findChromium();
    browser = await chromium.launch({ executablePath, args: [...args, "--no-sandbox", "--disable-quic"] });
  });

  after(() => browser?.close());

  it("by the QR code, inside WeChat and in the Mini Program: one row, three openids", async () => {
    const { wechat, url, database } = await startExample();
    const phone = wechat.phone({ unionid: "u1", nickName: "小明" });
    wechat.phone({ unionid: "u2", nickName: "somebody else" });

    const website = await newPage();
    expect(await logIn(website, url, "小明", "Allow")).to.include("/connect/qrconnect?");
    await website.getByText("Signed in: 小明").waitFor();

    const inside = await newPage(IN_WECHAT);
    expect(await logIn(inside, url, "小明", "Allow")).to.include("/connect/oauth2/authorize?");
    await inside.getByText("Signed in: 小明").waitFor();

    const { sessionToken, userId } = (await send(`${url}/wx/login`, JSON.stringify(phone.login()))).body;
    const me = await ask(`${url}/me`, { headers: { Authorization: `Bearer ${sessionToken}` } });
    expect(me.body).to.include({ id: userId, unionid: "u1", nickName: "小明" });

    const db = new Database(database);
    const rows = db.prepare("SELECT id, unionid FROM users").all() as { id: number; unionid: string }[];
    const openids = db.prepare("SELECT appId, openid, userId FROM openids ORDER BY appId").all() as {
      appId: string;
      openid: string;
      userId: number;
    }[];
    db.close();
    expect(rows.map(({ unionid }) => unionid)).to.deep.equal(["u1"]);
    expect(openids.map(({ appId }) => appId)).to.deep.equal(["wxminiprogram", "wxofficial", "wxwebsite"]);
    expect(new Set(openids.map(({ openid }) => openid)).size).to.equal(3);
    expect(new Set(openids.map(({ userId: id }) => id)).size).to.equal(1);
  });

  it("refused: nothing happens, and the next press asks again", async () => {
    const { wechat, url } = await startExample();
    wechat.phone({ unionid: "u1", nickName: "小明" });
    const page = await newPage();
    await logIn(page, url, "小明", "Refuse");
    await page.getByText("authorization_denied").waitFor();
    await page.getByText("Nobody is signed in.").waitFor();
    await logIn(page, url, "小明", "Allow");
    await page.getByText("Signed in: 小明").waitFor();
  });

  it("not offered where there is a Mini Program only", async () => {
    const { url } = await startExample({});
    const page = await newPage();
    await page.goto(url);
    await page.getByText("For the web login set WECHAT_WEBSITE_APP_ID").waitFor();
    expect(await page.getByRole("link").count()).to.equal(0);
  });

  it("signed out by the page, which no foreign page can do", async () => {
    const { wechat, url } = await startExample();
    wechat.phone({ unionid: "u1", nickName: "小明" });
    const page = await newPage();
    await logIn(page, url, "小明", "Allow");
    await page.getByText("Signed in: 小明").waitFor();

    // localhost and 127.0.0.1 are two sites to a browser.
    const foreign = await page.context().newPage();
    await foreign.goto(wechat.baseUrl);
    await foreign.setContent(`<form method="post" action="${url}/web/logout"><button>Win!</button></form>`);
    await foreign.getByText("Win!").click();
    await foreign.getByText("login_required").waitFor();
    await page.reload();
    await page.getByText("Signed in: 小明").waitFor();

    await page.getByText("Log out").click();
    await page.getByText("Nobody is signed in.").waitFor();
  });

  it("a stolen callback opened in another browser signs nobody in", async () => {
    const { wechat, url } = await startExample();
    const phone = wechat.phone({ unionid: "attacker" });
    const attacker = await newPage();
    await attacker.goto(`${url}/web`);
    const callback = phone.authorize(`${attacker.url().replace(/#.*/, "")}#wechat_redirect`);
    const victim = await newPage();
    await victim.goto(callback);
    await victim.getByText("invalid_state").waitFor();
    await victim.getByText("Nobody is signed in.").waitFor();
  });
});
