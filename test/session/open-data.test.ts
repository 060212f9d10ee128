import { createDecipheriv, hkdfSync } from "node:crypto";
import { createServer } from "node:http";
import { expect } from "chai";
import express, { type ErrorRequestHandler } from "express";
import { WechatLoginError, wechatLogin } from "../../lib/index.ts";
import { keptSessionKeys } from "../../lib/session/kept-session-keys.ts";
import { seal } from "../../lib/simulator/user-data.ts";
import { redisStore } from "../../lib/storage/redis-store.ts";
import { errorBody } from "../support/error-body.ts";
import {
  APP_ID,
  ask,
  listen,
  ownPrefix,
  redis,
  SECRET,
  startWechat,
  userTable,
} from "../support/login-app.ts";

/** A host that keeps session_keys, with a route that opens data, and one that looks after the keys. */
async function host({ keepSessionKey = true, isShared = true } = {}) {
  const wechat = await startWechat();
  const { findUser, saveUser } = userTable();
  const keyPrefix = ownPrefix();
  const account = {
    appId: APP_ID,
    secret: SECRET,
    redis: isShared ? redis() : undefined,
    baseUrl: wechat.baseUrl,
    keyPrefix,
  };
  const wx = wechatLogin({ ...account, findUser, saveUser, require: [], keepSessionKey });
  const app = express();
  app.use("/wx", wx);
  app.post("/open", wx.requireLogin, express.json(), async (req, res, next) => {
    wx.openData(req, req.body).then((data) => res.json(data), next);
  });
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    if (error instanceof WechatLoginError) res.status(error.status).json(error);
    else res.status(500).json({ host: error.message });
  };
  app.use(onError);
  const url = await listen(createServer(app));
  const post = (path: string, body: object, token = "") => {
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
    return ask(`${url}${path}`, { method: "POST", body: JSON.stringify(body), headers });
  };
  const phone = wechat.phone({ openid: "o1", unionid: "u1" });
  const login = async (who = phone) => (await post("/wx/login", who.login())).body.sessionToken;
  const keys = () => redis().keys(`${keyPrefix}*session-key*`);
  return { wechat, wx, post, phone, login, keys, account };
}

const NOT_OPENED = errorBody("invalid_user_data", "The user data cannot be opened: call wx.login again.");

describe("keepSessionKey: data that comes after the login", () => {
  it("is opened for who is signed in, whatever it holds", async () => {
    const { post, phone, login } = await host();
    const token = await login();
    const opened = (await post("/open", phone.getPhoneNumber(), token)).body;
    expect(opened).to.include({ phoneNumber: "10012345678", countryCode: "86" });
    expect((await post("/open", phone.getUserInfo(), token)).body).to.include({
      openId: "o1",
      unionId: "u1",
    });
  });

  it("is opened with the newest session_key only", async () => {
    const { post, phone, login } = await host();
    const token = await login();
    const before = phone.getUserInfo();
    await login();
    expect((await post("/open", phone.getUserInfo(), token)).status).to.equal(200);
    const answer = await post("/open", before, token);
    expect([answer.status, answer.body]).to.deep.equal([401, NOT_OPENED]);
  });

  it("is not opened for another user, nor where the guard has not run", async () => {
    const { post, phone, login, wechat, wx } = await host();
    await login();
    const other = await login(wechat.phone({ openid: "o2" }));
    expect((await post("/open", phone.getUserInfo(), other)).body).to.deep.equal(NOT_OPENED);
    const failed = await wx.openData({ headers: {} } as never, phone.getUserInfo()).catch(String);
    expect(failed).to.equal("Error: wechatLogin: requireLogin has not run for this request.");
  });

  it("is believed no more than at the login: watermark, age and openId count", async () => {
    const { post, phone, login } = await host();
    const token = await login();
    const now = Math.floor(Date.now() / 1000);
    for (const bent of [
      { openId: "o2" },
      { watermark: { appid: "wxother", timestamp: now } },
      { watermark: { appid: APP_ID, timestamp: now - 301 } },
    ]) {
      expect((await post("/open", phone.getUserInfo(bent), token)).body).to.deep.equal(NOT_OPENED);
    }
  });

  it("works without Redis, too", async () => {
    const { post, phone, login } = await host({ isShared: false });
    const token = await login();
    expect((await post("/open", phone.getUserInfo(), token)).status).to.equal(200);
  });

  it("is off by default, and says so", async () => {
    const { post, phone, login, keys, wx } = await host({ keepSessionKey: false });
    const token = await login();
    expect(await keys()).to.deep.equal([]);
    const message = "wechatLogin: no session_key is kept without keepSessionKey: true.";
    expect((await post("/open", phone.getUserInfo(), token)).body).to.deep.equal({ host: message });
    for (const method of [wx.sessionKeys.checkSessionKey, wx.sessionKeys.resetUserSessionKey]) {
      expect(await method({ openid: "o1" }).catch((error) => error.message)).to.equal(message);
    }
  });
});

