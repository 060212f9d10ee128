import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { expect } from "chai";
import express from "express";
import sinon from "sinon";
import { WechatLoginError, wechatLogin } from "../../lib/index.ts";
import { errorBody } from "../support/error-body.ts";
import { APP_ID, ask, listen, ownPrefix, redis, SECRET, startApp } from "../support/login-app.ts";
import { monitor } from "../support/monitor.ts";
import { twoApps } from "../support/two-apps.ts";

const LOGIN_REQUIRED = errorBody("login_required", "Nobody is signed in: log in again.");
const MONTH = 30 * 24 * 60 * 60;

/** A host with sessions, and a user who has signed in. */
async function signedIn(options: Parameters<typeof startApp>[0] = {}) {
  const app = await startApp({ session: undefined, ...options });
  const phone = app.wechat.phone({ openid: "o1", unionid: "u1" });
  const login = async () => (await app.post("/wx/login", phone.login())).body.sessionToken;
  return { ...app, phone, login, token: await login() };
}

describe("the custom login state", () => {
  it("comes with signed_in: an opaque token and its life in seconds", async () => {
    const { wechat, post } = await startApp({ session: undefined });
    const { body } = await post("/wx/login", wechat.phone({ unionid: "u1" }).login());
    expect(body).to.have.all.keys("status", "sessionToken", "expiresIn");
    expect(body).to.include({ status: "signed_in", expiresIn: MONTH });
    expect(body.sessionToken).to.match(/^[\w-]{54}$/);
  });

  it("comes after the second request as well, and host's own fields stand beside it", async () => {
    const onLogin = () => ({ hello: "you", sessionToken: "mine" });
    const { wechat, post, me } = await startApp({ session: undefined, onLogin });
    const phone = wechat.phone({ unionid: "u1", unionidAtLogin: false });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    const { body } = await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
    expect(body).to.include({ status: "signed_in", hello: "you" });
    expect((await me(body.sessionToken)).status).to.equal(200);
  });

  it("is no part of incomplete", async () => {
    const { wechat, post } = await startApp({ session: undefined });
    expect((await post("/wx/login", wechat.phone().login())).body).to.not.have.property("sessionToken");
  });

  it("lets the user through, with user and identity for the route", async () => {
    const { me, token } = await signedIn();
    const identity = { appId: APP_ID, openid: "o1", unionid: "u1" };
    expect((await me(token)).body).to.deep.equal({ user: { id: 1, ...identity }, identity });
  });

  it("knows a user without a unionid", async () => {
    const { wechat, post, me } = await startApp({ session: undefined, require: [] });
    const { sessionToken } = (await post("/wx/login", wechat.phone({ openid: "o2" }).login())).body;
    expect((await me(sessionToken)).body.identity).to.deep.equal({ appId: APP_ID, openid: "o2" });
  });

  it("takes the scheme in any case, with more blanks, as RFC 9110 says", async () => {
    const { url, token } = await signedIn();
    for (const header of [`bearer ${token}`, `BEARER   ${token}`]) {
      expect((await ask(`${url}/me`, { headers: { Authorization: header } })).status, header).to.equal(200);
    }
  });

  it("is kept under the hash of its random part, with the TTL of the option", async () => {
    const { keys, token, keyPrefix } = await signedIn({ session: { ttl: 70 } });
    const hash = createHash("sha256").update(token.slice(0, 43)).digest("base64url").slice(0, 22);
    const key = `${keyPrefix}${APP_ID}:sessions:${token.slice(43)}`;
    expect(await keys()).to.deep.equal([key]);
    expect(await redis().ttl(key)).to.be.within(68, 70);
    const [member, end, start, ...rest] = String(await redis().get(key)).split(" ");
    expect([member, ...rest]).to.deep.equal([hash, '["o1","u1"]\n']);
    expect(Number(end) - Date.now()).to.be.within(67_000, 71_000);
    expect(Number(start) / 1000 - Date.now()).to.be.within(-3000, 1000);
  });

  it("lives for 30 days where nothing is said of the ttl", async () => {
    const { keys } = await signedIn({ session: {} });
    expect(await redis().ttl(String((await keys())[0]))).to.be.within(MONTH - 2, MONTH);
  });

  it("lives on with every request", async () => {
    const { keys, token, me } = await signedIn({ session: { ttl: 70 } });
    const key = String((await keys())[0]);
    await redis().expire(key, 5);
    await me(token);
    expect(await redis().ttl(key)).to.be.within(68, 70);
  });

  it("costs the guard one Redis command, and then findUser", async () => {
    const client = redis().duplicate();
    const { me, token, findUser } = await signedIn({ redis: client });
    findUser.resetHistory();
    const sendCommand = sinon.spy(client, "sendCommand");
    expect((await me(token)).status).to.equal(200);
    expect(sendCommand.args.map(([command]) => command.name)).to.deep.equal(["evalsha"]);
    expect(findUser.args).to.deep.equal([[{ appId: APP_ID, openid: "o1", unionid: "u1" }]]);
    client.disconnect();
  });

  it("is only read by the guard until a hundredth of its life has passed, then written once", async () => {
    const { keys, token, me, login } = await signedIn({ session: { ttl: 150 } });
    for (let count = 1; count < 20; count++) await login();
    const [key = ""] = await keys();
    const kept = await redis().get(key);
    const commands = await monitor();
    for (let count = 0; count < 3; count++) expect((await me(token)).status).to.equal(200);
    const written = async () =>
      (await commands()).filter(([name, of]) => /^set$/i.test(String(name)) && of === key).length;
    expect([await written(), await redis().get(key)]).to.deep.equal([0, kept]);
    await new Promise((resolve) => setTimeout(resolve, 1600));
    for (let count = 0; count < 3; count++) expect((await me(token)).status).to.equal(200);
    expect(await written()).to.equal(1);
  });

  it("lets no two of a user's sessions stand for each other where a line of them is broken", async () => {
    const { keys, token, me, post, login } = await signedIn();
    const other = await login();
    const [key = ""] = await keys();
    const lines = String(await redis().get(key)).split(/(?<=\n)/);
    const broken = [
      String(lines[0]).replace(/ \d+ /, " 1.0e+14 "),
      String(lines[0]).replace(/ \d+ \d+ /, " "),
      `${String(lines[0]).slice(0, 30)}\n`,
    ];
    for (const line of broken) {
      await redis().set(key, line + lines[1]);
      expect([(await me(token)).status, (await me(other)).status]).to.deep.equal([401, 200]);
      expect((await post("/wx/logout", {}, token)).status).to.equal(401);
      expect((await me(other)).status).to.equal(200);
    }
  });

  it("is not cut short by another login of the pool whose sessions are shorter", async () => {
    const { first, me, tokenOf, keyPrefix } = await twoApps({ name: "shop", ttl: 1000 }, [], undefined, {
      secondTtl: 1,
    });
    const token = await tokenOf("/first", first.wechat.phone({ openid: "o1" }).login());
    expect((await me("/second", token)).status).to.equal(200);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect((await me("/second", token)).status).to.equal(200);
    expect((await me("/first", token)).status).to.equal(200);
    const [key = ""] = await redis().keys(`${keyPrefix}*:sessions:*`);
    expect(await redis().ttl(key)).to.be.above(990);
  });

  it("lives for as long as the options allow, ten years", async () => {
    const { me, token } = await signedIn({ session: { ttl: 315_360_000 } });
    for (let count = 0; count < 2; count++) expect((await me(token)).status).to.equal(200);
  });

  it("is not begun where onLogin fails", async () => {
    const onLogin = () => Promise.reject(new Error("host"));
    const { wechat, post, keys } = await startApp({ session: undefined, onLogin });
    expect((await post("/wx/login", wechat.phone({ unionid: "u1" }).login())).status).to.equal(500);
    expect(await keys()).to.deep.equal([]);
  });
});

