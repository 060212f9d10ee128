import dns from "node:dns";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Readable } from "node:stream";
import { Worker } from "node:worker_threads";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { expect } from "chai";
import nodeFetch from "node-fetch";
import sinon from "sinon";
import type { WechatLoginError } from "../../lib/errors.ts";
import type { Fetch } from "../../lib/index.ts";
import { wechatRequest } from "../../lib/wechat/request.ts";
import { errorBody } from "../support/error-body.ts";
import { APP_ID, atEnd, SECRET, startApp } from "../support/login-app.ts";

const GOOD = { unionid: "u1" };

describe("talking to WeChat", () => {
  it("asks code2Session with exactly its four parameters", async () => {
    const { wechat, post } = await startApp();
    const { code } = wechat.phone(GOOD).login();
    await post("/wx/login", { code });
    const query = { appid: APP_ID, secret: SECRET, js_code: code, grant_type: "authorization_code" };
    expect(wechat.requests).to.deep.equal([{ method: "GET", path: "/sns/jscode2session", query }]);
  });

  it("encodes the code: nobody injects an appid or a secret of his own", async () => {
    const { wechat, post } = await startApp();
    const code = "x&appid=wxevil&secret=evil#?%00";
    await post("/wx/login", { code });
    expect(wechat.requests[0]?.query).to.include({ appid: APP_ID, secret: SECRET, js_code: code });
  });

  it("tries once more where WeChat says -1", async () => {
    const { wechat, post } = await startApp();
    wechat.bendNext({ errcode: -1 });
    const before = Date.now();
    const answer = await post("/wx/login", wechat.phone(GOOD).login());
    expect(answer.body).to.deep.equal({ status: "signed_in" });
    expect(wechat.requests).to.have.length(2);
    expect(Date.now() - before).to.be.above(90);
  });

  it("tries no third time", async () => {
    const { wechat, post } = await startApp();
    wechat.bendNext({ errcode: -1 });
    wechat.bendNext({ errcode: "-1" });
    const answer = await post("/wx/login", wechat.phone(GOOD).login());
    expect(answer.status).to.equal(503);
    expect(answer.headers.get("retry-after")).to.equal("5");
    expect(answer.body).to.deep.equal(
      errorBody("wechat_unavailable", "WeChat is busy: try again later.", -1),
    );
    expect(wechat.requests).to.have.length(2);
  });

  it("tries once more where it could not connect", async () => {
    const refusing = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
    const fetch = sinon.stub();
    fetch.onFirstCall().rejects(refusing);
    fetch
      .onSecondCall()
      .resolves({ status: 200, text: async () => '{"openid":"o1","session_key":"k","unionid":"u"}' });
    const { post } = await startApp({ fetch });
    expect((await post("/wx/login", { code: "c" })).body).to.deep.equal({ status: "signed_in" });
  });

  it("gives up after the second refused connection", async () => {
    const onError = sinon.spy();
    const { post } = await startApp({ baseUrl: "http://127.0.0.1:1", onError });
    const answer = await post("/wx/login", { code: "c" });
    expect(answer.status).to.equal(503);
    expect(answer.headers.get("retry-after")).to.equal("5");
    expect(answer.body).to.deep.equal(
      errorBody("wechat_unavailable", "WeChat cannot be reached: try again later."),
    );
    expect(onError.firstCall.firstArg.cause.message).to.equal("ECONNREFUSED");
  });

  for (const code of ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]) {
    it(`a second try follows ${code}, also in the global fetch's wrapping`, async () => {
      const fetch = sinon
        .stub()
        .rejects(new TypeError("fetch failed", { cause: Object.assign(new Error(), { code }) }));
      const { post } = await startApp({ fetch });
      expect((await post("/wx/login", { code: "c" })).status).to.equal(503);
      expect(fetch.callCount).to.equal(2);
    });
  }

  for (const [name, error, cause] of [
    ["a reset connection", Object.assign(new Error(), { code: "ECONNRESET" }), "ECONNRESET"],
    ["an answer that is too large", Object.assign(new Error(), { type: "max-size" }), "max-size"],
    ["an error without a code", new Error("secret=1"), "network error"],
    ["an error whose cause is null", new Error("secret=1", { cause: null }), "network error"],
    ["something thrown that is no error", null, "network error"],
  ] as const) {
    it(`no second try follows ${name}`, async () => {
      const fetch = sinon.stub().callsFake(() => Promise.reject(error));
      const onError = sinon.spy();
      const { post } = await startApp({ fetch, onError });
      expect((await post("/wx/login", { code: "c" })).body.error.code).to.equal("wechat_unavailable");
      expect(fetch.callCount).to.equal(1);
      expect(onError.firstCall.firstArg.cause.message).to.equal(cause);
    });
  }

  for (const [name, bend, cause] of [
    ["a connection that is cut", { fault: "reset" }, "ECONNRESET"],
    ["HTML from a gateway", { body: "<html>Bad Gateway</html>" }, "HTTP 200 without JSON"],
    ["HTTP 502", { status: 502 }, "HTTP 502"],
    ["HTTP 500, JSON or not", { status: 500, body: "{}" }, "HTTP 500"],
  ] as const) {
    it(`${name} is a fault of the transport, told without a second try`, async () => {
      const onError = sinon.spy();
      const { wechat, post } = await startApp({ onError });
      wechat.bendNext(bend);
      const answer = await post("/wx/login", wechat.phone(GOOD).login());
      expect(answer.status).to.equal(503);
      expect(answer.body.error.code).to.equal("wechat_unavailable");
      expect(wechat.requests).to.have.length(1);
      expect(onError.firstCall.firstArg.cause.message).to.equal(cause);
    });
  }

  it("an upgrade that nobody asked for is no answer, and no connection is left waiting", async () => {
    const { port } = await rawServer((socket) =>
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
    );
    const onError = sinon.spy();
    const { post } = await startApp({ baseUrl: `http://127.0.0.1:${port}`, onError });
    expect((await post("/wx/login", { code: "c" })).body.error.code).to.equal("wechat_unavailable");
    expect(onError.firstCall.firstArg.cause.message).to.equal("HTTP 101 without JSON");
  });

  it("a gateway's 4xx is about this request: told as no answer of WeChat's, without a second try", async () => {
    const { wechat, post } = await startApp();
    for (const status of [400, 403, 412, 499]) {
      wechat.bendNext({ status, body: "<html>Forbidden</html>" });
      const answer = await post("/wx/login", wechat.phone(GOOD).login());
      const message = `WeChat's answer makes no sense: HTTP ${status} without JSON.`;
      expect([answer.status, answer.body]).to.deep.equal([502, errorBody("wechat_error", message)]);
    }
    expect(wechat.requests).to.have.length(4);
  });

  it("waits no longer than the timeout", async () => {
    const onError = sinon.spy();
    const { wechat, post } = await startApp({ timeout: 100, onError });
    wechat.bendNext({ fault: "hang" });
    const before = Date.now();
    const answer = await post("/wx/login", wechat.phone(GOOD).login());
    expect(answer.status).to.equal(503);
    expect(Date.now() - before).to.be.within(90, 900);
    expect(wechat.requests).to.have.length(1);
    expect(onError.firstCall.firstArg.cause.message).to.equal("no answer within 100 ms");
  });

  it("the timeout covers the body, too", async () => {
    const { port } = await rawServer((socket) =>
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"),
    );
    const { post } = await startApp({ timeout: 100, baseUrl: `http://127.0.0.1:${port}` });
    expect((await post("/wx/login", { code: "c" })).body.error.code).to.equal("wechat_unavailable");
  });

  it("waits for an answer that is late but in time", async () => {
    const { wechat, post } = await startApp({ timeout: 2000 });
    wechat.bendNext({ delay: 150 });
    expect((await post("/wx/login", wechat.phone(GOOD).login())).status).to.equal(200);
  });

  it("an answer of more than 1 MiB is not read to its end", async () => {
    const { wechat, post } = await startApp();
    wechat.bendNext({ body: JSON.stringify({ openid: "o1", session_key: "k", x: "x".repeat(1024 * 1024) }) });
    expect((await post("/wx/login", { code: "c" })).body.error.code).to.equal("wechat_unavailable");
  });

  it("follows no redirect: the URL holds the secret", async () => {
    const { port } = await rawServer((socket) =>
      socket.end("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\n{}"),
    );
    const onError = sinon.spy();
    const { post } = await startApp({ baseUrl: `http://127.0.0.1:${port}`, onError });
    expect((await post("/wx/login", { code: "c" })).body.error.code).to.equal("wechat_unavailable");
    expect(onError.firstCall.firstArg.cause.message).to.equal("HTTP 302");
  });

  it("sends JSON as such, whole, with its length", async () => {
    const requests: string[] = [];
    const { port } = await rawServer((socket, request) => {
      requests.push(request);
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    });
    const request = wechatRequest({ baseUrl: `http://127.0.0.1:${port}`, timeout: 1000 });
    await request("/path", { a: "b" }, { text: "微信" });
    const [head = "", body] = String(requests).split("\r\n\r\n");
    expect(body).to.equal('{"text":"微信"}');
    const [first, ...headers] = head.split("\r\n");
    expect(first).to.equal("POST /path?a=b HTTP/1.1");
    expect(headers.map((header) => header.toLowerCase())).to.include.members([
      "content-type: application/json",
      `content-length: ${Buffer.byteLength('{"text":"微信"}')}`,
    ]);
    expect(head).to.not.match(/chunked/i);
  });

  it("keeps its connection alive from login to login", async () => {
    let connections = 0;
    const { port } = await rawServer(
      (socket) => {
        const body = '{"openid":"o1","session_key":"k","unionid":"u"}';
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      },
      () => connections++,
    );
    const { post } = await startApp({ baseUrl: `http://127.0.0.1:${port}/` });
    for (const code of ["a", "b", "c"]) expect((await post("/wx/login", { code })).status).to.equal(200);
    expect(connections).to.equal(1);
  });

  it("accepts errcode 0 beside a success", async () => {
    const { wechat, post } = await startApp();
    wechat.bendNext({ body: '{"openid":"o1","session_key":"k","unionid":"u1","errcode":0,"errmsg":"ok"}' });
    expect((await post("/wx/login", { code: "c" })).status).to.equal(200);
  });

  it("reads an errcode that is a string", async () => {
    const { wechat, post } = await startApp();
    wechat.bendNext({ errcode: "40029" });
    expect((await post("/wx/login", { code: "c" })).body.error).to.include({
      code: "invalid_code",
      errcode: 40029,
    });
  });

  it("does not count an empty unionid as one", async () => {
    const { wechat, post } = await startApp();
    wechat.bendNext({ body: '{"openid":"o1","session_key":"k","unionid":""}' });
    expect((await post("/wx/login", { code: "c" })).body.missing).to.deep.equal(["unionid"]);
  });

  it("exchanges a code once for requests that carry it at the same time, and again for a later one", async () => {
    const { wechat, post } = await startApp();
    wechat.bendNext({ delay: 50 });
    const login = wechat.phone(GOOD).login();
    const answers = await Promise.all(Array.from({ length: 5 }, () => post("/wx/login", login)));
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200, 200]);
    expect(wechat.requests).to.have.length(1);
    expect((await post("/wx/login", login)).body.error).to.include({ errcode: 40163 });
    expect(wechat.requests).to.have.length(2);
  });

  it("asks WeChat itself where no baseUrl is given, by the host's fetch where there is one", async () => {
    const fetch = sinon
      .stub()
      .resolves({ status: 200, text: async () => '{"openid":"o","session_key":"k","unionid":"u"}' });
    const { post } = await startApp({ fetch, baseUrl: undefined });
    await post("/wx/login", { code: "c" });
    const [url, { signal, ...init }] = fetch.firstCall.args;
    expect(url).to.match(/^https:\/\/api\.weixin\.qq\.com\/sns\/jscode2session\?appid=/);
    expect(init).to.deep.equal({ method: "GET", redirect: "error", size: 1024 * 1024 });
    expect(signal.aborted).to.equal(false);
  });

  for (const [name, fetch] of Object.entries<Fetch>({
    "node-fetch": nodeFetch as Fetch,
    "the global fetch": globalThis.fetch as Fetch,
    "a fetch that does not listen to its signal": (url, { signal: _, ...init }) =>
      globalThis.fetch(url, init),
  })) {
    it(`by ${name}, too, it waits no longer than the timeout`, async () => {
      const onError = sinon.spy();
      const { wechat, post } = await startApp({ timeout: 100, onError, fetch });
      expect((await post("/wx/login", wechat.phone(GOOD).login())).status).to.equal(200);
      wechat.bendNext({ fault: "hang" });
      expect((await post("/wx/login", wechat.phone(GOOD).login())).status).to.equal(503);
      expect(onError.firstCall.firstArg.cause.message).to.equal("no answer within 100 ms");
    });
  }

  it("tells the host's fetch to stop after the timeout", async () => {
    const fetch = sinon.stub().returns(new Promise(() => {}));
    const { post } = await startApp({ timeout: 50, fetch });
    expect((await post("/wx/login", { code: "c" })).status).to.equal(503);
    expect(fetch.firstCall.args[1].signal.aborted).to.equal(true);
  });

  it("finds WeChat under a path, too, and at an IPv6 address", async () => {
    const seen: string[] = [];
    const { port } = await rawServer(
      (socket, request) => {
        seen.push(String(request.split(" ")[1]));
        const body = '{"openid":"o1","session_key":"k","unionid":"u"}';
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      },
      () => {},
      "::1",
    );
    for (const path of ["", "/", "/mirror", "/mirror/"]) {
      const { post } = await startApp({ baseUrl: `http://[::1]:${port}${path}` });
      expect((await post("/wx/login", { code: "c" })).status).to.equal(200);
    }
    const path = (url: string) => url.replace(/\?.*/, "");
    expect(seen.map(path)).to.deep.equal(
      ["", "", "/mirror", "/mirror"].map((prefix) => `${prefix}/sns/jscode2session`),
    );
  });

  it("leaves no timer behind", async () => {
    const { wechat, post } = await startApp({ timeout: 200 });
    const clear = sinon.spy(globalThis, "clearTimeout");
    atEnd(() => clear.restore());
    await post("/wx/login", wechat.phone(GOOD).login());
    expect(clear.called).to.equal(true);
  });

  it("leaves no timer behind with the host's fetch", async () => {
    const clear = sinon.spy(globalThis, "clearTimeout");
    atEnd(() => clear.restore());
    const request = wechatRequest({
      baseUrl: "http://x",
      timeout: 5000,
      fetch: async () => ({ status: 200, text: async () => "{}" }),
    });
    await request("/", {});
    expect(clear.called).to.equal(true);
  });
});