describe("the session_keys that are kept", () => {
  it("are encrypted, for 30 days, one for each user", async () => {
    const { login, keys, phone, wechat, account } = await host();
    await login();
    await login();
    await login(wechat.phone({ openid: "o2" }));
    const [key = ""] = (await keys()).sort();
    expect(await keys()).to.have.length(2);
    expect(key).to.equal(`${account.keyPrefix}${APP_ID}:session-key:o1`);
    expect(await redis().ttl(key)).to.be.within(2591990, 2592000);
    // 12 bytes of iv, 24 of the key, 16 of the tag
    expect(Buffer.from(String(await redis().get(key)), "base64")).to.have.length(52);
    expect(phone.openid).to.equal("o1");
  });

  const SESSION_KEY = "tiihtNczf5v6AKRyjwEUhQ==";
  const kept = (prefix: string, more: object = {}) =>
    keptSessionKeys(redisStore(redis()), { appId: APP_ID, secret: SECRET, prefix, ttl: 10, ...more });

  it("are another text each time, and never the key itself", async () => {
    const prefix = ownPrefix();
    const texts = new Set<string>();
    for (let i = 0; i < 20; i++) {
      await kept(prefix).keep("o1", SESSION_KEY);
      texts.add(String(await redis().get(`${prefix}session-key:o1`)));
    }
    expect(texts.size).to.equal(20);
    for (const text of texts)
      expect(Buffer.from(text, "base64").toString("latin1")).to.not.include(SESSION_KEY);
    expect(await kept(prefix).find("o1")).to.equal(SESSION_KEY);
    expect(await (await kept(prefix).entryOf("o1"))?.forget()).to.equal(true);
    expect(await kept(prefix).find("o1")).to.equal(undefined);
  });

  it("can be read with the secret and the appId alone: AES-256-GCM under a key by HKDF", async () => {
    const prefix = ownPrefix();
    await kept(prefix).keep("o1", SESSION_KEY);
    const bytes = Buffer.from(String(await redis().get(`${prefix}session-key:o1`)), "base64");
    const key = hkdfSync("sha256", SECRET, APP_ID, "express-wechat-login session_key", 32);
    const decipher = createDecipheriv("aes-256-gcm", Buffer.from(key), bytes.subarray(0, 12));
    decipher.setAAD(Buffer.from("o1")).setAuthTag(bytes.subarray(-16));
    expect(decipher.update(bytes.subarray(12, -16), undefined, "utf8") + decipher.final("utf8")).to.equal(
      SESSION_KEY,
    );
  });

  it("open under no other secret, no other appId and no other user's name", async () => {
    const prefix = ownPrefix();
    await kept(prefix).keep("o1", SESSION_KEY);
    expect(await kept(prefix, { secret: "another" }).find("o1")).to.equal(undefined);
    expect(await kept(prefix, { appId: "wxanother" }).find("o1")).to.equal(undefined);
    await redis().rename(`${prefix}session-key:o1`, `${prefix}session-key:o2`);
    expect(await kept(prefix).find("o2")).to.equal(undefined);
  });

  it("are nothing once a bit of them is changed, or a part is gone", async () => {
    const prefix = ownPrefix();
    const key = `${prefix}session-key:o1`;
    await kept(prefix).keep("o1", SESSION_KEY);
    const bytes = Buffer.from(String(await redis().get(key)), "base64");
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = Number(changed[at]) ^ 1;
      await redis().set(key, changed.toString("base64"));
      expect(await kept(prefix).find("o1"), String(at)).to.equal(undefined);
    }
    for (const length of [0, 5, 12, 20, 51]) {
      await redis().set(key, bytes.subarray(0, length).toString("base64"));
      expect(await kept(prefix).find("o1"), String(length)).to.equal(undefined);
    }
  });

  it("and one that is over makes the client log in again", async () => {
    const { post, phone, login, keys } = await host();
    const token = await login();
    await redis().del(...(await keys()));
    const answer = await post("/open", phone.getUserInfo(), token);
    expect([answer.status, answer.body]).to.deep.equal([401, NOT_OPENED]);
  });
});

