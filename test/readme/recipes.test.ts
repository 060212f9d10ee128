import { channel as diagnosticsChannel, tracingChannel } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { expect } from "chai";
import express from "express";
import session from "express-session";
import { jwtVerify, SignJWT } from "jose";
import passport from "passport";
import { Histogram, register } from "prom-client";
import sinon from "sinon";
import { Agent, request } from "undici";
import { type Identity, type WechatLoginOptions, wechatLogin, wechatWebLogin } from "../../lib/index.ts";
import { type WechatSimulator, wechatSimulator } from "../../lib/simulator/index.ts";
import { browserOf } from "../support/browser.ts";
import {
  APP_ID,
  ask,
  atEnd,
  listen,
  ownPrefix,
  redis,
  SECRET,
  send,
  startWechat,
  type TestUser,
  userTable,
} from "../support/login-app.ts";
import { OFFICIAL_ACCOUNT, WEBSITE } from "../support/web-app.ts";

const LOGIN_REQUIRED = { error: { code: "login_required", message: "Log in again." } };

type Callbacks = Pick<WechatLoginOptions<TestUser, readonly []>, "findUser" | "saveUser">;

/** The README's block of JavaScript that begins with this comment, without it. */
function blockOf(comment: string): string {
  const block = new RegExp(`\`\`\`js\\n// ${comment}\\n([\\s\\S]*?)\`\`\``);
  const code = block.exec(readFileSync("README.md", "utf8"))?.[1];
  if (!code) throw new Error(`README.md has no block ${comment}`);
  return code;
}

/** The callbacks of the quick start's server, as they stand there. */
function quickStartCallbacks(): Callbacks {
  let callbacks: Callbacks | undefined;
  const given = {
    express: () => ({ use() {}, get() {}, listen() {} }),
    wechatLogin: (options: Callbacks) => {
      callbacks = options;
      return {};
    },
    process: { env: {} },
  };
  const body = blockOf("server.js").replaceAll(/^import .*\n/gm, "");
  new Function(...Object.keys(given), `"use strict"; ${body}`)(...Object.values(given));
  if (!callbacks) throw new Error("The quick start makes no login.");
  return callbacks;
}

/** Runs the README's recipe of this name in a host, as it stands there; its imports are given as they are called. */
async function host(
  recipe: string,
  {
    hidesOpenid = false,
    callbacks = {},
    env = {},
    ...more
  }: {
    hidesOpenid?: boolean;
    callbacks?: Partial<Callbacks>;
    require?: [];
    env?: Record<string, string>;
  } = {},
) {
  const code = blockOf(`recipe: ${recipe}`);
  const apps = { officialAccount: OFFICIAL_ACCOUNT, website: WEBSITE };
  const wechat = await wechatSimulator({ appId: APP_ID, secret: SECRET, ...apps });
  atEnd(() => wechat.close());
  const { saveUser, users, ...table } = userTable();
  const findUser = async (identity: Identity) => {
    const user = await table.findUser(identity);
    if (!user || !hidesOpenid) return user;
    // As those of docs/databases.md: no appId, and an openid only of the app that was asked for.
    const { appId, openid, ...others } = user;
    return { ...others, openid: appId === identity.appId ? openid : null };
  };
  const keyPrefix = ownPrefix();
  const app = express();
  const server = createServer(app);
  const url = await listen(server);
  const callbackUrl = `${url}/web/callback`;
  const place = { keyPrefix, baseUrl: wechat.baseUrl, ...more };
  const own = { findUser, saveUser, ...callbacks };
  const options = { appId: APP_ID, secret: SECRET, redis: redis(), ...own };
  // One WeChat knows all apps; of the simulators each Mini Program has its own.
  const others: Record<string, WechatSimulator> = {};
  for (const appId of ["wxshop", "wxgame"]) others[appId] = await startWechat({ appId, secret: appId });
  const given = {
    app,
    options,
    webOptions: { website: WEBSITE, callbackUrl, redis: redis(), ...own },
    wechatLogin: (given: typeof options) =>
      wechatLogin({ ...place, ...given, baseUrl: others[given.appId]?.baseUrl ?? wechat.baseUrl }),
    wechatWebLogin: (given: Parameters<typeof wechatWebLogin>[0]) =>
      wechatWebLogin({ ...place, authorizeBaseUrl: wechat.baseUrl, ...given }),
    // One of its own: it would ask the users of another test's host.
    passport: new passport.Passport(),
    ...{ session, jwtVerify, SignJWT, tracingChannel, context, SpanStatusCode, trace },
    ...{ Histogram, register, Agent, request },
    // The recipe's handler takes the place of the Express app, on the same port.
    createServer: (handler: RequestListener) => ({
      listen: () => server.removeAllListeners("request").on("request", handler),
    }),
    process: {
      env: {
        PUBLIC_URL: url,
        JWT_SECRET: "0123456789abcdef0123456789abcdef",
        SESSION_SECRET: "keyboard",
        SHOP_SECRET: "wxshop",
        GAME_SECRET: "wxgame",
        WEBSITE_APP_ID: WEBSITE.appId,
        WEBSITE_SECRET: WEBSITE.secret,
        OFFICIAL_APP_ID: OFFICIAL_ACCOUNT.appId,
        OFFICIAL_SECRET: OFFICIAL_ACCOUNT.secret,
        ...env,
      },
    },
  };
  const body = code.replaceAll(/^import .*\n/gm, "");
  new Function(...Object.keys(given), `"use strict"; { ${body} }`)(...Object.values(given));
  const phone = wechat.phone({ unionid: "u1" });
  const login = (headers: Record<string, string> = {}) =>
    send(`${url}/wx/login`, JSON.stringify(phone.login()), headers);
  const me = (headers: Record<string, string>) => ask(`${url}/me`, { headers });
  return { app, login, me, url, wechat, others, phone, users, browser: browserOf(url), options };
}

