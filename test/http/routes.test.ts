import { createServer } from "node:http";
import { expect } from "chai";
import express from "express";
import { behind, type MountableHandler, routes } from "../../lib/http/routes.ts";
import { wechatLogin } from "../../lib/index.ts";
import {
  APP_ID,
  listen,
  ownPrefix,
  redis,
  SECRET,
  startWechat,
  type TestBody,
  userTable,
} from "../support/login-app.ts";

const mounted = routes({
  "GET /": (_req, res) => res.end("root"),
  "POST /login": (_req, res) => res.end("login"),
});

describe("a router without a framework", () => {
  const requests: [method: string, path: string, text: string][] = [
    ["POST", "/login", "login"],
    ["POST", "/login?x=1", "login"],
    ["POST", "/login/", "login"],
    ["POST", "/LogIn/?x=/y", "login"],
    ["GET", "/", "root"],
    ["GET", "/?x=1", "root"],
    ["HEAD", "/", ""],
    ["GET", "/login", "the host"],
    ["HEAD", "/login", ""],
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
        const isHosts = text === "the host" || (path.startsWith("/login") && method === "HEAD");
        expect(answer.status, `${method} ${path}`).to.equal(isHosts ? 404 : 200);
      }
    });
  }

  it("runs what comes first for its own routes only, and passes its errors on", async () => {
    const seen: string[] = [];
    const first: MountableHandler = (req, _res, next) => {
      seen.push("first");
      next(req.headers.bad && new Error("bad"));
    };
    const handler = routes(behind(first, { "GET /": () => seen.push("handler") }));
    const ask = (url: string, headers = {}) =>
      handler({ method: "GET", url, headers } as never, {} as never, (error) => seen.push(`next ${error}`));
    await ask("/");
    await ask("/other");
    await ask("/", { bad: "1" });
    expect(seen).to.deep.equal(["first", "handler", "next undefined", "first", "next Error: bad"]);
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
    expect(await (await fetch(`${url}/wx/login`)).text()).to.equal("nothing here");
  });

  it("limits requests by the address of the connection", async () => {
    const { post } = await start({ rateLimit: { limit: 1, window: 60 } });
    expect((await post("/wx/login", { code: "c" })).status).to.equal(401);
    const refused = await post("/wx/login", { code: "c" });
    expect([refused.status, refused.body.error.code]).to.deep.equal([429, "rate_limited"]);
  });
});
