import { once } from "node:events";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { expect } from "chai";
import sinon from "sinon";
import type { WechatLoginError } from "../../lib/index.ts";
import { circuit } from "../../lib/wechat/circuit.ts";
import { errorBody } from "../support/error-body.ts";
import { atEnd, startApp } from "../support/login-app.ts";
import { until } from "../support/until.ts";

const GOOD = { unionid: "u1" };
const UNAVAILABLE = errorBody("wechat_unavailable", "WeChat cannot be reached: try again later.");

/** Something else where WeChat should be, which does what it is told with each connection. */
async function standIn(answer: (socket: Socket) => void): Promise<{ address: string; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server: Server = createTcpServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => answer(socket));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { address: `127.0.0.1:${port}`, sockets };
}

const head = (length: number | string) =>
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\n\r\n`;

/** One login, how long it took, and what the operator was told. */
async function loginAt(baseUrl: string, timeout = 300) {
  const onError = sinon.spy();
  const { post, keys, users } = await startApp({ baseUrl, timeout, onError });
  const begun = Date.now();
  const { status, headers, body } = await post("/wx/login", { code: "c" });
  const cause = (onError.firstCall.firstArg as WechatLoginError).cause as Error;
  return { status, headers, body, ms: Date.now() - begun, cause: cause.message, keys: await keys(), users };
}

describe("where WeChat fails", () => {
  const faults: [string, (socket: Socket) => void, RegExp][] = [
    ["hangs before the headers", () => {}, /^no answer within 300 ms$/],
    ["hangs in the middle of the body", (socket) => socket.write(`${head(100)}{"openid"`), /^no answer/],
    ["drips, a byte at a time", (socket) => drip(socket), /^no answer within 300 ms$/],
    ["resets the connection", (socket) => socket.resetAndDestroy(), /^ECONNRESET$/],
    [
      "ends in the middle of the body",
      (socket) => socket.end(`${head(100)}{"op`),
      /^(ECONNRESET|ERR_STREAM_PREMATURE_CLOSE)$/,
    ],
    ["sends 10 MB", (socket) => socket.end(head(10_000_000) + "x".repeat(10_000_000)), /^max-size$/],
    ["sends no end of bytes", (socket) => flood(socket), /^max-size$/],
    ["speaks no HTTP", (socket) => socket.end("hello\r\n\r\n"), /^HPE_INVALID/],
    [
      "redirects",
      (socket) => socket.end("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"),
      /^HTTP 302$/,
    ],
  ];
  for (const [what, answer, cause] of faults) {
    it(`and ${what}: 503 with Retry-After in bounded time, nothing kept`, async () => {
      const { address, sockets } = await standIn(answer);
      const login = await loginAt(`http://${address}`);
      expect([login.status, login.headers.get("retry-after"), login.body]).to.deep.equal([
        503,
        "5",
        UNAVAILABLE,
      ]);
      expect(login.cause).to.match(cause);
      expect(login.ms).to.be.below(1500);
      expect([login.keys, login.users]).to.deep.equal([[], []]);
      await Promise.all(sockets.map((socket) => socket.destroyed || once(socket, "close")));
    });
  }

  it("by its name, which nobody knows (DNS)", async () => {
    const login = await loginAt("http://api.weixin.invalid", 3000);
    expect([login.status, login.body]).to.deep.equal([503, UNAVAILABLE]);
    expect(login.cause).to.match(/^(ENOTFOUND|EAI_AGAIN)$/);
  });

  it("by its certificate, or by having none (TLS)", async () => {
    const { address } = await standIn((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\n"));
    const login = await loginAt(`https://${address}`);
    expect([login.status, login.body]).to.deep.equal([503, UNAVAILABLE]);
    expect(login.cause).to.match(/^(EPROTO|ERR_SSL_\w+)$/);
  });

  for (const hours of [-1, 1]) {
    it(`or this server's clock, by ${hours} h: the user data are not believed, and the operator is told why`, async () => {
      const onError = sinon.spy();
      const { wechat, post } = await startApp({ onError });
      const phone = wechat.phone({ ...GOOD, unionidAtLogin: false });
      const { temporaryToken } = (await post("/wx/login", phone.login())).body;
      const sealed = phone.getUserInfo();
      const clock = sinon.useFakeTimers({ now: Date.now() + hours * 3600_000, toFake: ["Date"] });
      atEnd(() => clock.restore());
      const answer = await post("/wx/login/complete", { temporaryToken, ...sealed });
      expect([answer.status, answer.body.error.code]).to.deep.equal([401, "invalid_user_data"]);
      expect(onError.firstCall.firstArg.cause.message).to.match(
        /is (3600|3599|3601) s away from this server's clock/,
      );
    });
  }
});

