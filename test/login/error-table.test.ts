import { expect } from "chai";
import sinon from "sinon";
import { WechatLoginError } from "../../lib/errors.ts";
import { errorBody } from "../support/error-body.ts";
import { redis, send, startApp, userTable } from "../support/login-app.ts";

/** A login that is waiting for the button. */
async function pendingLogin(options: Parameters<typeof startApp>[0] = {}) {
  const app = await startApp(options);
  const phone = app.wechat.phone({ unionid: "u1", unionidAtLogin: false });
  const { temporaryToken } = (await app.post("/wx/login", phone.login())).body;
  const complete = (body: object) => app.post("/wx/login/complete", { temporaryToken, ...body });
  return { ...app, phone, temporaryToken, complete };
}

describe("the error table", () => {
  describe("400 invalid_request", () => {
    const login = {
      "a code that is missing": {},
      "a code that is null": { code: null },
      "a code that is empty": { code: "" },
      "a code that is a number": { code: 5 },
      "a code that is too long": { code: "x".repeat(513) },
    };
    for (const [name, body] of Object.entries(login)) {
      it(`/login: ${name}`, async () => {
        const { post, wechat } = await startApp();
        const answer = await post("/wx/login", body);
        expect(answer.status).to.equal(400);
        expect(answer.body.error.code).to.equal("invalid_request");
        expect(answer.body.error.message).to.match(/^code /);
        expect(wechat.requests).to.deep.equal([]);
      });
    }

    const data = { encryptedData: "AAAA", iv: "AAAA" };
    const completion: Record<string, [object, RegExp]> = {
      "no token": [{ temporaryToken: undefined, ...data }, /^temporaryToken is missing/],
      "nothing to complete with": [{}, /^Nothing to store: send encryptedData/],
      "encryptedData without iv": [{ encryptedData: "AAAA" }, /^encryptedData and iv go together/],
      "iv without encryptedData": [{ iv: "AAAA" }, /^encryptedData and iv go together/],
      "rawData without signature": [{ ...data, rawData: "{}" }, /^rawData and signature go together/],
      "signature without rawData": [{ ...data, signature: "00" }, /^rawData and signature go together/],
      "encryptedData that is an object": [{ ...data, encryptedData: {} }, /^encryptedData must be a string/],
      "encryptedData that is too long": [{ ...data, encryptedData: "A".repeat(8193) }, /longer than 8192/],
      "iv that is too long": [{ ...data, iv: "A".repeat(65) }, /^iv is longer than 64/],
      "rawData that is too long": [
        { ...data, rawData: "A".repeat(4097), signature: "0" },
        /longer than 4096/,
      ],
      "signature that is too long": [{ ...data, rawData: "{}", signature: "0".repeat(65) }, /longer than 64/],
      "nickName that is a number": [{ nickName: 5 }, /^nickName must be a string/],
      "nickName of blanks": [{ nickName: "  " }, /^nickName must be a visible name/],
      "nickName with a NUL": [{ nickName: "a\0b" }, /^nickName must be a visible name/],
      "nickName of two lines": [{ nickName: "a\nb" }, /^nickName must be a visible name/],
      "nickName with half a surrogate pair": [{ nickName: "a\ud800" }, /^nickName must be a visible name/],
      "nickName that is too long": [{ nickName: "x".repeat(65) }, /^nickName is longer than 64/],
      "an avatar that is a path on the phone": [{ nickName: "a", avatarUrl: "http://tmp/a.png" }, /phone/],
      "an avatar that is a wxfile": [{ nickName: "a", avatarUrl: "wxfile://tmp_a.png" }, /phone/],
    };
    for (const [name, [body, message]] of Object.entries(completion)) {
      it(`/login/complete: ${name}, and the token stays good`, async () => {
        const { complete, phone } = await pendingLogin();
        const answer = await complete(body);
        expect(answer.status).to.equal(400);
        expect(answer.body.error.code).to.equal("invalid_request");
        expect(answer.body.error.message).to.match(message);
        expect((await complete(phone.getUserInfo())).body).to.deep.equal({ status: "signed_in" });
      });
    }

    it("takes the longest values that are allowed", async () => {
      const { post } = await startApp();
      expect((await post("/wx/login", { code: "x".repeat(512) })).body.error.code).to.equal("invalid_code");
      const body = {
        temporaryToken: "x".repeat(512),
        encryptedData: "A".repeat(8192),
        iv: "A".repeat(64),
        rawData: "x".repeat(4096),
        signature: "0".repeat(64),
        nickName: "x".repeat(64),
        avatarUrl: "https://host/a.png?from=http://tmp/",
      };
      const answer = await post("/wx/login/complete", body);
      expect(answer.body.error.code).to.equal("invalid_temporary_token");
    });

    it("answers an errcode 41008 of WeChat", async () => {
      const { post, wechat } = await startApp();
      wechat.bendNext({ errcode: 41008 });
      const answer = await post("/wx/login", { code: "c" });
      expect(answer.status).to.equal(400);
      expect(answer.body).to.deep.equal(
        errorBody("invalid_request", "WeChat found no code in the request.", 41008),
      );
    });
  });

  const fromWechat: [number, number, string, string?][] = [
    [40029, 401, "invalid_code"],
    [40163, 401, "invalid_code"],
    [40226, 403, "user_blocked"],
    [45011, 429, "rate_limited", "60"],
    [40001, 502, "wechat_error"],
    [99999, 502, "wechat_error"],
  ];
  for (const [errcode, status, code, retryAfter = null] of fromWechat) {
    it(`${status} ${code} for WeChat's errcode ${errcode}`, async () => {
      const { post, wechat } = await startApp();
      wechat.bendNext({ errcode });
      const answer = await post("/wx/login", { code: "c" });
      expect(answer.status).to.equal(status);
      expect(answer.body).to.deep.equal(errorBody(code, answer.body.error.message, errcode));
      expect(answer.body.error.message).to.have.length.above(15);
      expect(answer.headers.get("retry-after")).to.equal(retryAfter);
    });
  }

  for (const errcode of [40013, 40125, 40164, 40243, 41002, 41004, 50002, 50007]) {
    it(`500 misconfigured for ${errcode}: the details go to onError and not to the client`, async () => {
      const onError = sinon.spy();
      const { post, wechat } = await startApp({ onError });
      wechat.bendNext({ errcode });
      const answer = await post("/wx/login", { code: "c" });
      expect(answer.status).to.equal(500);
      expect(answer.body.error).to.have.keys("code", "message", "docs");
      expect(answer.body.error.code).to.equal("misconfigured");
      expect(JSON.stringify(answer.body)).to.not.include(String(errcode));
      expect(onError.firstCall.firstArg.errcode).to.equal(errcode);
      expect(onError.firstCall.firstArg.cause.message).to.match(
        new RegExp(`errcode ${errcode}, bent, rid: `),
      );
    });
  }

  it("401 invalid_code for the mock code of the DevTools, without asking WeChat", async () => {
    const { post, wechat } = await startApp();
    const answer = await post("/wx/login", { code: "the code is a mock one" });
    expect(answer.status).to.equal(401);
    expect(answer.body.error.code).to.equal("invalid_code");
    expect(answer.body.error.message).to.match(/DevTools/);
    expect(wechat.requests).to.deep.equal([]);
  });

  it("401 invalid_code for a code used before", async () => {
    const { post, wechat } = await startApp();
    const login = wechat.phone({ unionid: "u1" }).login();
    await post("/wx/login", login);
    const answer = await post("/wx/login", login);
    expect(answer.status).to.equal(401);
    expect(answer.body.error).to.include({ code: "invalid_code", errcode: 40163 });
  });

  describe("401 invalid_temporary_token", () => {
    async function expectRefused(answer: Promise<{ status: number; body: object }>) {
      const { status, body } = await answer;
      expect(status).to.equal(401);
      expect(body).to.deep.equal(
        errorBody(
          "invalid_temporary_token",
          "The temporary token is unknown, used or expired: call wx.login again.",
        ),
      );
    }

    it("for one that was never given", async () => {
      const { post } = await startApp();
      await expectRefused(post("/wx/login/complete", { temporaryToken: "A".repeat(43), nickName: "a" }));
    });

    it("for one that was used", async () => {
      const { complete, phone } = await pendingLogin();
      await complete(phone.getUserInfo());
      await expectRefused(complete(phone.getUserInfo()));
    });

    it("for one whose time is over", async () => {
      const { complete, phone, keys } = await pendingLogin();
      await redis().pexpire((await keys())[0] ?? "", 1);
      await new Promise((resolve) => setTimeout(resolve, 20));
      await expectRefused(complete(phone.getUserInfo()));
    });

    it("for one of another app that shares the Redis", async () => {
      const { temporaryToken, keyPrefix, phone } = await pendingLogin();
      const other = await startApp({ appId: "wxffffffffffffffff", keyPrefix });
      await expectRefused(other.post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() }));
    });

    it("for the hash under which it is kept, the openid, and the whole key", async () => {
      const { post, phone, keys } = await pendingLogin();
      const [key = ""] = await keys();
      for (const temporaryToken of [key, key.slice(-43), phone.openid]) {
        await expectRefused(post("/wx/login/complete", { temporaryToken, nickName: "a" }));
      }
    });
  });

  const MISSING = "openid or session_key is missing";
  for (const [name, [body, reason]] of Object.entries<[string, string]>({
    "an answer without openid": ['{"session_key":"tiihtNczf5v6AKRyjwEUhQ=="}', MISSING],
    "an answer without session_key": ['{"openid":"o1"}', MISSING],
    "an empty openid": ['{"openid":"","session_key":"k"}', MISSING],
    "a session_key of the wrong type": ['{"openid":"o1","session_key":5}', MISSING],
    "an array": ["[]", "it is no JSON object"],
    null: ["null", "it is no JSON object"],
    "a text": ['"ok"', "it is no JSON object"],
    "an errcode that is no number": ['{"errcode":"x"}', "its errcode is no number"],
  })) {
    it(`502 wechat_error for ${name}`, async () => {
      const { post, wechat } = await startApp();
      wechat.bendNext({ body });
      const answer = await post("/wx/login", { code: "c" });
      const message = `WeChat's answer makes no sense: ${reason}.`;
      expect([answer.status, answer.body]).to.deep.equal([502, errorBody("wechat_error", message)]);
    });
  }

  describe("errors that are not ours", () => {
    for (const callback of ["findUser", "saveUser", "onLogin"] as const) {
      it(`${callback}'s reach the host's error handler, and the token is good for the rest of its life`, async () => {
        const fault = new Error("the host's database is away");
        const table = userTable();
        const host = { ...table, onLogin: () => ({ hello: "you" }) };
        let isUp = true;
        const flaky = (...args: unknown[]) =>
          isUp ? (host[callback] as (...args: unknown[]) => unknown)(...args) : Promise.reject(fault);
        const { findUser, saveUser, onLogin } = Object.assign({ ...host }, { [callback]: flaky });
        const app = await pendingLogin({ findUser, saveUser, onLogin });
        const [key = ""] = await app.keys();
        const before = await redis().ttl(key);

        isUp = false;
        const failed = await app.complete(app.phone.getUserInfo());
        isUp = true;

        expect(failed.body).to.deep.equal({ host: "error" });
        expect(app.hostErrors[0]).to.equal(fault);
        expect(await app.keys()).to.deep.equal([key]);
        expect(await redis().ttl(key)).to.be.within(before - 2, before);
        const repeated = await app.complete(app.phone.getUserInfo());
        expect(repeated.body).to.deep.equal({ hello: "you", status: "signed_in" });
        expect(table.users).to.have.length(1);
      });
    }

    it("a callback that throws instead of rejecting is treated alike", async () => {
      const findUser = () => {
        throw new Error("sync");
      };
      const { post, wechat, hostErrors } = await startApp({ findUser });
      expect((await post("/wx/login", wechat.phone().login())).status).to.equal(500);
      expect(String(hostErrors[0])).to.equal("Error: sync");
    });

    it("those of Redis are passed on untouched", async () => {
      const fault = new Error("READONLY");
      const fail = () => Promise.reject(fault);
      const broken = { set: fail, get: fail, getdel: fail, eval: fail, evalsha: fail };
      const { post, wechat, hostErrors } = await startApp({ redis: broken });
      expect((await post("/wx/login", wechat.phone().login())).body).to.deep.equal({ host: "error" });
      const body = { temporaryToken: "A".repeat(43), nickName: "a" };
      expect((await post("/wx/login/complete", body)).body).to.deep.equal({ host: "error" });
      expect(hostErrors).to.deep.equal([fault, fault]);
    });

    it("the host's error is told even where the token cannot be put back", async () => {
      const { complete, phone, hostErrors } = await pendingLogin({
        redis: {
          set: failingFrom(2, (key: string, value: string, ex: "EX", ttl: number) =>
            redis().set(key, value, ex, ttl),
          ),
          get: (key) => redis().get(key),
          getdel: (key) => redis().getdel(key),
          eval: (text, ...args) => redis().eval(text, ...args),
          evalsha: failingFrom(2, (sha1: string, ...args: [number, ...(string | number)[]]) =>
            redis().evalsha(sha1, ...args),
          ),
        },
        saveUser: () => Promise.reject(new Error("database")),
      });
      expect((await complete(phone.getUserInfo())).body).to.deep.equal({ host: "error" });
      expect(hostErrors.map(String)).to.deep.equal(["Error: database"]);
    });

    it("a token is not put back after an answer of ours", async () => {
      const { complete, keys } = await pendingLogin();
      const body = { encryptedData: "AAAA", iv: "AAAA", rawData: "{}", signature: "0" };
      expect((await complete(body)).body.error.code).to.equal("invalid_user_data");
      expect((await keys()).filter((key) => key.includes(":pending:"))).to.deep.equal([]);
    });
  });
});