describe("the README's recipes", () => {
  it("jwt: a token of the host's own, and no session of ours", async () => {
    const { login, me } = await host("jwt");
    const { body } = await login();
    expect(body).to.have.all.keys("status", "token");
    expect((await me({ Authorization: `Bearer ${body.token}` })).body).to.deep.equal({ unionid: "u1" });
    const [head, payload] = String(body.token).split(".");
    const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.`;
    for (const forged of ["", "x", none, `${head}.${payload}.AAAA`]) {
      const answer = await me({ Authorization: `Bearer ${forged}` });
      expect([answer.status, answer.body]).to.deep.equal([401, LOGIN_REQUIRED]);
    }
  });

  it("node:http: the login and the guard without Express", async () => {
    const { login, me, url } = await host("node:http");
    const { body, headers } = await login();
    expect(headers.get("x-powered-by")).to.equal(null);
    expect((await me({ Authorization: `Bearer ${body.sessionToken}` })).body).to.include({ unionid: "u1" });
    expect((await me({})).status).to.equal(401);
    for (const path of ["/", "/wx/", "/wx/other"]) expect((await fetch(url + path)).status).to.equal(404);
  });

  it("express-session: a cookie, under an id that is new with the login", async () => {
    const { login, me } = await host("express-session");
    const { body, headers } = await login();
    expect(body).to.deep.equal({ status: "signed_in" });
    const cookie = cookieIn(headers);
    expect((await me({ Cookie: cookie })).body).to.deep.equal({ unionid: "u1" });
    expect((await me({})).body).to.deep.equal(LOGIN_REQUIRED);
    const again = await login({ Cookie: cookie });
    expect(cookieIn(again.headers)).to.not.equal(cookie);
    expect((await me({ Cookie: cookie })).status).to.equal(401);
  });

  for (const recipe of ["express-session", "passport"]) {
    it(`${recipe}: no form of another website brings the cookie along, and in production no plain HTTP`, async () => {
      const lax = await (await host(recipe)).login();
      expect(lax.headers.get("set-cookie")).to.match(/; Path=\/; HttpOnly; SameSite=Lax$/);
      const { app, login } = await host(recipe, { env: { NODE_ENV: "production" } });
      app.set("trust proxy", 1);
      const secure = await login({ "X-Forwarded-Proto": "https" });
      expect(secure.headers.get("set-cookie")).to.match(/; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
      expect((await login()).headers.get("set-cookie")).to.equal(null);
    });

    it(`${recipe}: another website signs nobody in`, async () => {
      const { login } = await host(recipe);
      const { status, body, headers } = await login({ Origin: "https://evil.example" });
      expect([status, body.error.code, headers.get("set-cookie")]).to.deep.equal([403, "cross_site", null]);
    });
  }

  it("passport: req.login signs in, in the Mini Program and on the website, under a new id", async () => {
    const { login, me, browser, phone, users, options } = await host("passport", { hidesOpenid: true });
    const { body, headers } = await login();
    expect(body).to.deep.equal({ status: "signed_in" });
    const cookie = cookieIn(headers);
    expect((await me({ Cookie: cookie })).body).to.deep.equal({ unionid: "u1" });
    expect(cookieIn((await login({ Cookie: cookie })).headers)).to.not.equal(cookie);
    expect((await me({ Cookie: cookie })).status).to.equal(401);

    const back = await browser.open(phone.authorize(await browser.start("?returnTo=/orders")));
    expect([back.status, back.location]).to.deep.equal([302, "/orders"]);
    expect((await browser.me()).body).to.deep.equal({ unionid: "u1" });
    expect(users).to.have.length(1);
    // A user who is gone is signed in no longer.
    users.splice(0);
    expect(await options.findUser({ appId: APP_ID, openid: phone.openid })).to.equal(undefined);
    expect((await browser.me()).body).to.deep.equal(LOGIN_REQUIRED);
  });

  it("passport: finds again who has an openid and no unionid", async () => {
    const { url, wechat, me, users } = await host("passport", { hidesOpenid: true, require: [] });
    const { headers } = await send(`${url}/wx/login`, JSON.stringify(wechat.phone({}).login()));
    expect((await me({ Cookie: cookieIn(headers) })).status).to.equal(200);
    expect(users).to.have.length(1);
  });

  it("web: one guard takes the website's cookie and the Mini Program's token", async () => {
    const { login, me, browser, phone, users } = await host("web");
    const { sessionToken } = (await login()).body;
    expect((await me({ Authorization: `Bearer ${sessionToken}` })).body).to.deep.equal({ unionid: "u1" });
    const back = await browser.open(phone.authorize(await browser.start("?returnTo=/orders")));
    expect(back.location).to.equal("/orders");
    expect((await browser.me()).body).to.deep.equal({ unionid: "u1" });
    expect((await me({})).status).to.equal(401);
    expect(users).to.have.length(1);
  });

  for (const recipe of ["web", "passport", "several apps"]) {
    it(`${recipe}: with the quick start's own callbacks one person has one account, also without a unionid at first`, async () => {
      const { findUser, ...table } = quickStartCallbacks();
      const saveUser = sinon.spy(table.saveUser);
      const { url, phone, browser, wechat } = await host(recipe, { callbacks: { findUser, saveUser } });
      await browser.open(phone.authorize(await browser.start()));
      const onWebsite = saveUser.lastCall.args[0];
      await saveUser({ ...onWebsite, phoneNumber: "10012345678" });
      const shy = wechat.phone({ unionid: "u1", unionidAtLogin: false });
      const path = recipe === "several apps" ? undefined : "/wx";
      if (path) {
        const { temporaryToken } = (await send(`${url}${path}/login`, JSON.stringify(shy.login()))).body;
        const body = { temporaryToken, ...shy.getUserInfo() };
        const { status } = await send(`${url}${path}/login/complete`, JSON.stringify(body));
        expect(status).to.equal(200);
        const again = (await send(`${url}${path}/login`, JSON.stringify(shy.login()))).body;
        expect(again.status, "found by the openid alone").to.equal("signed_in");
      } else await saveUser({ appId: "wxshop", openid: shy.openid, unionid: "u1" });
      for (const identity of [onWebsite, { appId: APP_ID, openid: shy.openid }]) {
        const { appId: _any, ...user } = (await findUser(identity)) as TestUser;
        expect(user).to.deep.equal({
          ...{ unionid: "u1", phoneNumber: "10012345678", openid: identity.openid },
          ...{ nickName: onWebsite.nickName, avatarUrl: onWebsite.avatarUrl },
        });
      }
      expect(await findUser({ appId: APP_ID, openid: "nobody" })).to.equal(undefined);
    });
  }

  it("several apps: two Mini Programs and a website never see each other's tokens", async () => {
    const { url, others, phone, browser, users } = await host("several apps");
    const sessions: Record<string, string> = {};
    const pending: Record<string, { temporaryToken: string; data: object }> = {};
    const post = (path: string, body: object) => send(url + path, JSON.stringify(body));
    for (const name of ["shop", "game"]) {
      const app = others[`wx${name}`] as WechatSimulator;
      const { sessionToken } = (await post(`/${name}/login`, app.phone({ unionid: "u1" }).login())).body;
      sessions[name] = sessionToken;
      const stranger = app.phone({ unionid: "u2", unionidAtLogin: false });
      const { temporaryToken } = (await post(`/${name}/login`, stranger.login())).body;
      pending[name] = { temporaryToken, data: stranger.getUserInfo() };
    }
    const callback = new URL(phone.authorize((await browser.open("/web")).location));
    await browser.open(callback.pathname + callback.search);
    sessions.web = String(browser.sessionToken());
    for (const [name, token] of Object.entries(sessions)) {
      for (const place of ["shop", "game", "web"]) {
        const answer = await ask(`${url}/${place}/me`, { headers: { Authorization: `Bearer ${token}` } });
        expect([name, place, answer.status]).to.deep.equal([name, place, name === place ? 200 : 401]);
      }
    }
    for (const [name, other] of [
      ["shop", "game"],
      ["game", "shop"],
    ] as const) {
      const { temporaryToken, data } = pending[name] as { temporaryToken: string; data: object };
      const foreign = await post(`/${other}/login/complete`, { temporaryToken, ...data });
      expect(foreign.body.error.code).to.equal("invalid_temporary_token");
      const own = await post(`/${name}/login/complete`, { temporaryToken, ...data });
      expect(own.body.status).to.equal("signed_in");
    }
    // One database: the same two people everywhere.
    expect(users.map(({ unionid }) => unionid)).to.deep.equal(["u1", "u2"]);
  });

  it("opentelemetry: a span for each request to WeChat, command and callback", async () => {
    const exporter = new InMemorySpanExporter();
    trace.setGlobalTracerProvider(
      new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
    );
    atEnd(() => trace.disable());
    await loginBeside(await host("opentelemetry"));
    const spans = exporter.getFinishedSpans();
    expect(spans.map(({ name, status }) => [name, status.code])).to.deep.equal([
      ["store count", SpanStatusCode.UNSET],
      ["wechat /sns/jscode2session", SpanStatusCode.UNSET],
      ["host findUser", SpanStatusCode.UNSET],
      ["host saveUser", SpanStatusCode.UNSET],
      ["store setMember", SpanStatusCode.UNSET],
      ["store count", SpanStatusCode.UNSET],
      ["wechat /sns/jscode2session", SpanStatusCode.UNSET],
    ]);
    expect(spans.at(-1)?.attributes).to.deep.equal({ "wechat.errcode": 40029 });
  });

  it("prometheus: a histogram of what logins wait for", async () => {
    atEnd(() => register.clear());
    const app = await host("prometheus");
    await loginBeside(app);
    const metrics = await (await fetch(`${app.url}/metrics`)).text();
    expect(metrics).to.include(
      'wechat_login_seconds_count{kind="wechat",name="/sns/jscode2session",outcome="ok"} 2',
    );
    expect(metrics).to.include('wechat_login_seconds_count{kind="host",name="saveUser",outcome="ok"} 1');
  });
});

