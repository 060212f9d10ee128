import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { expect } from "chai";
import express from "express";
import session from "express-session";
import { type Browser, chromium, type Page } from "playwright-core";
import { wechatLogin } from "../../lib/index.ts";
import {
  APP_ID,
  atEnd,
  listen,
  ownPrefix,
  redis,
  SECRET,
  startWechat,
  userTable,
} from "../support/login-app.ts";
import { findChromium } from "./find-chromium.ts";

let browser: Browser | undefined;

/** The session of the README's recipe, as it stands there. */
function recipeSession() {
  const [code] =
    /(?<=app\.use\(\s*)session\(\{[\s\S]*?\n {2}\}\)/.exec(readFileSync("README.md", "utf8")) ?? [];
  if (!code) throw new Error("README.md has no recipe with a session.");
  const process = { env: { SESSION_SECRET: "keyboard" } };
  return new Function("session", "process", `return ${code};`)(session, process) as ReturnType<
    typeof session
  >;
}

/** A shop with a cookie of its own at localhost, and an attacker at 127.0.0.1: two sites to a browser. */
async function startShop() {
  const wechat = await startWechat();
  const orders: unknown[] = [];
  const app = express();
  app.use(recipeSession());
  const { findUser, saveUser } = userTable();
  app.use(
    "/wx",
    wechatLogin({
      appId: APP_ID,
      secret: SECRET,
      redis: redis(),
      keyPrefix: ownPrefix(),
      baseUrl: wechat.baseUrl,
      session: false,
      findUser,
      saveUser,
      onLogin: (user, { req }) => void Object.assign(req.session, { unionid: user.unionid }),
    }),
  );
  const unionidOf = (req: express.Request) => Object(req.session).unionid ?? null;
  app.get("/me", (req, res) => res.json(unionidOf(req)));
  app.post("/orders", (req, res) => {
    orders.push(unionidOf(req));
    res.json({});
  });
  const url = (await listen(createServer(app))).replace("127.0.0.1", "localhost");
  const evil = await listen(
    createServer((_req, res) => res.setHeader("Content-Type", "text/html").end("evil")),
  );
  return { wechat, url, evil, orders };
}

async function newPage(): Promise<Page> {
  const context = await (browser as Browser).newContext();
  atEnd(() => context.close());
  return await context.newPage();
}

async function whoIs(page: Page, url: string): Promise<string | null> {
  await page.goto(`${url}/me`);
  return JSON.parse(await page.locator("body").innerText());
}

/** A page of the attacker's with a form that sends JSON as text/plain, pressed by a script. */
async function postFrom(page: Page, evil: string, action: string, fields = "", policy = "") {
  await page.goto(evil);
  const form = `<form method="post" action="${action}" enctype="text/plain">${fields}<button>Win!</button></form>`;
  await page.setContent(`<meta name="referrer" content="${policy}">${form}`);
  await page.getByText("Win!").click();
  await page.waitForURL(action);
}

describe("a form of another website", () => {
  before(async function () {
    this.timeout(240_000);
    const args = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];
    const executablePath = await findChromium();
    browser = await chromium.launch({ executablePath, args: [...args, "--no-sandbox", "--disable-quic"] });
  });

  after(() => browser?.close());

  for (const policy of ["", "no-referrer", "unsafe-url"]) {
    it(`signs nobody in as the attacker (login CSRF), with the referrer policy "${policy}"`, async () => {
      const { wechat, url, evil } = await startShop();
      const page = await newPage();
      const { code } = wechat.phone({ unionid: "attacker" }).login();
      const field = `<input type="hidden" name='{"code":"${code}","x":"' value='"}'>`;
      await postFrom(page, evil, `${url}/wx/login`, field, policy);
      const answer = JSON.parse(await page.locator("body").innerText());
      expect(await whoIs(page, url)).to.equal(null);
      expect(answer.error.code).to.equal("cross_site");
    });
  }

  it("orders nothing for who is signed in, while a page of the shop's own does", async () => {
    const { wechat, url, evil, orders } = await startShop();
    const page = await newPage();
    await page.goto(`${url}/me`);
    const body = JSON.stringify(wechat.phone({ unionid: "victim" }).login());
    const script = `fetch("/wx/login", { method: "POST", body: ${JSON.stringify(body)} }).then((res) => res.status)`;
    expect(await page.evaluate(script)).to.equal(200);
    expect(await whoIs(page, url)).to.equal("victim");
    await postFrom(page, evil, `${url}/orders`);
    expect(await whoIs(page, url)).to.equal("victim");
    await page.evaluate(`fetch("/orders", { method: "POST" }).then((res) => res.status)`);
    expect(orders).to.deep.equal([null, "victim"]);
  });
});