describe("the guard lets nobody else in, and says the same to all", () => {
  const forged: Record<string, (token: string) => string | undefined> = {
    "no token": () => undefined,
    "an empty token": () => "",
    "a token of someone's imagination": () => "A".repeat(54),
    "one changed character": (token) => `${token.startsWith("A") ? "B" : "A"}${token.slice(1)}`,
    "another user's handle": (token) => `${token.slice(0, 43)}AAAAAAAAAAA`,
    "a truncated token": (token) => token.slice(0, -1),
    "the random part alone": (token) => token.slice(0, 43),
    "a longer token": (token) => `${token}A`,
    "a handle that is no handle": (token) => `${token.slice(0, 43)}${"*".repeat(11)}`,
    "a handle with a brace": (token) => `${token.slice(0, 43)}${"}".repeat(11)}`,
    "the hash instead of the token": (token) =>
      createHash("sha256").update(token.slice(0, 43)).digest("base64url") + token.slice(43),
    "the openid": () => "o1",
  };
  for (const [name, forge] of Object.entries(forged)) {
    it(name, async () => {
      const { me, post, token } = await signedIn();
      const answer = await me(forge(token));
      expect([answer.status, answer.body]).to.deep.equal([401, LOGIN_REQUIRED]);
      expect(answer.headers.get("cache-control")).to.equal("no-store");
      for (const path of ["/wx/profile", "/wx/logout"]) {
        const other = await post(path, { nickName: "x" }, forge(token));
        expect([other.status, other.body], path).to.deep.equal([401, LOGIN_REQUIRED]);
      }
      expect((await me(token)).status).to.equal(200);
    });
  }

  it("another scheme than Bearer, or the token elsewhere in the header", async () => {
    const { url, token } = await signedIn();
    for (const header of [
      token,
      `Basic ${token}`,
      `Bearer x ${token}`,
      `Bearer ${token} x`,
      `X Bearer ${token}`,
    ]) {
      expect((await ask(`${url}/me`, { headers: { Authorization: header } })).body).to.deep.equal(
        LOGIN_REQUIRED,
      );
    }
  });

  it("an expired token", async () => {
    const { me, token, keys } = await signedIn();
    await redis().pexpire(String((await keys())[0]), 1);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect((await me(token)).body).to.deep.equal(LOGIN_REQUIRED);
  });

  it("a token of another appId on the same Redis, with the same prefix", async () => {
    const keyPrefix = ownPrefix();
    const one = await signedIn({ keyPrefix });
    const other = await startApp({ session: undefined, keyPrefix, appId: "wxanother" }, [{ openid: "o1" }]);
    expect((await one.me(one.token)).status).to.equal(200);
    expect((await other.me(one.token)).body).to.deep.equal(LOGIN_REQUIRED);
  });

  it("a temporary token as session token, and the reverse", async () => {
    const { me, post, wechat, token, phone } = await signedIn();
    const { temporaryToken } = (await post("/wx/login", wechat.phone().login())).body;
    for (const wrong of [temporaryToken, temporaryToken + token.slice(43)]) {
      expect((await me(wrong)).body).to.deep.equal(LOGIN_REQUIRED);
    }
    for (const wrong of [token, token.slice(0, 43)]) {
      const answer = await post("/wx/login/complete", { temporaryToken: wrong, ...phone.getUserInfo() });
      expect(answer.body.error.code).to.equal("invalid_temporary_token");
    }
    expect((await me(token)).status).to.equal(200);
  });

  it("a user who is gone", async () => {
    const { me, token, users } = await signedIn();
    users.length = 0;
    expect((await me(token)).body).to.deep.equal(LOGIN_REQUIRED);
  });

  it("and onError hears of each", async () => {
    const onError = sinon.spy();
    const { url } = await signedIn({ onError });
    await ask(`${url}/me?x=1`);
    expect(onError.args[0]?.[0]).to.be.instanceOf(WechatLoginError).and.include({ code: "login_required" });
    expect(onError.args[0]?.[1].originalUrl).to.equal("/me?x=1");
  });

  it("but an error of findUser is the host's", async () => {
    let isUp = true;
    const fault = new Error("database");
    const findUser = () =>
      isUp ? { id: 1, appId: APP_ID, openid: "o1", unionid: "u1" } : Promise.reject(fault);
    const { me, token, hostErrors } = await signedIn({ findUser });
    isUp = false;
    expect((await me(token)).body).to.deep.equal({ host: "error" });
    expect(hostErrors).to.deep.equal([fault]);
  });
});