describe("the size of WeChat's answer", () => {
  const MIB = 1024 * 1024;
  const BIG = JSON.stringify({ errcode: 0, text: "x".repeat(MIB) });
  const outcome = (request: ReturnType<typeof wechatRequest>) =>
    request("/", {}).catch(({ cause }: WechatLoginError) => (cause as Error).message);

  it("is that of what was compressed, though nothing is asked for compressed", async () => {
    for (const [coding, compress] of Object.entries({
      gzip: gzipSync,
      deflate: deflateSync,
      br: brotliCompressSync,
    })) {
      for (const [text, expected] of [
        [JSON.stringify({ errcode: 0, text: "微信" }), { errcode: 0, text: "微信" }],
        [BIG, "max-size"],
      ] as const) {
        const body = compress(text);
        expect(body.length).to.be.below(10_000);
        const heads: string[] = [];
        const { port } = await rawServer((socket, head) => {
          heads.push(head);
          socket.write(
            `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: ${body.length}\r\n\r\n`,
          );
          socket.write(body);
        });
        const request = wechatRequest({ baseUrl: `http://127.0.0.1:${port}`, timeout: 2000 });
        expect(await outcome(request)).to.deep.equal(expected);
        expect(heads.join()).to.match(/^accept-encoding: identity\r$/im);
      }
    }
  });

  it("is bounded for a host's fetch as well, which need not know of any size", async () => {
    const { port } = await rawServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n{");
      const flood = () => {
        while (!socket.destroyed && socket.write(" ".repeat(64 * 1024)));
      };
      socket.on("drain", flood);
      flood();
    });
    const options = { baseUrl: `http://127.0.0.1:${port}`, timeout: 5000 };
    for (const fetch of [globalThis.fetch, nodeFetch] as Fetch[]) {
      const withoutSize: Fetch = (url, { size: _, ...init }) => fetch(url, init as Parameters<Fetch>[1]);
      expect(await outcome(wechatRequest({ ...options, fetch: withoutSize }))).to.equal("max-size");
    }
  });

  it("is seen where a fetch gives nothing but the text", async () => {
    for (const [text, expected] of [
      [BIG, "max-size"],
      ["{}", { errcode: 0 }],
    ] as const) {
      for (const body of [undefined, null, "{}", {}]) {
        const fetch: Fetch = async () => ({ status: 200, body, text: async () => text });
        expect(await outcome(wechatRequest({ baseUrl: "http://x", timeout: 1000, fetch }))).to.deep.equal(
          expected,
        );
      }
    }
  });

  it("does not matter to what a fetch gives: bytes, strings, or a body that the host has read", async () => {
    const bytes = new TextEncoder().encode('\uFEFF{"text":"微信"}');
    const read = async (response: Response) => {
      const text = await response.text();
      return Object.assign(response, { text: async () => text });
    };
    for (const fetch of [
      async () => new Response(bytes),
      async () => ({ status: 200, body: Readable.from([...bytes].map((byte) => Uint8Array.of(byte))) }),
      async () => ({ status: 200, body: Readable.from(['{"text":', '"微信"}']) }),
      async () => await read(new Response(bytes)),
    ]) {
      const request = wechatRequest({ baseUrl: "http://x", timeout: 1000, fetch: fetch as unknown as Fetch });
      expect(await outcome(request)).to.deep.equal({ errcode: 0, text: "微信" });
    }
  });

  it("is no reason to fall over where a fetch gives pieces that are no bytes", async () => {
    for (const piece of [{}, 5, true, { length: 1 }, Symbol("x")]) {
      const body = new Readable({ objectMode: true, read() {} });
      setImmediate(() => {
        body.push(piece);
        body.push(null);
      });
      const fetch: Fetch = async () => ({ status: 200, body, text: async () => "{}" });
      const request = wechatRequest({ baseUrl: "http://x", timeout: 1000, fetch });
      expect(await outcome(request)).to.be.oneOf(["max-size", "HTTP 200 without JSON"]);
    }
  });
});

