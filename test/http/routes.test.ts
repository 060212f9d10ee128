import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import { expect } from "chai";
import express from "express";
import sinon from "sinon";
import { behind, type MountableHandler, routes } from "../../lib/http/routes.ts";
import { wechatLogin } from "../../lib/index.ts";
import { errorBody } from "../support/error-body.ts";
import {
  APP_ID,
  ask,
  listen,
  ownPrefix,
  redis,
  SECRET,
  startApp,
  startWechat,
  type TestBody,
  userTable,
} from "../support/login-app.ts";
import { startWebApp } from "../support/web-app.ts";

const mounted = routes(
  {
    "GET /": (_req, res) => res.end("root"),
    "POST /login": (_req, res) => res.end("login"),
    "GET /both": (_req, res) => res.end("get"),
    "POST /both": (_req, res) => res.end("post"),
  },
  (error, _req, res) => {
    res.statusCode = error.status;
    res.end(`${res.getHeader("Allow")}: ${error.code}`);
  },
);
const POST_ONLY = "POST: method_not_allowed";
const GET_ONLY = "GET, HEAD: method_not_allowed";

describe("a router without a framework", () => {
  it("takes a request whose line names the whole URL, as some proxies write it", async () => {
    const url = await listen(createServer(express().use("/wx", mounted)));
    for (const path of ["http://shop.example/wx/login", "HTTPS://shop.example:8080/wx/login/?x=/y"]) {
      const asked = request(url, { method: "POST", path }).end();
      const [answer] = (await once(asked, "response")) as [IncomingMessage];
      expect(String(await answer.setEncoding("utf8").toArray())).to.equal("login");
    }
  });

  const requests: [method: string, path: string, text: string][] = [
    ["POST", "/login", "login"],
    ["POST", "/login?x=1", "login"],
    ["POST", "/login/", "login"],
    ["POST", "/LogIn/?x=/y", "login"],
    ["GET", "/", "root"],
    ["GET", "/?x=1", "root"],
    ["HEAD", "/", ""],
    ["GET", "/both", "get"],
    ["POST", "/both", "post"],
    ["PUT", "/both", "GET, HEAD, POST: method_not_allowed"],
    ["GET", "/login", POST_ONLY],
    ["GET", "/LOGIN/?code=c", POST_ONLY],
    ["PUT", "/login", POST_ONLY],
    ["DELETE", "/login", POST_ONLY],
    ["HEAD", "/login", ""],
    ["POST", "/", GET_ONLY],
    ["OPTIONS", "/login", "the host"],
    ["OPTIONS", "/", "the host"],
    ["GET", "/login/x", "the host"],
    ["POST", "/login/x", "the host"],
    ["POST", "/__proto__", "the host"],
  ];
  for (const [where, server] of Object.entries({
    Express: createServer(
      express()
        .use("/wx", mounted)
        .use((_req, res) => res.status(404).end("the host")),
    ),
    "node:http": createServer((req, res) => {
      req.url = req.url?.slice("/wx".length);
      mounted(req, res, () => {
        res.statusCode = 404;
        res.end("the host");
      });
    }),
  })) {
    it(`finds by method and path who answers, on ${where}`, async () => {
      const url = await listen(server);
      for (const [method, path, text] of requests) {
        const answer = await fetch(`${url}/wx${path}`, { method });
        expect(await answer.text(), `${method} ${path}`).to.equal(text);
        const isRefused = method === "HEAD" ? path === "/login" : text.endsWith("method_not_allowed");
        const status = text === "the host" ? 404 : 200;
        expect(answer.status, `${method} ${path}`).to.equal(isRefused ? 405 : status);
      }
    });
  }

  it("runs what comes first for its own routes only, and passes its errors on", async () => {
    const seen: string[] = [];
    const first: MountableHandler = (req, _res, next) => {
      seen.push("first");
      next(req.headers.bad && new Error("bad"));
    };
    const handler = routes(behind(first, { "GET /": () => seen.push("handler") }), () => {});
    const ask = (url: string, headers = {}) =>
      handler({ method: "GET", url, headers } as never, {} as never, (error) => seen.push(`next ${error}`));
    await ask("/");
    await ask("/other");
    await ask("/", { bad: "1" });
    expect(seen).to.deep.equal(["first", "handler", "next undefined", "first", "next Error: bad"]);
  });
});

