import crypto, { createHash } from "node:crypto";
import { once } from "node:events";
import { syncBuiltinESMExports } from "node:module";
import { connect } from "node:net";
import { expect } from "chai";
import sinon from "sinon";
import { errorBody } from "../support/error-body.ts";
import { atEnd, forEachStore, redis, send, startApp } from "../support/login-app.ts";

const LATER = { session: {} };

/** An app with someone signed in and someone who waits for the button. */
async function withTokens() {
  const app = await startApp(LATER);
  const { body } = await app.post("/wx/login", app.wechat.phone({ unionid: "u1" }).login());
  const phone = app.wechat.phone({ unionid: "u2", unionidAtLogin: false });
  const { temporaryToken } = (await app.post("/wx/login", phone.login())).body;
  const complete = (token: unknown, data: object = phone.getUserInfo()) =>
    app.post("/wx/login/complete", { temporaryToken: token, ...data });
  return { ...app, sessionToken: body.sessionToken, temporaryToken, phone, complete };
}

forEachStore("attacks", () => {
  it("a code is exchanged once: whoever has seen it gets nothing", async () => {
    const { wechat, post } = await startApp();
    const { code } = wechat.phone({ unionid: "u1" }).login();
    expect((await post("/wx/login", { code })).status).to.equal(200);
    const replayed = await post("/wx/login", { code });
    expect([replayed.status, replayed.body.error.code]).to.deep.equal([401, "invalid_code"]);
  });

  it("no key, no hash and no other kind of token is a token (key-space confusion)", async () => {
    const { keys, me, complete, sessionToken, temporaryToken, phone, users } = await withTokens();
    const hash = (text: string) => createHash("sha256").update(text).digest("base64url");
    const keyNames = await keys();
    const parts = keyNames.flatMap((key) => [key, ...key.split(":")]);
    const values = await Promise.all(keyNames.map((key) => redis().get(key)));
    const known = [
      phone.openid,
      "u2",
      hash(temporaryToken),
      hash(sessionToken.slice(0, 43)),
      ...parts,
      ...values,
    ];
    for (const text of [...known, sessionToken, sessionToken.slice(0, 43)]) {
      if (!text) continue;
      const { status, body } = await complete(text);
      expect([status, body.error.code].join(" "), text).to.match(
        /^(401 invalid_temporary_token|400 invalid_request)$/,
      );
    }
    for (const text of [...known, temporaryToken, `${temporaryToken}${sessionToken.slice(43)}`]) {
      if (!text || /[^\x20-\x7e]/.test(text)) continue;
      expect((await me(text)).status, text).to.equal(401);
    }
    expect(users).to.have.length(1);
    expect([(await me(sessionToken)).status, (await complete(temporaryToken)).status]).to.deep.equal([
      200, 200,
    ]);
  });

  it("no name in a body or in opened data reaches a prototype", async () => {
    const { url, complete, wechat, post, saveUser } = await withTokens();
    for (const text of [
      '{"__proto__":{"code":"x","polluted":1}}',
      '{"constructor":{"prototype":{"polluted":1}},"code":["x"]}',
      '{"__proto__":null}',
    ]) {
      expect((await send(`${url}/wx/login`, text)).body.error.code).to.equal("invalid_request");
    }
    const phone = wechat.phone({ unionidAtLogin: false });
    const asked = await post("/wx/login", phone.login());
    const bent = JSON.parse('{"__proto__":{"unionId":"evil","polluted":1},"constructor":{"unionId":"evil"}}');
    const { temporaryToken } = asked.body;
    const refused = await complete(temporaryToken, phone.getUserInfo(bent));
    expect(refused.body.error.code).to.equal("invalid_user_data");
    expect(saveUser.args.flat().some((user) => JSON.stringify(user).includes("evil"))).to.equal(false);
    expect(({} as { polluted?: unknown }).polluted).to.equal(undefined);
  });

  it("deep JSON and doubled names do no harm: the last one counts, and is asked once", async () => {
    const { url, wechat } = await startApp();
    for (const text of [
      "[".repeat(8000) + "]".repeat(8000),
      `{"code":${"[".repeat(7000)}${"]".repeat(7000)}}`,
      `${'{"a":'.repeat(2700)}1${"}".repeat(2700)}`,
    ]) {
      const { status, body } = await send(`${url}/wx/login`, text);
      expect([status, body.error.code]).to.deep.equal([400, "invalid_request"]);
    }
    expect(wechat.requests).to.deep.equal([]);
    await send(`${url}/wx/login`, '{"code":"first","code":"second"}');
    expect(wechat.requests.map(({ query }) => query.js_code)).to.deep.equal(["second"]);
  });

  for (const [what, headers] of [
    ["a length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked"],
    ["two lengths", "Content-Length: 5\r\nContent-Length: 60"],
    ["a length that is none", "Content-Length: +60"],
    ["chunks by another name", "Transfer-Encoding: xchunked"],
    ["a folded header", "Content-Length: 60\r\n Transfer-Encoding: chunked"],
    ["a blank before the colon", "Content-Length : 60"],
    ["a bare carriage return", "Content-Length: 60\rX: y"],
  ] as const) {
    it(`a request with ${what} ends there (smuggling): nothing behind it is answered`, async () => {
      const { url, wechat } = await startApp();
      const { hostname, port } = new URL(url);
      const socket = connect(Number(port), hostname).setEncoding("utf8");
      let answers = "";
      socket.on("data", (text) => {
        answers += text;
      });
      const hidden = 'POST /wx/login HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n\r\n{"code":"evil"}';
      socket.write(`POST /wx/login HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n0\r\n\r\n${hidden}`);
      socket.setTimeout(300, () => socket.destroy());
      await once(socket, "close");
      expect(answers.match(/HTTP\/1\.1 /g)?.length ?? 0).to.be.at.most(1);
      expect(answers).to.match(/^(HTTP\/1\.1 400|$)/);
      expect(wechat.requests.filter(({ query }) => query.js_code === "evil")).to.deep.equal([]);
    });
  }

  it("what a client sends starts no line of a log and no header", async () => {
    const onError = sinon.spy();
    const { wechat, post } = await startApp({ onError });
    const code = "x\r\n2026-11-24 root signed in\u2028\u001b[2J";
    wechat.bendNext({ body: JSON.stringify({ errcode: 1, errmsg: `what is ${code.slice(0, -1)}?` }) });
    const answer = await post("/wx/login", { code });
    expect(answer.body).to.deep.equal(errorBody("wechat_error", "WeChat answered with errcode 1.", 1));
    const { message, cause } = onError.firstCall.firstArg;
    for (const text of [message, cause.message]) expect(text).to.not.match(/[\p{Cc}\u2028\u2029]/u);
    expect([...answer.headers.values()].join()).to.not.include("root");
  });

  it("look-alikes are others: nothing is normalised on the way to a user", async () => {
    const { wechat, post, users } = await startApp();
    const ids = ["Admin", "admin", "аdmin", "ａdmin", "admin\u200b", "admin\u0000", "e\u0301", "\u00e9"];
    for (const unionid of ids) {
      expect((await post("/wx/login", wechat.phone({ unionid }).login())).body.status).to.equal("signed_in");
    }
    expect(users.map(({ unionid }) => unionid)).to.deep.equal(ids);
  });

  it("a NUL in any field is a character like any other, and ends nothing", async () => {
    const { wechat, post } = await startApp();
    await post("/wx/login", { code: "a\u0000&secret=b" });
    expect(wechat.requests[0]?.query.js_code).to.equal("a\u0000&secret=b");
    const answer = await post("/wx/login/complete", { temporaryToken: "\u0000".repeat(43), nickName: "a" });
    expect(answer.body.error.code).to.equal("invalid_temporary_token");
  });

  it("a signature is compared in constant time", async () => {
    const { wechat, post } = await startApp();
    const phone = wechat.phone({ unionid: "u1", unionidAtLogin: false });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    const data = phone.getUserInfo();
    const spy = sinon.spy(crypto, "timingSafeEqual");
    // Named imports of a built-in module follow it only when they are told to.
    syncBuiltinESMExports();
    atEnd(() => {
      spy.restore();
      syncBuiltinESMExports();
    });
    const signature = `${data.signature.slice(0, -1)}x`;
    const answer = await post("/wx/login/complete", { temporaryToken, ...data, signature });
    expect(answer.body.error.code).to.equal("invalid_user_data");
    expect(spy.args.map((given) => given.map(String))).to.deep.equal([[signature, data.signature]]);
  });
});