describe("upkeep of the session_keys", () => {
  const openid = "o1";

  it("checkSessionKey says whether the kept one is still valid, and forgets one that is not", async () => {
    const { login, wx, phone, keys } = await host();
    await login();
    expect(await wx.sessionKeys.checkSessionKey({ openid })).to.equal(true);
    phone.login(); // another device
    expect(await wx.sessionKeys.checkSessionKey({ openid })).to.equal(false);
    expect(await keys()).to.deep.equal([]);
  });

  it("resetUserSessionKey puts a new one in its place: the old data is worth nothing", async () => {
    const { login, post, wx, phone } = await host();
    const token = await login();
    const before = phone.getUserInfo();
    expect(await wx.sessionKeys.resetUserSessionKey({ openid })).to.equal(true);
    expect((await post("/open", before, token)).status).to.equal(401);
    expect((await post("/open", phone.getUserInfo(), token)).status).to.equal(200);
  });

  it("resetUserSessionKey forgets one that is over", async () => {
    const { login, wx, phone, keys } = await host();
    await login();
    phone.login();
    expect(await wx.sessionKeys.resetUserSessionKey({ openid })).to.equal(false);
    expect(await keys()).to.deep.equal([]);
  });

  for (const method of ["checkSessionKey", "resetUserSessionKey"] as const) {
    it(`${method} leaves the newer key of a login that comes in between`, async () => {
      const { login, post, wx, wechat, phone } = await host();
      const token = await login();
      for (const isOver of [true, false]) {
        if (isOver) phone.login(); // another device
        const isFirst = !wechat.requests.some(({ path }) => path === "/cgi-bin/stable_token");
        if (isFirst) wechat.bendNext({}); // for the access_token
        wechat.bendNext({ delay: 150 });
        const working = wx.sessionKeys[method]({ openid });
        await new Promise((resolve) => setTimeout(resolve, 75));
        await login();
        expect(await working).to.equal(true);
        expect((await post("/open", phone.getUserInfo(), token)).status).to.equal(200);
        expect(await wx.sessionKeys.checkSessionKey({ openid })).to.equal(true);
      }
    });

    it(`${method} says false where the key that it asked about is gone meanwhile`, async () => {
      const { login, wx, wechat, phone, keys } = await host();
      await login();
      phone.login(); // another device
      wechat.bendNext({});
      wechat.bendNext({ delay: 150 });
      const working = wx.sessionKeys[method]({ openid });
      await new Promise((resolve) => setTimeout(resolve, 75));
      await redis().del(...(await keys()));
      expect(await working).to.equal(false);
    });
  }

  it("resetUserSessionKey says false where the key is gone meanwhile that WeChat has replaced", async () => {
    const { login, wx, wechat, keys } = await host();
    await login();
    wechat.bendNext({});
    wechat.bendNext({ delay: 150 });
    const working = wx.sessionKeys.resetUserSessionKey({ openid });
    await new Promise((resolve) => setTimeout(resolve, 75));
    await redis().del(...(await keys()));
    expect([await working, await keys()]).to.deep.equal([false, []]);
  });

  it("asks nothing of WeChat where none is kept", async () => {
    const { wx, wechat } = await host();
    expect(await wx.sessionKeys.checkSessionKey({ openid })).to.equal(false);
    expect(await wx.sessionKeys.resetUserSessionKey({ openid })).to.equal(false);
    expect(wechat.requests).to.deep.equal([]);
  });

  it("sends the signature and never the key", async () => {
    const { login, wx, wechat } = await host();
    await login();
    await wx.sessionKeys.checkSessionKey({ openid });
    const query = wechat.requests.at(-1)?.query ?? {};
    expect(Object.keys(query)).to.deep.equal(["access_token", "openid", "signature", "sig_method"]);
    expect(query).to.include({ openid, sig_method: "hmac_sha256" });
    expect(query.signature).to.match(/^[0-9a-f]{64}$/);
  });

  for (const [name, bend, code] of [
    ["an unknown errcode", { errcode: 99999 }, "wechat_error"],
    ["a limit", { errcode: 45009 }, "rate_limited"],
    ["an empty key", { body: '{"errcode":0,"session_key":""}' }, "wechat_error"],
    ["no key", { body: '{"errcode":0,"errmsg":"ok"}' }, "wechat_error"],
  ] as const) {
    it(`${name} is an error, and the kept key stays`, async () => {
      const { login, wx, wechat, keys } = await host();
      await login();
      for (const next of [{}, bend]) wechat.bendNext(next);
      const error = await wx.sessionKeys.resetUserSessionKey({ openid }).catch((reason) => reason);
      expect(error).to.be.instanceOf(WechatLoginError).and.include({ code });
      if (name.includes("key"))
        expect(error.message).to.equal("WeChat's answer makes no sense: session_key is missing.");
      expect(await keys()).to.have.length(1);
    });
  }

  it("tells nobody what WeChat quotes of the access_token and the signature", async () => {
    const { login, wx, wechat } = await host();
    await login();
    await wx.sessionKeys.checkSessionKey({ openid });
    const { access_token, signature } = wechat.requests.at(-1)?.query ?? {};
    wechat.bendNext({ body: JSON.stringify({ errcode: 1, errmsg: `${access_token} ${signature}` }) });
    const error = await wx.sessionKeys.checkSessionKey({ openid }).catch((reason) => reason);
    expect(error.cause.message).to.equal("WeChat: errcode 1, *** ***");
  });

  it("opens what is sealed under the key that WeChat gave, and only that", async () => {
    const { login, post, wechat } = await host();
    const token = await login();
    const forged = seal(
      { openId: openid, watermark: { appid: APP_ID, timestamp: Date.now() / 1000 } },
      "A".repeat(22),
    );
    expect((await post("/open", forged, token)).status).to.equal(401);
    expect(wechat.requests).to.have.length(1);
  });
});
