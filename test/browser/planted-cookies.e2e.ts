import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { expect } from "chai";
import { type Browser, type BrowserContext, chromium } from "playwright-core";
import { aptInstall, findProgram, run } from "../support/commands.ts";
import { atEnd } from "../support/login-app.ts";
import { freePort } from "../support/redis-server.ts";
import { startWebApp } from "../support/web-app.ts";
import { findChromium } from "./find-chromium.ts";

const SESSION = "__Host-wechat-session-wxofficialaccount.wxwebsite";
const BROWSER = "__Host-wechat-browser";

/** In front of a name: what some parser of cookies drops, or takes for nothing. */
const FRONTS = [
  ...["", " ", "\t", "=", " = ", "\xa0", "\xa0\xa0", " \xa0", "\xa0 ", "=\xa0", "\xc2\xa0", "\xe2\x80\x83"],
  ...["\xef\xbb\xbf", "\x85", "\xad", "\v", "\f", "\x01", "\x1c", "\x1f", "\x7f", '"', ",", "a=1,", "$"],
];
/** Each of them, and other spellings of the name. */
const spellingsOf = (name: string) => [
  ...FRONTS.map((front) => front + name),
  ...[name.toLowerCase(), name.toUpperCase(), `${name}\xa0`, `${name} `, `${name}\t`],
];

let browser: Browser | undefined;
let key: string;
let cert: string;

/** A certificate that only this test's browser takes. */
async function certificate(): Promise<void> {
  if (!findProgram("openssl")) await aptInstall("openssl");
  const folder = await mkdtemp(join(tmpdir(), "planted-cookies-"));
  const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const files = ["-keyout", keyFile, "-out", certFile];
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await run("openssl", [...kind, "-subj", "/CN=shop.test", "-days", "1", ...files]);
  [key, cert] = [await readFile(keyFile, "utf8"), await readFile(certFile, "utf8")];
  await rm(folder, { recursive: true });
}

async function listenOn(server: Server, port: number): Promise<void> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket.on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
}

/** A website at https://shop.test, and an attacker at its subdomain and at plain HTTP, which is where the network is. */
async function startShop() {
  const [port, plainPort] = [await freePort(), await freePort()];
  const app = await startWebApp({ callbackUrl: `https://shop.test:${port}/web/callback` });
  const attacker = { setCookies: [] as string[] };
  // By hand: Node refuses to send what an attacker does.
  const attack = (socket: Socket) =>
    socket
      .on("error", () => {})
      .once("data", () => {
        const lines = attacker.setCookies.map((line) => `Set-Cookie: ${line}\r\n`).join("");
        const head = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n${lines}\r\n`;
        socket.end(`${head}<title>evil</title>`, "latin1");
      });
  const pass = (socket: TLSSocket) => {
    const own = connect(Number(new URL(app.url).port), "127.0.0.1").on("error", () => socket.destroy());
    socket
      .on("error", () => own.destroy())
      .pipe(own)
      .pipe(socket);
  };
  const tls = createTlsServer({ key, cert }, (socket: TLSSocket & { servername?: unknown }) =>
    socket.servername === "shop.test" ? pass(socket) : attack(socket),
  );
  await listenOn(tls, port);
  await listenOn(createServer(attack), plainPort);
  const origins = [
    `https://evil.shop.test:${port}`,
    `http://evil.shop.test:${plainPort}`,
    `http://shop.test:${plainPort}`,
  ];
  return { ...app, attacker, origins, shop: `https://shop.test:${port}` };
}

type Shop = Awaited<ReturnType<typeof startShop>>;

/** The attacker's own login: a session, and a callback that is good in a browser with this secret. */
async function attackerOf({ browser: browserOf, wechat, url }: Shop) {
  const tab = browserOf();
  const callback = async () => {
    const { pathname, search } = new URL(wechat.phone({ unionid: "attacker" }).authorize(await tab.start()));
    return pathname + search;
  };
  await tab.open(url + (await callback()));
  return { session: tab.sessionToken(), secret: tab.cookies.get(BROWSER), callback: await callback() };
}

async function newContext(): Promise<BrowserContext> {
  const context = await (browser as Browser).newContext({ ignoreHTTPSErrors: true });
  atEnd(() => context.close());
  return context;
}

/** Plants a cookie under all spellings of a name from everywhere, one after the other, and looks what came of it. */
async function plantEach(
  { attacker, origins }: Shop,
  context: BrowserContext,
  [name, value]: [string, string],
  look: (spelling: string) => Promise<void>,
): Promise<number> {
  const page = await context.newPage();
  let kept = 0;
  for (const origin of origins) {
    for (const spelling of spellingsOf(name)) {
      const before = (await context.cookies()).length;
      attacker.setCookies = [`${spelling}=${value}; Domain=shop.test; Path=/`];
      await page.goto(origin);
      const script = `document.cookie = ${JSON.stringify(`${spelling}=${value}; domain=shop.test; path=/`)}`;
      await page.evaluate(script);
      kept += (await context.cookies()).length - before;
      await look(`${origin} ${JSON.stringify(spelling)}`);
    }
  }
  await page.close();
  return kept;
}

describe("a subdomain, or whoever is on the network", function () {
  this.timeout(120_000);

  before(async function () {
    this.timeout(240_000);
    await certificate();
    const args = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];
    const rules = "--host-resolver-rules=MAP shop.test 127.0.0.1, MAP *.shop.test 127.0.0.1";
    browser = await chromium.launch({
      executablePath: await findChromium(),
      args: [...args, rules, "--no-sandbox", "--disable-quic"],
    });
  });

  after(() => browser?.close());

  it("cannot plant a session (session fixation)", async () => {
    const shop = await startShop();
    const { session = "" } = await attackerOf(shop);
    const context = await newContext();
    const page = await context.newPage();
    const kept = await plantEach(shop, context, [SESSION, session], async (spelling) => {
      expect((await page.goto(`${shop.shop}/me`))?.status(), spelling).to.equal(401);
      await context.clearCookies();
    });
    // Chromium keeps most of them, and sends them: none is ours.
    expect(kept).to.be.greaterThan(20);
  });

  it("cannot plant the secret of a login (login CSRF)", async () => {
    const shop = await startShop();
    const { secret = "", callback } = await attackerOf(shop);
    const context = await newContext();
    const page = await context.newPage();
    const kept = await plantEach(shop, context, [BROWSER, secret], async (spelling) => {
      await page.goto(shop.shop + callback);
      expect(page.url(), spelling).to.equal(`${shop.shop}/?error=invalid_state`);
      await context.clearCookies();
    });
    expect(kept).to.be.greaterThan(20);
  });

  it("signs nobody out", async () => {
    const shop = await startShop();
    const context = await newContext();
    const page = await context.newPage();
    await page.goto(`${shop.shop}/web`);
    const phone = shop.wechat.phone({ unionid: "victim" });
    await page.goto(phone.authorize(`${page.url().replace(/#.*/, "")}#wechat_redirect`));
    const isSignedIn = async (spelling: string) => {
      expect((await page.goto(`${shop.shop}/me`))?.status(), spelling).to.equal(200);
    };
    await isSignedIn("before");
    await plantEach(shop, context, [SESSION, "planted"], isSignedIn);
  });
});
