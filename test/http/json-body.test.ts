import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import express from "express";
import sinon from "sinon";
import { wechatLogin } from "../../lib/index.ts";
import {
  APP_ID,
  listen,
  redis,
  SECRET,
  send,
  startApp,
  startWechat,
  userTable,
} from "../support/login-app.ts";
import { until } from "../support/until.ts";

describe("request bodies", () => {
  async function expectInvalid(answer: ReturnType<typeof send>, message: RegExp) {
    const { status, body } = await answer;
    expect(status).to.equal(400);
    expect(body.error.code).to.equal("invalid_request");
    expect(body.error.message).to.match(message);
  }

  for (const [name, body] of Object.entries({
    "broken JSON": '{"code":',
    "an equation": '{"code"=1}',
    "bytes that are no UTF-8": Buffer.from([0x7b, 0xff, 0x7d]),
  })) {
    it(`${name} is answered in JSON`, async () => {
      const { url } = await startApp();
      await expectInvalid(send(`${url}/wx/login`, body), /not JSON in UTF-8/);
    });
  }

  it("an empty one is called so", async () => {
    const { url } = await startApp();
    for (const type of ["application/json", "application/x-www-form-urlencoded"]) {
      const answer = send(`${url}/wx/login`, "", { "Content-Type": type });
      await expectInvalid(answer, /^The request body is empty\.$/);
    }
  });

  for (const form of [
    "code=1",
    "code=0a%2B1&errMsg=login%3Aok",
    "code=a+b==&list[]=",
    '--X\r\nContent-Disposition: form-data; name="code"\r\n\r\nc\r\n--X--',
  ]) {
    it(`${JSON.stringify(form)} under the media type of JSON looks like a form`, async () => {
      const { url } = await startApp();
      await expectInvalid(
        send(`${url}/wx/login`, form),
        /^The request body is not JSON in UTF-8, but looks like a form: send a JSON object\.$/,
      );
    });
  }

  for (const body of ["code", "=", "--X--", "<a href=b>", "{code=1}", " code=1 2"]) {
    it(`${JSON.stringify(body)} does not look like a form`, async () => {
      const { url } = await startApp();
      await expectInvalid(send(`${url}/wx/login`, body), /^The request body is not JSON in UTF-8\.$/);
    });
  }

  for (const body of ["[]", "null", "5", '"code"']) {
    it(`${body} is no JSON object`, async () => {
      const { url } = await startApp();
      await expectInvalid(send(`${url}/wx/login`, body), /must be a JSON object/);
    });
  }

  it("may be up to 16 kB", async () => {
    const { url, wechat } = await startApp();
    const { code } = wechat.phone({ unionid: "u1" }).login();
    const frame = JSON.stringify({ code, padding: "" }).length;
    const body = (size: number) => JSON.stringify({ code, padding: "x".repeat(size - frame) });
    await expectInvalid(send(`${url}/wx/login`, body(16385)), /larger than 16384 bytes/);
    expect((await send(`${url}/wx/login`, body(16384))).body).to.deep.equal({ status: "signed_in" });
  });

  it("is refused at 16 kB also where no Content-Length tells", async () => {
    const { url } = await startApp();
    const req = request(`${url}/wx/login`, { method: "POST", headers: { "Transfer-Encoding": "chunked" } });
    for (let i = 0; i < 5; i++) req.write("x".repeat(8192));
    req.end();
    const [res] = (await once(req, "response")) as [IncomingMessage];
    expect(res.statusCode).to.equal(400);
    expect(JSON.parse((await res.toArray()).join("")).error.message).to.match(/larger than 16384/);
  });

  it("is answered although a large rest is still coming", async () => {
    const { url } = await startApp();
    await expectInvalid(send(`${url}/wx/login`, "x".repeat(4_000_000)), /larger than 16384/);
  });

  it("is not unpacked: a compressed body is refused", async () => {
    const { url } = await startApp();
    const headers = { "Content-Encoding": "gzip" };
    await expectInvalid(send(`${url}/wx/login`, gzipSync("{}"), headers), /must not be compressed/);
  });

  it("may say that it is not compressed", async () => {
    const { url, wechat } = await startApp();
    const body = JSON.stringify(wechat.phone({ unionid: "u1" }).login());
    const answer = await send(`${url}/wx/login`, body, { "Content-Encoding": "identity" });
    expect(answer.status).to.equal(200);
  });

  it("may begin with a byte order mark and call itself text/plain", async () => {
    const { url, wechat } = await startApp();
    const body = `\ufeff${JSON.stringify(wechat.phone({ unionid: "u1" }).login())}`;
    const answer = await send(`${url}/wx/login`, body, { "Content-Type": "text/plain" });
    expect(answer.status).to.equal(200);
  });

  it("that is cut off ends the request, and nothing was asked or saved", async () => {
    const onError = sinon.spy();
    const { url, wechat, hostErrors } = await startApp({ onError });
    const req = request(`${url}/wx/login`, { method: "POST", headers: { "Content-Length": 100 } });
    req.on("error", () => {});
    req.write('{"code":');
    await new Promise((resolve) => setTimeout(resolve, 30));
    req.destroy();
    await until(() => onError.called);
    expect(onError.firstCall.firstArg.message).to.equal("The request was cut off.");
    expect(wechat.requests).to.deep.equal([]);
    expect(hostErrors).to.deep.equal([]);
  });

  it("may be ended by the host while it is refused: nothing is left that could end the process", async () => {
    const onError = sinon.spy((_error: unknown, req: IncomingMessage) => {
      req.destroy(new Error("the host's own limit"));
    });
    const { url } = await startApp({ onError });
    const req = request(`${url}/wx/login`, { method: "POST", headers: { "Transfer-Encoding": "chunked" } });
    req.write("x".repeat(20_000));
    const [error] = (await once(req, "error")) as [Error & { code?: string }];
    expect([error.code, onError.callCount]).to.deep.equal(["ECONNRESET", 1]);
  });

  describe("behind a parser of the host", () => {
    async function hostWith(...parsers: express.RequestHandler[]) {
      const wechat = await startWechat();
      const { findUser, saveUser } = userTable();
      const app = express();
      for (const parser of parsers) app.use(parser);
      const options = {
        appId: APP_ID,
        secret: SECRET,
        redis: redis(),
        baseUrl: wechat.baseUrl,
        session: false,
      } as const;
      app.use("/wx", wechatLogin({ ...options, findUser, saveUser }));
      return { wechat, url: await listen(createServer(app)) };
    }

    it("the parsed body counts", async () => {
      const { wechat, url } = await hostWith(express.json());
      const answer = await send(`${url}/wx/login`, JSON.stringify(wechat.phone({ unionid: "u1" }).login()));
      expect(answer.body).to.deep.equal({ status: "signed_in" });
    });

    it("a parser that left the body alone does not stand in the way", async () => {
      const { wechat, url } = await hostWith(express.json(), (req, _res, next) => {
        req.body ??= {};
        next();
      });
      const body = JSON.stringify(wechat.phone({ unionid: "u1" }).login());
      const answer = await send(`${url}/wx/login`, body, { "Content-Type": "text/plain" });
      expect(answer.body).to.deep.equal({ status: "signed_in" });
    });

    it("a body that someone swallowed is invalid and does not hang", async () => {
      const { url } = await hostWith(async (req, _res, next) => {
        for await (const _ of req);
        next();
      });
      await expectInvalid(send(`${url}/wx/login`, "{}"), /must be a JSON object/);
    });
  });

  it("a client that hangs up after it was refused harms nobody", async () => {
    const { wechat, post, url } = await startApp();
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname).setEncoding("utf8");
    const chunk = `5000\r\n${"x".repeat(0x5000)}\r\n`;
    socket.write(`POST /wx/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`);
    const [answer] = await once(socket, "data");
    expect(answer).to.match(/^HTTP\/1\.1 400/);
    // The body is not complete: its reader gets an error.
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await post("/wx/login", wechat.phone({ unionid: "u1" }).login())).status).to.equal(200);
  });
});