describe("a Redis client that rejects with something else than an Error", () => {
  for (const rejection of [
    undefined,
    null,
    0,
    "route",
    "x",
    { command: { name: "get", args: ["secret"] } },
  ]) {
    it(`lets nobody pass, and is told as an Error: ${JSON.stringify(rejection)}`, async () => {
      const fail = () => Promise.reject(rejection);
      const client = { set: fail, get: fail, getdel: fail, eval: fail, evalsha: fail };
      const { me, post, wx, hostErrors } = await startApp({ session: undefined, redis: client });
      const token = "A".repeat(54);
      for (const answer of [await me(token), await post("/wx/logout", {}, token)]) {
        expect([answer.status, answer.body]).to.deep.equal([500, { host: "error" }]);
      }
      const req = { headers: { authorization: `Bearer ${token}` } } as IncomingMessage;
      hostErrors.push(await wx.authenticate(req).catch((error) => error));
      hostErrors.push(await wx.signOutEverywhere({ openid: "o1" }).catch((error) => error));
      expect(hostErrors).to.have.length(4);
      for (const error of hostErrors) {
        expect(error).to.be.instanceOf(Error);
        expect((error as Error).message).to.match(/^wechatLogin: the Redis client threw something/);
        expect(JSON.stringify(Object(error).cause ?? {})).to.not.include("secret");
      }
    });
  }
});