describe("what WeChat is asked with stays a secret", () => {
  it("an errmsg that quotes the request is blotted out in the cause", async () => {
    const onError = sinon.spy();
    const { wechat, post } = await startApp({ onError });
    wechat.bendNext({
      body: JSON.stringify({ errcode: 40125, errmsg: `secret ${SECRET} of code c0de: ${SECRET}` }),
    });
    await post("/wx/login", { code: "c0de" });
    const error: WechatLoginError = onError.firstCall.firstArg;
    expect(String(error.cause)).to.equal("Error: WeChat: errcode 40125, secret *** of code ***: ***");
  });
});

describe("a connection that WeChat closes under a request", () => {
  const PATH = "/sns/jscode2session";
  const OK = '{"errcode":0}';

  /** WeChat behind a gateway: `answer` is given what came, and how many requests this connection has carried. */
  async function gateway(answer: (socket: Socket, request: number, text: string) => void) {
    const seen: { connections: number; requests: string[] } = { connections: 0, requests: [] };
    const counts = new Map<Socket, number>();
    const { port } = await rawServer(
      (socket, text) => {
        seen.requests.push(text);
        const count = (counts.get(socket) ?? 0) + 1;
        counts.set(socket, count);
        answer(socket, count, text);
      },
      () => {
        seen.connections += 1;
      },
    );
    const request = wechatRequest({ baseUrl: `http://127.0.0.1:${port}`, timeout: 2000 });
    const failure = (path = PATH) => request(path, {}).catch((error: WechatLoginError) => error);
    return { seen, request, failure };
  }

  const reset = (socket: Socket) => socket.resetAndDestroy();
  const endings: [string, (socket: Socket) => void][] = [
    ["resets it", reset],
    ["ends it without an answer", (socket) => socket.end()],
    ["ends it within the head of an answer", (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-")],
  ];

  for (const [what, end] of endings) {
    for (const [method, body] of [["GET"], ["POST", { text: "微信" }]] as const) {
      it(`is replaced at once for a ${method} if it was kept alive and WeChat ${what}`, async () => {
        const { seen, request } = await gateway((socket, count) =>
          count === 1 ? socket.write(answerOf(OK)) : end(socket),
        );
        await request(PATH, {}, body);
        const before = performance.now();
        expect(await request(PATH, {}, body)).to.deep.equal({ errcode: 0 });
        expect(performance.now() - before).to.be.below(90);
        expect([seen.connections, seen.requests.length]).to.deep.equal([2, 3]);
      });
    }

    it(`is not replaced if it was new and WeChat ${what}`, async () => {
      const { seen, failure } = await gateway(end);
      expect(await failure()).to.deep.include({ code: "wechat_unavailable", cause: new Error("ECONNRESET") });
      expect(seen.requests).to.have.length(1);
    });
  }

  it("is replaced once: the new connection's failure is the answer", async () => {
    const { seen, request, failure } = await gateway((socket, count) =>
      count === 1 && seen.connections === 1 ? socket.write(answerOf(OK)) : reset(socket),
    );
    await request(PATH, {});
    expect(await failure()).to.include({ code: "wechat_unavailable", errcode: undefined });
    expect([seen.connections, seen.requests.length]).to.deep.equal([2, 3]);
  });

  it("is replaced by a new one, not by another that was kept as long", async () => {
    const { seen, request } = await gateway((socket, count) =>
      count === 1 ? socket.write(answerOf(OK)) : reset(socket),
    );
    await Promise.all(Array.from({ length: 5 }, () => request(PATH, {})));
    expect(seen.connections).to.equal(5);
    expect(await request(PATH, {})).to.deep.equal({ errcode: 0 });
    expect([seen.connections, seen.requests.length]).to.deep.equal([6, 7]);
  });

  it("is replaced for each of many requests at the same time", async () => {
    const { request } = await gateway((socket, count) =>
      count === 1 ? socket.write(answerOf(OK)) : reset(socket),
    );
    const many = () => Promise.all(Array.from({ length: 50 }, () => request(PATH, {})));
    await many();
    expect(new Set((await many()).map(({ errcode }) => errcode))).to.deep.equal(new Set([0]));
  });

  it("within an answer that has begun is not replaced: WeChat has worked on the request", async () => {
    for (const cut of [reset, (socket: Socket) => socket.end()]) {
      const { seen, request, failure } = await gateway((socket, count) => {
        socket.write(count === 1 ? answerOf(OK) : "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
        if (count > 1) setTimeout(cut, 30, socket);
      });
      await request(PATH, {});
      expect(await failure()).to.deep.include({
        code: "wechat_unavailable",
        cause: new Error("ECONNRESET"),
      });
      expect(seen.requests).to.have.length(2);
    }
  });

  it("counts as the one retry: none follows a -1 before it, or after it", async () => {
    const busyThenClosed = await gateway((socket, count) =>
      count === 1 ? socket.write(answerOf('{"errcode":-1}')) : reset(socket),
    );
    expect(await busyThenClosed.failure()).to.deep.include({
      code: "wechat_unavailable",
      cause: new Error("ECONNRESET"),
    });
    expect(busyThenClosed.seen.requests).to.have.length(2);

    const closedThenBusy = await gateway((socket, count) => {
      if (count > 1) reset(socket);
      else socket.write(answerOf(closedThenBusy.seen.connections === 1 ? OK : '{"errcode":-1}'));
    });
    await closedThenBusy.request(PATH, {});
    expect(await closedThenBusy.failure()).to.include({ code: "wechat_unavailable", errcode: -1 });
    expect(closedThenBusy.seen.requests).to.have.length(3);
  });

  it("costs a login nothing but a new code if WeChat had taken the first one", async () => {
    const { seen, request } = await gateway((socket, count) => {
      if (seen.connections > 1) socket.write(answerOf('{"errcode":40163,"errmsg":"code been used"}'));
      else if (count === 1) socket.write(answerOf(OK));
      else reset(socket);
    });
    await request(PATH, {});
    expect(await request(PATH, {})).to.include({ errcode: 40163 });
  });
});

describe("an address of WeChat's that is slow to connect", () => {
  it("has the whole timeout, not the 250 ms after which Node 20 gives up an address", async () => {
    const port = await slowToAccept(600);
    const two = ["127.0.0.1", "127.0.0.2"].map((address) => ({ address, family: 4 }));
    const lookup = sinon
      .stub(dns, "lookup")
      .callsFake(((_host: string, _options: object, found: Found) => found(null, two)) as typeof dns.lookup);
    atEnd(() => lookup.restore());
    const request = wechatRequest({ baseUrl: `http://wechat.example:${port}`, timeout: 4000 });
    expect(await request("/", {})).to.deep.equal({ errcode: 0 });
  });

  type Found = (error: null, addresses: { address: string; family: number }[]) => void;

  /** A server whose queue of connections is full: the kernel drops a further one's SYN, and repeats it after a second. */
  async function slowToAccept(ms: number): Promise<number> {
    const worker = new Worker(
      `const server = require("node:net").createServer((socket) => socket.on("error", () => {}).once("data", () =>
         socket.end("HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}")));
       server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
         require("node:worker_threads").parentPort.postMessage(server.address().port);
         setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${ms}));
       });`,
      { eval: true },
    );
    atEnd(() => worker.terminate());
    const [port] = await once(worker, "message");
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const socket of [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")]) {
      socket.on("error", () => {});
      atEnd(() => socket.destroy());
      await once(socket, "connect");
    }
    return port;
  }
});

function answerOf(body: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** A server that answers each piece it receives. */
async function rawServer(
  answer: (socket: Socket, request: string) => void,
  onConnect = () => {},
  host = "127.0.0.1",
): Promise<{ port: number }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    onConnect();
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (request) => answer(socket, String(request)));
  });
  server.listen(0, host);
  await once(server, "listening");
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return server.address() as { port: number };
}
