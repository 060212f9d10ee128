import { once } from "node:events";
import { createServer, request } from "node:http";
import { connect as connectByHttp2, createServer as createHttp2Server } from "node:http2";
import { connect } from "node:net";
import { expect } from "chai";
import express from "express";
import session from "express-session";
import sinon from "sinon";
import type { MountableHandler } from "../../lib/http/routes.ts";
import { wechatLogin } from "../../lib/index.ts";
import { errorBody } from "../support/error-body.ts";
import {
  APP_ID,
  atEnd,
  listen,
  ownPrefix,
  redis,
  SECRET,
  startApp,
  startWechat,
  userTable,
} from "../support/login-app.ts";

const EVIL = "https://evil.example";
const MESSAGE =
  "The request comes from another website: only a Mini Program and pages of this host may log in.";
const PHONE = `https://servicewechat.com/${APP_ID}/12/page-frame.html`;
const DEVTOOLS = `https://servicewechat.com/${APP_ID}/devtools/page-frame.html`;

type Headers = Record<string, string | string[]>;

/** A host with a session cookie of its own, as in the README's recipe. */
async function startHost({ trustProxy = false }: { trustProxy?: boolean } = {}) {
  const wechat = await startWechat();
  const onError = sinon.spy();
  const app = express();
  if (trustProxy) app.set("trust proxy", 1);
  app.use(session({ secret: "keyboard", resave: false, saveUninitialized: false }));
  const { findUser, saveUser, users } = userTable();
  const login: MountableHandler = wechatLogin({
    appId: APP_ID,
    secret: SECRET,
    redis: redis(),
    keyPrefix: ownPrefix(),
    baseUrl: wechat.baseUrl,
    session: false,
    rateLimit: false,
    findUser,
    saveUser,
    onError,
    onLogin: (user, { req }) => void Object.assign(req.session ?? {}, { unionid: user.unionid }),
  });
  app.use("/wx", login);
  const url = await listen(createServer(app));
  /** What a browser, a Mini Program or a script sends; fetch would not send headers such as Host. */
  const post = (path: string, body: string | object, headers: Headers = {}) =>
    postTo(url, path, typeof body === "string" ? body : JSON.stringify(body), headers);
  return { wechat, login, url, host: new URL(url).host, post, users, onError };
}

async function postTo(url: string, path: string, body: string, headers: Headers) {
  return await new Promise<{ status: number | undefined; body: unknown; setCookie: string[] }>(
    (resolve, reject) => {
      const req = request(url + path, { method: "POST", headers }, async (res) => {
        const chunks: Buffer[] = [];
        for await (const chunk of res) chunks.push(chunk);
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: res.statusCode,
          body: JSON.parse(text),
          setCookie: res.headers["set-cookie"] ?? [],
        });
      });
      req.on("error", reject).end(body);
    },
  );
}

/** What a browser sends with another website's form. */
const ATTACKS: Record<string, Headers> = {
  "a form of another website": { Origin: EVIL, Referer: `${EVIL}/`, "Sec-Fetch-Site": "cross-site" },
  "a form on plain HTTP, or of an older browser": { Origin: EVIL, Referer: `${EVIL}/` },
  "a form that sends no Referer": { Origin: "null", "Sec-Fetch-Site": "cross-site" },
  "a sandboxed frame in an older browser": { Origin: "null" },
  "a page of a subdomain": { Origin: "https://evil.127.0.0.1.nip.io", "Sec-Fetch-Site": "same-site" },
  "a browser that tells the site only": { "Sec-Fetch-Site": "cross-site" },
  "a site that is unknown to us": { "Sec-Fetch-Site": "cross-origin" },
  "two sites": { "Sec-Fetch-Site": ["same-origin", "cross-site"] },
  "an origin against what the browser says of the site": { "Sec-Fetch-Site": "none", Origin: EVIL },
  "an origin that is no URL": { Origin: "evil.example" },
  "an empty origin": { Origin: "" },
  "two origins": { Origin: `${EVIL}, https://servicewechat.com` },
  "WeChat's origin without its Referer": { Origin: "https://servicewechat.com" },
};

/** What looks like a Mini Program's Referer and is another website's. */
const REFERERS = [
  "https://servicewechat.com.evil.example/",
  "https://servicewechat.com@evil.example/",
  "https://servicewechat.com:x@evil.example/",
  "https://servicewechat.com:444/",
  "https://servicewechat.com\\@evil.example/",
  "https://evil.example/https://servicewechat.com/",
  "https://evil.example/?https://servicewechat.com/",
  "https://user@servicewechat.com/",
  "https://evil.servicewechat.com/",
  "https://servicewechat.comx/",
  "http://servicewechat.com/",
  "https://servicewechat.com",
  "https:/servicewechat.com/",
  "//servicewechat.com/",
  " servicewechat.com/",
];