/** A function that works until its nth call. */
function failingFrom<Args extends unknown[], Result>(nth: number, work: (...args: Args) => Promise<Result>) {
  let calls = 0;
  return async (...args: Args): Promise<Result> => {
    calls += 1;
    if (calls >= nth) throw new Error("Redis is away");
    return await work(...args);
  };
}

describe("every error that is answered here", () => {
  it("is told to onError first, with the request", async () => {
    const onError = sinon.spy();
    const { post } = await startApp({ onError });
    await post("/wx/login", {});
    expect(onError.calledOnce).to.equal(true);
    const [error, req] = onError.firstCall.args;
    expect(error).to.be.instanceOf(WechatLoginError).and.include({ code: "invalid_request", status: 400 });
    expect(error.name).to.equal("WechatLoginError");
    expect(req.originalUrl).to.equal("/wx/login");
  });

  it("is the host's, once its onError fails", async () => {
    const { post, hostErrors } = await startApp({ onError: () => Promise.reject(new Error("logger")) });
    expect((await post("/wx/login", {})).status).to.equal(500);
    expect(String(hostErrors[0])).to.equal("Error: logger");
  });

  it("is JSON, and nobody caches it", async () => {
    const { url, post, wechat } = await startApp();
    for (const answer of [
      await send(`${url}/wx/login`, "{"),
      await post("/wx/login", wechat.phone({ unionid: "u" }).login()),
    ]) {
      expect(answer.headers.get("content-type")).to.equal("application/json; charset=utf-8");
      expect(answer.headers.get("cache-control")).to.equal("no-store");
    }
  });
});