describe("where WeChat is down", () => {
  /** Logins at once; how each ended, and how long it took. */
  async function many(count: number, login: () => Promise<{ status: number; headers: Headers }>) {
    return await Promise.all(
      Array.from({ length: count }, async () => {
        const begun = performance.now();
        const { status, headers } = await login();
        return { status, retryAfter: headers.get("retry-after"), ms: performance.now() - begun };
      }),
    );
  }

  it("no more than 200 connections pile up, nobody waits longer than the timeout, and then not at all", async function () {
    this.timeout(20_000);
    const { address, sockets } = await standIn(() => {});
    const onError = sinon.spy();
    const { post } = await startApp({ baseUrl: `http://${address}`, timeout: 2000, onError });
    const causes = () => new Set(onError.args.map(([error]) => error.cause.message));
    const login = () => post("/wx/login", { code: String(Math.random()) });
    const waiting = many(300, login);
    await until(() => sockets.length >= 200);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(sockets).to.have.length(200);
    const first = await waiting;
    // Some of those whose turn had come just then are still arriving.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const connections = sockets.length;
    expect(first.every(({ status, retryAfter }) => status === 503 && retryAfter === "5")).to.equal(true);
    expect(Math.max(...first.map(({ ms }) => ms))).to.be.below(3700);

    expect(causes()).to.deep.equal(new Set(["no answer within 2000 ms"]));
    onError.resetHistory();

    const next = await many(300, login);
    expect(causes()).to.deep.equal(new Set(["no attempt after 300 failures in a row"]));
    expect(sockets).to.have.length(connections);
    expect(next.every(({ status }) => status === 503)).to.equal(true);
    expect(Math.max(...next.map(({ ms }) => ms))).to.be.below(900);
  });

  it("a burst of a thousand logins waits for its turn, and all are answered", async function () {
    this.timeout(20_000);
    const { wechat, post } = await startApp();
    const answers = await many(1000, () => post("/wx/login", wechat.phone(GOOD).login()));
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([200]));
  });

  it("of more than 2,000 requests under way the next one is refused at once", async () => {
    const guarded = circuit();
    let finish = (_answer: string) => {};
    const answer = new Promise<string>((resolve) => {
      finish = resolve;
    });
    const underWay = Array.from({ length: 2000 }, () => guarded(() => answer));
    const refused = await guarded(async () => "asked").catch((error) => error);
    expect(refused.cause.message).to.equal("2000 requests are under way already");
    finish("answered");
    expect(new Set(await Promise.all(underWay))).to.deep.equal(new Set(["answered"]));
    expect(await guarded(async () => "asked")).to.equal("asked");
  });

  it("one request in five seconds finds out whether it is back, and then all go through", async () => {
    const { wechat, post } = await startApp({ timeout: 100 });
    const login = async () => (await post("/wx/login", wechat.phone(GOOD).login())).status;
    const clock = sinon.useFakeTimers({ now: Date.now(), toFake: ["Date", "performance"] });
    atEnd(() => clock.restore());
    for (let count = 0; count < 10; count++) {
      wechat.bendNext({ status: 502 });
      expect(await login()).to.equal(503);
    }
    expect(await login()).to.equal(503);
    expect(wechat.requests).to.have.length(10);

    // Still down: one finds out, and everybody else is told at once.
    clock.tick(5000);
    wechat.bendNext({ status: 502, delay: 50 });
    const probes = await Promise.all([login(), login(), login()]);
    expect([probes, wechat.requests.length]).to.deep.equal([[503, 503, 503], 11]);
    expect(await login()).to.equal(503);
    expect(wechat.requests).to.have.length(11);

    clock.tick(4999);
    expect(await login()).to.equal(503);
    clock.tick(1);
    expect([await login(), await login()]).to.deep.equal([200, 200]);
    wechat.bendNext({ status: 502 });
    expect([await login(), await login()]).to.deep.equal([503, 200]);
  });

  it("a request that is answered is under way no longer", async () => {
    const guarded = circuit();
    for (let count = 0; count < 2001; count++) expect(await guarded(async () => "asked")).to.equal("asked");
  });

  it("errcodes and a busy WeChat are answers: they keep nobody out", async () => {
    const { wechat, post } = await startApp();
    const login = async (code = wechat.phone(GOOD).login().code) =>
      (await post("/wx/login", { code })).status;
    for (let count = 0; count < 12; count++) expect(await login("unknown")).to.equal(401);
    for (let count = 0; count < 12; count++) {
      wechat.bendNext({ body: "[]" });
      expect(await login()).to.equal(502);
    }
    for (let count = 0; count < 12; count++) {
      wechat.bendNext({ status: 403, body: "<html>a gateway that does not like the code</html>" });
      expect(await login("<script>")).to.equal(502);
    }
    for (let count = 0; count < 9; count++) {
      wechat.bendNext({ status: 502 });
      expect(await login()).to.equal(503);
    }
    // It was there in between: the failures are not in a row.
    for (const _time of [1, 2]) wechat.bendNext({ errcode: -1 });
    expect(await login()).to.equal(503);
    wechat.bendNext({ status: 502 });
    expect([await login(), await login()]).to.deep.equal([503, 200]);
  }).timeout(10_000);

  for (const hours of [-1, 1]) {
    it(`asks again after five seconds where the clock is set by ${hours} h, and not before`, async () => {
      const { wechat, post } = await startApp({ timeout: 100 });
      const login = async () => (await post("/wx/login", wechat.phone(GOOD).login())).status;
      for (let count = 0; count < 10; count++) {
        wechat.bendNext({ status: 502 });
        await login();
      }
      const clock = sinon.useFakeTimers({ now: Date.now() + hours * 3600_000, toFake: ["Date"] });
      atEnd(() => clock.restore());
      expect(await login()).to.equal(503);
      await new Promise((resolve) => setTimeout(resolve, 5000));
      expect(await login()).to.equal(200);
    }).timeout(15_000);
  }

  it("a login that was refused unsent can be repeated with the same code", async () => {
    const { wechat, post } = await startApp();
    const { code } = wechat.phone(GOOD).login();
    const clock = sinon.useFakeTimers({ now: Date.now(), toFake: ["Date", "performance"] });
    atEnd(() => clock.restore());
    for (let count = 0; count < 10; count++) {
      wechat.bendNext({ status: 502 });
      await post("/wx/login", { code: "other" });
    }
    expect((await post("/wx/login", { code })).status).to.equal(503);
    clock.tick(5000);
    expect((await post("/wx/login", { code })).body.status).to.equal("signed_in");
  });
});

function drip(socket: Socket): void {
  socket.write(head(10_000));
  const timer = setInterval(() => socket.write(" "), 20);
  socket.once("close", () => clearInterval(timer));
}

function flood(socket: Socket): void {
  socket.write("HTTP/1.1 200 OK\r\n\r\n");
  const chunk = "x".repeat(64 * 1024);
  const push = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on("drain", push);
  push();
}