describe("the README's recipe undici", () => {
  it("asks WeChat by undici, and its answer is bounded as node-fetch's is", async () => {
    const { login, wechat } = await host("undici");
    const asked: string[] = [];
    const channel = diagnosticsChannel("undici:request:create");
    const listener = (message: unknown) =>
      asked.push((message as { request: { path: string } }).request.path);
    channel.subscribe(listener);
    atEnd(() => channel.unsubscribe(listener));
    expect((await login()).body.status).to.equal("signed_in");
    expect(asked.filter((path) => path.startsWith("/sns/jscode2session"))).to.have.length(1);
    wechat.bendNext({ body: JSON.stringify({ text: "x".repeat(1024 * 1024) }) });
    expect((await login()).body.error.code).to.equal("wechat_unavailable");
  });
});

/** A good login and a bad one, in an app of its own. */
async function loginBeside({ options, wechat }: Awaited<ReturnType<typeof host>>): Promise<void> {
  const app = express();
  app.use("/wx", wechatLogin({ ...options, baseUrl: wechat.baseUrl, keyPrefix: ownPrefix() }));
  const url = await listen(createServer(app));
  for (const body of [wechat.phone({ unionid: "u1" }).login(), { code: "unknown" }]) {
    await send(`${url}/wx/login`, JSON.stringify(body));
  }
}

function cookieIn(headers: Headers): string {
  return String(headers.get("set-cookie")).split(";")[0] ?? "";
}