describe("another method on a route of ours", () => {
  const expected = (method: string, allowed: string) =>
    errorBody(
      "method_not_allowed",
      `${method} is the wrong method here: send ${allowed}. (wx.request sends GET where no method is given.)`,
    );

  it("is answered 405 in JSON, whatever is sent, and the host is told", async () => {
    const onError = sinon.spy();
    const { url, wechat } = await startApp({ session: {}, onError });
    for (const path of ["/login", "/login/complete", "/profile", "/logout"]) {
      for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
        const answer = await ask(`${url}/wx${path}?code=c`, { method });
        expect([answer.status, answer.body], path).to.deep.equal([405, expected(method, "POST")]);
        expect([answer.headers.get("allow"), answer.headers.get("cache-control")]).to.deep.equal([
          "POST",
          "no-store",
        ]);
      }
    }
    expect(onError.args.map(([{ code }]) => code)).to.deep.equal(Array(16).fill("method_not_allowed"));
    expect(wechat.requests).to.deep.equal([]);
  });

  it("is answered 405 by the web login, too", async () => {
    const { url } = await startWebApp();
    for (const [path, method, allow] of [
      ["/web", "POST", "GET, HEAD"],
      ["/web/callback", "POST", "GET, HEAD"],
      ["/web/embed", "PUT", "GET, HEAD"],
      ["/web/logout", "GET", "POST"],
    ] as const) {
      const answer = await ask(url + path, { method });
      expect([answer.status, answer.body]).to.deep.equal([
        405,
        expected(method, allow.slice(0, 4).replace(",", "")),
      ]);
      expect(answer.headers.get("allow")).to.equal(allow);
    }
  });

  it("is the host's where there is no such route: without sessions there is no /profile", async () => {
    const { url } = await startApp({ session: false });
    for (const path of ["/profile", "/logout"])
      expect((await fetch(`${url}/wx${path}`)).status).to.equal(404);
  });

  it("is the host's where the login has no path of its own: it may have a page at /login", async () => {
    const { wx } = await startApp();
    const app = express()
      .use(wx)
      .get("/login", (_req, res) => res.end("a page"));
    const url = await listen(createServer(app));
    expect(await (await fetch(`${url}/login`)).text()).to.equal("a page");
    expect((await fetch(`${url}/login`, { method: "POST", body: "{}" })).status).to.equal(400);
  });
});

describe("the login on node:http, without Express", () => {
  async function start(options = {}) {
    const wechat = await startWechat();
    const { findUser, saveUser } = userTable();
    const common = {
      appId: APP_ID,
      secret: SECRET,
      redis: redis(),
      findUser,
      saveUser,
      keyPrefix: ownPrefix(),
    };
    const wx = wechatLogin({ ...common, baseUrl: wechat.baseUrl, ...options });
    const url = await listen(
      createServer((req, res) => {
        const isMe = req.url === "/me";
        const handle = isMe ? wx.requireLogin : wx;
        if (!isMe) req.url = req.url?.slice("/wx".length);
        handle(req, res, () => res.end(isMe ? JSON.stringify(wx.userOf(req)) : "nothing here"));
      }),
    );
    const post = async (path: string, body: object) => {
      const answer = await fetch(url + path, { method: "POST", body: JSON.stringify(body) });
      return { status: answer.status, headers: answer.headers, body: (await answer.json()) as TestBody };
    };
    return { wechat, url, post };
  }

  it("signs a user in, and guards a route", async () => {
    const { wechat, url, post } = await start();
    const phone = wechat.phone({ openid: "o1", unionid: "u1", unionidAtLogin: false });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    const { body, headers } = await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
    expect(body.status).to.equal("signed_in");
    expect(headers.get("ratelimit")).to.match(/^"wechat-login"; r=998; t=\d+$/);
    const me = await fetch(`${url}/me`, { headers: { Authorization: `Bearer ${body.sessionToken}` } });
    expect(await me.json()).to.include({ openid: "o1", unionid: "u1" });
    expect((await fetch(`${url}/me`)).status).to.equal(401);
    expect(await (await fetch(`${url}/wx/other`)).text()).to.equal("nothing here");
  });

  it("limits requests by the address of the connection", async () => {
    const { post } = await start({ rateLimit: { limit: 1, window: 60 } });
    expect((await post("/wx/login", { code: "c" })).status).to.equal(401);
    const refused = await post("/wx/login", { code: "c" });
    expect([refused.status, refused.body.error.code]).to.deep.equal([429, "rate_limited"]);
  });
});
