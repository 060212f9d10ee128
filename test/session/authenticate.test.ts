import { createServer, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { expect } from "chai";
import express from "express";
import sinon from "sinon";
import { type Requirement, WechatLoginError, type WechatLoginOptions, wechatLogin } from "../../lib/index.ts";
import { errorBody } from "../support/error-body.ts";
import {
  APP_ID,
  ask,
  listen,
  ownPrefix,
  redis,
  SECRET,
  send,
  startApp,
  startWechat,
  type TestUser,
  userTable,
} from "../support/login-app.ts";
import { startWebApp } from "../support/web-app.ts";

const LOGIN_REQUIRED = errorBody("login_required", "Nobody is signed in: log in again.");
const identity = { appId: APP_ID, openid: "o1", unionid: "u1" };

/** Somebody who is signed in, and requests as Node has them. */
async function signedIn(options: Parameters<typeof startApp>[0] = {}) {
  const app = await startApp({ session: undefined, ...options });
  const token = (await app.post("/wx/login", app.wechat.phone({ openid: "o1", unionid: "u1" }).login())).body
    .sessionToken;
  return { ...app, token };
}

const requestWith = (headers: Record<string, string>, method = "GET") =>
  ({ headers, method }) as unknown as IncomingMessage;
const bearer = (token: string) => requestWith({ authorization: `Bearer ${token}` });

describe("authenticate", () => {
  it("says who sends a request, and then userOf and identityOf know it", async () => {
    const { wx, token } = await signedIn();
    const req = bearer(token);
    expect(await wx.authenticate(req)).to.deep.equal({ user: { id: 1, ...identity }, identity });
    expect([wx.userOf(req).id, wx.identityOf(req)]).to.deep.equal([1, identity]);
  });

  it("says nothing of anyone else, and tells onError nothing", async () => {
    const onError = sinon.spy();
    const { wx, token, users } = await signedIn({ onError });
    for (const req of [
      requestWith({}),
      bearer("x"),
      bearer("A".repeat(54)),
      requestWith({ authorization: token }),
    ]) {
      expect(await wx.authenticate(req)).to.equal(undefined);
      expect(() => wx.userOf(req)).to.throw("requireLogin has not run");
    }
    users.length = 0;
    expect(await wx.authenticate(bearer(token))).to.equal(undefined);
    expect(onError.called).to.equal(false);
  });

  it("forgets who was found, where the session has ended since", async () => {
    const { wx, token } = await signedIn();
    const req = bearer(token);
    await wx.authenticate(req);
    await wx.signOutEverywhere({ openid: "o1" });
    expect(await wx.authenticate(req)).to.equal(undefined);
    expect(() => wx.userOf(req)).to.throw("requireLogin has not run");
  });

  it("answers nothing: a page for everybody decides itself what to show", async () => {
    const { wx, token } = await signedIn();
    const app = express().get("/", async (req, res) => {
      const visitor = await wx.authenticate(req);
      res.json({ hello: visitor?.user.unionid ?? "stranger" });
    });
    const url = await listen(createServer(app));
    expect((await ask(url)).body).to.deep.equal({ hello: "stranger" });
    const headers = { Authorization: `Bearer ${token}` };
    expect((await ask(url, { headers })).body).to.deep.equal({ hello: "u1" });
  });

  it("rejects with the host's own Error, and with ours", async () => {
    let fault: unknown;
    const { wx, token } = await signedIn({
      findUser: () => (fault === undefined ? { id: 1, ...identity } : Promise.reject(fault)),
    });
    for (fault of [new Error("database"), new WechatLoginError("account_conflict", "two")]) {
      expect(await wx.authenticate(bearer(token)).catch((error) => error)).to.equal(fault);
    }
  });

  it("is an error where there are no sessions", async () => {
    const web = await startWebApp({ session: false });
    const { wx } = await startApp({ session: false });
    for (const login of [wx, web.web]) {
      const error = await login.authenticate(bearer("A".repeat(54))).catch((failure) => failure);
      expect(error).to.be.instanceOf(Error);
      expect(error.message).to.match(
        /^wechatLogin: there are no sessions to look at with session: false\. Leave/,
      );
    }
  });

  describe("of the web login", () => {
    async function start() {
      const app = await startWebApp();
      const tab = app.browser();
      await tab.open(app.wechat.phone({ unionid: "u1" }).authorize(await tab.start()));
      const token = String(tab.sessionToken());
      const cookie = `wechat-session-wxofficialaccount.wxwebsite=${token}`;
      return { ...app, token, cookie };
    }

    it("takes the cookie for reading, the cookie from the own origin, and the token", async () => {
      const { web, url, token, cookie } = await start();
      for (const [req, isFound] of [
        [requestWith({ cookie }), true],
        [bearer(token), true],
        [requestWith({ cookie, origin: url }, "POST"), true],
        [requestWith({ cookie, origin: "https://evil.example" }, "POST"), false],
        [requestWith({ cookie }, "POST"), false],
        [requestWith({}), false],
      ] as const) {
        expect((await web.authenticate(req))?.user.unionid).to.equal(isFound ? "u1" : undefined);
      }
    });

    it("takes no cookie for a WebSocket that another site's page opens", async () => {
      const { web, url, token, cookie } = await start();
      const server = createServer();
      server.on("upgrade", async (req, socket: Socket) => {
        const visitor = await web.authenticate(req);
        const status = visitor ? "101 Switching Protocols" : "401 Unauthorized";
        socket.end(`HTTP/1.1 ${status}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
      });
      const place = await listen(server);
      const upgrade = { Connection: "Upgrade", Upgrade: "websocket" };
      const opened = (headers: Record<string, string>) =>
        new Promise((resolve) => {
          const asked = request(place, { headers: { ...upgrade, ...headers } });
          asked.on("upgrade", () => resolve(true)).on("response", () => resolve(false));
          asked.end();
        });
      expect(await opened({ Cookie: cookie, Origin: url })).to.equal(true);
      expect(await opened({ Cookie: cookie, "Sec-Fetch-Site": "same-origin" })).to.equal(true);
      expect(await opened({ Authorization: `Bearer ${token}` })).to.equal(true);
      expect(await opened({ Cookie: cookie, Origin: "https://sub.example.com" })).to.equal(false);
      expect(await opened({ Cookie: cookie, Origin: url, "Sec-Fetch-Site": "same-site" })).to.equal(false);
      expect(await opened({ Cookie: cookie })).to.equal(false);
      expect(await opened({ Cookie: cookie, Upgrade: "WebSocket" })).to.equal(false);
    });
  });
});

describe("what a login requires, its guard requires, too", () => {
  /** Two routers of one app, the second of which requires more. */
  async function start() {
    const wechat = await startWechat();
    const { users, findUser, saveUser } = userTable();
    const app = express();
    const keyPrefix = ownPrefix();
    const login = (require: Requirement[]) =>
      wechatLogin({
        ...{ appId: APP_ID, secret: SECRET, redis: redis(), keyPrefix, baseUrl: wechat.baseUrl },
        ...{ require, findUser, saveUser },
      } as WechatLoginOptions<TestUser, readonly Requirement[]>);
    const [unionid, phone] = [login(["unionid"]), login(["unionid", "phoneNumber", "nickName"])];
    for (const [name, router] of Object.entries({ unionid, phone })) {
      app.use(`/${name}`, router);
      app.get(`/${name}/me`, router.requireLogin, (req, res) => res.json(router.userOf(req)));
    }
    const url = await listen(createServer(app));
    const post = (path: string, body: object, token = "") =>
      send(url + path, JSON.stringify(body), { Authorization: `Bearer ${token}` });
    const me = (name: string, token: string) =>
      ask(`${url}/${name}/me`, { headers: { Authorization: `Bearer ${token}` } });
    const person = wechat.phone({ openid: "o1", unionid: "u1", phoneNumber: "10012345678" });
    const register = async () => {
      const { temporaryToken } = (await post("/phone/login", person.login())).body;
      const body = { temporaryToken, nickName: "Ada", phoneCode: person.getPhoneNumber().code };
      return (await post("/phone/login/complete", body)).body.sessionToken;
    };
    return { users, unionid, phone, post, me, person, register };
  }

  it("so that a session of a router that requires less is none there: the client logs in, and is asked", async () => {
    const { post, me, person, phone, register } = await start();
    const { sessionToken } = (await post("/unionid/login", person.login())).body;
    expect((await me("unionid", sessionToken)).status).to.equal(200);
    const refused = await me("phone", sessionToken);
    expect([refused.status, refused.body]).to.deep.equal([401, LOGIN_REQUIRED]);
    expect(await phone.authenticate(bearer(sessionToken))).to.equal(undefined);
    expect((await post("/phone/login", person.login())).body.missing).to.deep.equal([
      "phoneNumber",
      "nickName",
    ]);
    const token = await register();
    for (const name of ["unionid", "phone"]) expect((await me(name, token)).status, name).to.equal(200);
    // All is known now: the older session is as good as the new one.
    expect((await me("phone", sessionToken)).status).to.equal(200);
  });

  it("also for a user who has lost something since, who can fill it in by POST /profile or by a login", async () => {
    const { users, post, me, register } = await start();
    const token = await register();
    Object.assign(users[0] ?? {}, { nickName: null });
    expect((await me("phone", token)).body).to.deep.equal(LOGIN_REQUIRED);
    expect((await me("unionid", token)).status).to.equal(200);
    expect((await post("/phone/profile", { nickName: "Bea" }, token)).body).to.deep.equal({
      status: "saved",
    });
    expect((await me("phone", token)).body).to.include({ nickName: "Bea" });
  });

  it("but a unionid that WeChat said counts, though the host stores none", async () => {
    const { wx, post, wechat, me } = await startApp({
      session: undefined,
      findUser: ({ openid }) => ({ id: 1, appId: APP_ID, openid }),
    });
    const { sessionToken } = (await post("/wx/login", wechat.phone(identity).login())).body;
    expect((await me(sessionToken)).status).to.equal(200);
    expect((await wx.authenticate(bearer(sessionToken)))?.identity).to.deep.equal(identity);
  });

  /** A host that stores what is required, and whose findUser returns no more than this. */
  function terse(rest: object) {
    const openids = new Set<string>();
    return {
      findUser: ({ openid }: { openid: string }) => (openids.has(openid) ? { id: 1, ...rest } : undefined),
      saveUser: ({ openid }: { openid: string }) => void openids.add(openid),
    } as object as Pick<ReturnType<typeof userTable>, "findUser" | "saveUser">;
  }

  for (const [name, rest, status] of [
    ["returns nothing of it: the login knew it", {}, 200],
    ["returns a number", { phoneNumber: 10012345678 }, 200],
    ["returns null", { phoneNumber: null }, 401],
    ["returns an empty text", { phoneNumber: "" }, 401],
  ] as const) {
    it(`but locks nobody out for ever where findUser ${name}`, async () => {
      for (const session of [undefined, { name: "shop" }]) {
        const host = { ...terse(rest), session, require: ["unionid", "phoneNumber"] as Requirement[] };
        const { wechat, post, me, wx } = await startApp(host);
        const person = wechat.phone({ unionid: "u1", phoneNumber: "10012345678" });
        const { temporaryToken } = (await post("/wx/login", person.login())).body;
        const body = { temporaryToken, phoneCode: person.getPhoneNumber().code };
        const { sessionToken } = (await post("/wx/login/complete", body)).body;
        expect((await me(sessionToken)).status).to.equal(status);
        expect((await wx.authenticate(bearer(sessionToken)))?.identity.unionid).to.equal(
          status === 200 ? "u1" : undefined,
        );
      }
    });
  }

  it("nor on a website, where the user is asked nothing", async () => {
    const app = await startWebApp({ ...terse({}), require: ["nickName"] });
    for (const _time of [1, 2]) {
      const tab = app.browser();
      await tab.open(app.wechat.phone({ openid: "o1" }).authorize(await tab.start()));
      expect((await tab.me()).status).to.equal(200);
    }
  });

  it("which a session of a router that requires less is no excuse for", async () => {
    const host = { ...terse({}), session: { name: "shop" } };
    const app = await startWebApp({ ...host, miniProgram: true, require: ["nickName"] });
    const phone = app.wechat.phone({ unionid: "u1" });
    const { sessionToken } = (await app.post("/wx/login", phone.login())).body;
    const headers = { Authorization: `Bearer ${sessionToken}` };
    expect((await ask(`${app.url}/wx-me`, { headers })).status).to.equal(200);
    expect((await ask(`${app.url}/me`, { headers })).body).to.deep.equal(LOGIN_REQUIRED);
  });

  it("on the website as well", async () => {
    const app = await startWebApp({ miniProgram: true, session: { name: "shop" }, require: ["nickName"] });
    const phone = app.wechat.phone({ unionid: "u1" });
    const { sessionToken } = (await app.post("/wx/login", phone.login())).body;
    const headers = { Authorization: `Bearer ${sessionToken}` };
    expect((await ask(`${app.url}/wx-me`, { headers })).status).to.equal(200);
    expect((await ask(`${app.url}/me`, { headers })).body).to.deep.equal(LOGIN_REQUIRED);
    Object.assign(app.users[0] ?? {}, { nickName: "Ada" });
    expect((await ask(`${app.url}/me`, { headers })).status).to.equal(200);
  });
});