describe("a host with a cookie of its own (session: false)", () => {
  for (const [name, headers] of Object.entries(ATTACKS)) {
    it(`refuses ${name}: nobody is signed in, no code and no token is used up`, async () => {
      const { wechat, post, users, onError } = await startHost();
      const attacker = wechat.phone({ unionid: "attacker", unionidAtLogin: false });
      const { code } = attacker.login();
      const pending = (await post("/wx/login", { code })).body as { temporaryToken: string };
      const completion = { temporaryToken: pending.temporaryToken, ...attacker.getUserInfo() };
      // The field's name and value are put together as name=value: JSON, with the equals sign inside a string.
      const form = `{"code":"${wechat.phone({ unionid: "other" }).login().code}","x":"="}\r\n`;
      const asked = wechat.requests.length;
      const sent = { "Content-Type": "text/plain", ...headers };
      for (const answer of [
        await post("/wx/login", form, sent),
        await post("/wx/login/complete", completion, sent),
      ]) {
        expect(answer).to.deep.equal({ status: 403, body: errorBody("cross_site", MESSAGE), setCookie: [] });
      }
      expect([wechat.requests.length, users.length]).to.deep.equal([asked, 0]);
      expect(onError.args.map(([{ code }]) => code)).to.deep.equal(["cross_site", "cross_site"]);
      expect((await post("/wx/login", form)).body).to.deep.equal({ status: "signed_in" });
      expect((await post("/wx/login/complete", completion)).body).to.deep.equal({ status: "signed_in" });
    });
  }

  for (const Referer of REFERERS) {
    it(`takes no request with the Referer ${Referer} for a Mini Program's`, async () => {
      const { wechat, post } = await startHost();
      for (const headers of [{ "Sec-Fetch-Site": "cross-site" }, { Origin: EVIL }] as Headers[]) {
        const answer = await post("/wx/login", wechat.phone({ unionid: "u1" }).login(), {
          Referer,
          ...headers,
        });
        expect(answer.status).to.equal(403);
      }
    });
  }

  it("quotes no control characters and no long headers to the operator", async () => {
    const { post, onError } = await startHost();
    const long = `\u009b31m\u0085x${"y".repeat(300)}`;
    await post("/wx/login", {}, { Origin: long, "Sec-Fetch-Site": long, Host: long });
    const quoted = /^Origin: \P{Cc}{190,200}, Sec-Fetch-Site: \P{Cc}{190,200}, Host: \P{Cc}{190,200}$/u;
    expect(onError.firstCall.firstArg.cause.message).to.match(quoted);
  });

  it("tells the operator which headers have decided", async () => {
    const { post, host, onError } = await startHost();
    await post("/wx/login", {}, { Origin: EVIL, "Sec-Fetch-Site": "same-site" });
    await post("/wx/login", {}, { Origin: "null" });
    expect(onError.args.map(([{ cause }]) => cause.message)).to.deep.equal([
      `Origin: ${EVIL}, Sec-Fetch-Site: same-site, Host: ${host}`,
      `Origin: null, Sec-Fetch-Site: absent, Host: ${host}`,
    ]);
  });

  it("signs in phones, DevTools, programs, and its own pages", async () => {
    const { wechat, post, url, host } = await startHost();
    const devtools = { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty" };
    const honest: Record<string, Headers> = {
      "a phone": { Referer: PHONE },
      "the DevTools": { Referer: DEVTOOLS, ...devtools },
      "DevTools that send an Origin, too": {
        Referer: DEVTOOLS,
        Origin: "http://127.0.0.1:25629",
        ...devtools,
      },
      "curl, or wx.request without a Referer": {},
      "an own page": { Origin: url, "Sec-Fetch-Site": "same-origin", Referer: `${url}/` },
      "an own page in an older browser": { Origin: url },
      "an own page behind HTTPS": { Origin: `https://${host}` },
      "an own page behind a proxy that changes Host": {
        Origin: "https://shop.example",
        "Sec-Fetch-Site": "same-origin",
      },
      "an own page behind a proxy that leaves the port out of Host": {
        Origin: "http://shop.test:8080",
        Host: "shop.test",
      },
      "an own page whose Host names the usual port": { Origin: "https://shop.test", Host: "Shop.Test:443" },
      "what a person has typed": { "Sec-Fetch-Site": "none" },
    };
    for (const [name, headers] of Object.entries(honest)) {
      const phone = wechat.phone({ unionid: name.replaceAll(/\W/g, "-"), unionidAtLogin: false });
      const { body } = await post("/wx/login", phone.login(), headers);
      const { temporaryToken } = body as { temporaryToken: string };
      const answer = await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() }, headers);
      expect([name, answer.status, answer.body]).to.deep.equal([name, 200, { status: "signed_in" }]);
    }
  });

  it("compares an Origin with its own host and nothing less", async () => {
    const { post } = await startHost();
    for (const [Origin, Host] of [
      ["http://shop.test:8081", "shop.test:8080"],
      ["http://shop.test", "shop.test:8080"],
      ["http://shop.test.evil.example", "shop.test"],
      ["http://evil.example", "shop.test/evil.example"],
      ["http://test", "shop.test"],
      ["http://shop.test", "x y"],
    ] as const) {
      expect([Origin, Host, (await post("/wx/login", {}, { Origin, Host })).status]).to.deep.equal([
        Origin,
        Host,
        403,
      ]);
    }
  });

  it("takes no origin for its own if the request names no host (HTTP/1.0)", async () => {
    const { url, onError } = await startHost();
    for (const origin of ["http://undefined", "http://absent", "http://"]) {
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      socket.write(`POST /wx/login HTTP/1.0\r\nOrigin: ${origin}\r\nContent-Length: 2\r\n\r\n{}`);
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk);
      expect(Buffer.concat(chunks).toString()).to.match(/^HTTP\/1\.1 403 /);
    }
    expect(onError.firstCall.firstArg.cause.message).to.equal(
      "Origin: http://undefined, Sec-Fetch-Site: absent, Host: absent",
    );
  });

  it("knows its own pages by HTTP/2, which has no Host", async () => {
    const { wechat, login } = await startHost();
    const server = createHttp2Server((req, res) => {
      // The handlers use nothing that differs from HTTP/1.
      void (login as (...given: unknown[]) => unknown)(req, res, (error: unknown) => res.end(String(error)));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address() as { port: number };
    const own = `http://127.0.0.1:${address.port}`;
    const client = connectByHttp2(own);
    atEnd(() => server.close());
    atEnd(() => client.close());
    for (const [origin, status] of [
      [own, 200],
      [EVIL, 403],
      ["file://", 403],
    ] as const) {
      const asked = client.request({ ":method": "POST", ":path": "/login", origin });
      asked.end(JSON.stringify(wechat.phone({ unionid: "u1" }).login()));
      const [headers] = await once(asked, "response");
      asked.resume();
      expect([origin, headers[":status"]]).to.deep.equal([origin, status]);
    }
  });

  it("believes X-Forwarded-Host and -Proto of a proxy that Express trusts, and of nobody else", async () => {
    const forwarded = { Origin: "https://shop.example", "X-Forwarded-Host": "shop.example" };
    const secure = { "X-Forwarded-Proto": "https" };
    for (const [trustProxy, headers, status] of [
      [true, forwarded, 400],
      [true, { ...forwarded, Host: "shop.example.cluster.local:3000" }, 400],
      [true, { ...forwarded, Host: "shop.example:3000" }, 403],
      [true, { ...forwarded, Host: "[::1]:3000", "X-Forwarded-Host": "[::1]" }, 403],
      [true, { ...forwarded, ...secure }, 400],
      [true, { ...forwarded, ...secure, Origin: "http://shop.example" }, 403],
      [true, { ...forwarded, Origin: EVIL }, 403],
      [false, forwarded, 403],
    ] as const) {
      const { post } = await startHost({ trustProxy });
      expect([headers, (await post("/wx/login", {}, headers)).status]).to.deep.equal([headers, status]);
    }
  });
});

describe("a login with sessions of ours", () => {
  it("asks no request where it comes from: another website can send no token, and gets no cookie", async () => {
    const { url, wechat } = await startApp({ session: {} });
    const body = JSON.stringify(wechat.phone({ unionid: "u1" }).login());
    const answer = await postTo(url, "/wx/login", body, { Origin: EVIL, "Sec-Fetch-Site": "cross-site" });
    expect([answer.status, answer.setCookie]).to.deep.equal([200, []]);
  });
});