describe("signing out", () => {
  it("POST /logout ends this session and no other", async () => {
    const { me, post, token, login } = await signedIn();
    const other = await login();
    expect((await post("/wx/logout", {}, token)).body).to.deep.equal({ status: "signed_out" });
    expect((await me(token)).body).to.deep.equal(LOGIN_REQUIRED);
    expect((await me(other)).status).to.equal(200);
    expect((await post("/wx/logout", {}, token)).body).to.deep.equal(LOGIN_REQUIRED);
  });

  it("needs no body", async () => {
    const { url, token } = await signedIn();
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await ask(`${url}/wx/logout`, { method: "POST", headers });
    expect(answer.body).to.deep.equal({ status: "signed_out" });
  });

  it("signOutEverywhere ends all sessions of one user, those to come excepted", async () => {
    const { wx, me, wechat, post, token, login, findUser } = await signedIn();
    const others = wechat.phone({ openid: "o2", unionid: "u2" });
    const otherUser = (await post("/wx/login", others.login())).body.sessionToken;
    const second = await login();
    findUser.resetHistory();
    await wx.signOutEverywhere({ openid: "o1" });
    // This app's own sessions are found by the openid: nobody has to be looked up.
    expect(findUser.called).to.equal(false);
    const third = await login();
    const statuses = await Promise.all(
      [token, second, third, otherUser].map(async (t) => (await me(t)).status),
    );
    expect(statuses).to.deep.equal([401, 401, 200, 200]);
    await wx.signOutEverywhere({ openid: "o1" });
    expect([(await me(third)).status, (await me(await login())).status]).to.deep.equal([401, 200]);
  });

  it("and who was signed out stays so, however often they try, and whoever logs in", async () => {
    const { wx, me, token, login } = await signedIn();
    await wx.signOutEverywhere({ openid: "o1" });
    expect((await me(token)).status).to.equal(401);
    await login();
    expect((await me(token)).status).to.equal(401);
  });

  it("and a Redis that loses the key, since it is full, ends sessions and revives none", async () => {
    const { wx, me, keys, token, login } = await signedIn();
    await wx.signOutEverywhere({ openid: "o1" });
    const second = await login();
    await redis().del(...(await keys()));
    expect([(await me(token)).status, (await me(second)).status]).to.deep.equal([401, 401]);
    expect((await me(await login())).status).to.equal(200);
    expect([(await me(token)).status, (await me(second)).status]).to.deep.equal([401, 401]);
  });
});

describe("what the host asks of the guard", () => {
  it("userOf and identityOf say where the guard has not run", async () => {
    const wx = wechatLogin({
      appId: APP_ID,
      secret: SECRET,
      findUser: () => undefined,
      saveUser: () => undefined,
    });
    const app = express();
    app.get("/", (req, res) => {
      for (const ask of [wx.userOf, wx.identityOf]) {
        expect(() => ask(req)).to.throw("wechatLogin: requireLogin has not run for this request.");
      }
      res.json({});
    });
    expect((await ask(await listen(createServer(app)))).status).to.equal(200);
  });

  it("works without Redis, too", async () => {
    const { me, token, wx } = await signedIn({ redis: undefined });
    expect((await me(token)).status).to.equal(200);
    await wx.signOutEverywhere({ openid: "o1" });
    expect((await me(token)).status).to.equal(401);
  });

  it("session: false issues none, and says so to a route that asks", async () => {
    const { wechat, url, post, me, wx, hostErrors } = await startApp({ session: false });
    const answer = await post("/wx/login", wechat.phone({ unionid: "u1" }).login());
    expect(answer.body).to.deep.equal({ status: "signed_in" });
    // They are for who is signed in here: to the host, who knows who that is, they are as unknown as any other path.
    for (const path of ["/wx/profile", "/wx/logout"]) {
      const unknown = await fetch(url + path, { method: "POST" });
      expect([unknown.status, await unknown.text()].join()).to.match(/^404,.*Cannot POST/s);
    }
    expect((await me("A".repeat(54))).body).to.deep.equal({ host: "error" });
    const message =
      "wechatLogin: there are no sessions to look at with session: false. Leave this option out to use requireLogin, " +
      "userOf, identityOf and signOutEverywhere; or check the login state that your onLogin issues: see the recipes in " +
      "the README.";
    expect(hostErrors.map((error) => (error as Error).message)).to.deep.equal([message]);
    expect(await wx.signOutEverywhere({ openid: "o1" }).catch((error) => error.message)).to.equal(message);
    for (const lookUp of [wx.userOf, wx.identityOf]) {
      expect(() => lookUp({} as never))
        .to.throw(Error)
        .with.property("message", message);
    }
  });
});
