import { expect } from "chai";
import sinon from "sinon";
import { seal, sign } from "../../lib/simulator/user-data.ts";
import { APP_ID, startApp } from "../support/login-app.ts";
import { formOf, PICTURES } from "../support/pictures.ts";
import { until } from "../support/until.ts";

const COMPLETE = "/wx/login/complete";
type Options = Parameters<typeof startApp>[0];

/** A login that waits to be completed. */
async function pendingLogin(
  options: Options,
  person: object = {},
  users: Parameters<typeof startApp>[1] = [],
) {
  const app = await startApp(options, users);
  const phone = app.wechat.phone({ openid: "o1", ...person });
  const { body } = await app.post("/wx/login", phone.login());
  const complete = (data: object, temporaryToken = body.temporaryToken) =>
    app.post(COMPLETE, { temporaryToken, ...data });
  const paths = () => app.wechat.requests.map(({ path }) => path);
  return { ...app, phone, ...body, complete, paths };
}

describe("a login that stays incomplete", () => {
  const lacking = { require: ["nickName", "avatarUrl"] as const };

  it("ends when its first token would have ended, however often it is asked for more", async () => {
    const { complete, temporaryToken, keys } = await pendingLogin({ ...lacking, temporaryTokenTtl: 2 });
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const { body } = await complete({ nickName: "Ada" }, temporaryToken);
    expect([body.status, Number(body.expiresIn) < 2]).to.deep.equal(["incomplete", true]);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await keys()).to.deep.equal([]);
    const over = await complete({ nickName: "Ada" }, body.temporaryToken);
    expect(over.body.error.code).to.equal("invalid_temporary_token");
  });

  it("takes twenty requests in all, and then wants a new wx.login", async () => {
    let { complete, temporaryToken, keys } = await pendingLogin(lacking);
    for (let count = 1; count < 20; count++) {
      const { body } = await complete({ nickName: `Ada ${count}` }, temporaryToken);
      expect(body.missing).to.deep.equal(["avatarUrl"]);
      ({ temporaryToken } = body);
    }
    const last = await complete({ nickName: "Ada" }, temporaryToken);
    expect([last.status, last.body.error.code]).to.deep.equal([401, "invalid_temporary_token"]);
    expect(await keys()).to.deep.equal([]);
  });
});

describe("a phone code in an app without unionids", () => {
  it("is not exchanged if the user data beside it show that the login cannot succeed", async () => {
    const { complete, phone, paths, saveUser } = await pendingLogin({ require: ["unionid", "phoneNumber"] });
    const phoneCode = phone.getPhoneNumber().code;
    const answer = await complete({ ...phone.getUserInfo(), phoneCode });
    expect([answer.status, answer.body.error.code]).to.deep.equal([403, "unionid_unavailable"]);
    expect(paths()).to.deep.equal(["/sns/jscode2session"]);
    expect(saveUser.called).to.equal(false);
  });
});

describe("two requests that change one user", () => {
  it("a name that the user typed stays, also if WeChat's data come later", async () => {
    const { complete, phone, users } = await pendingLogin(
      { require: ["nickName", "avatarUrl"] },
      { client: "old", nickName: "WeChat's" },
    );
    const { body } = await complete({ nickName: "typed" });
    expect(body.missing).to.deep.equal(["avatarUrl"]);
    await complete(phone.getUserInfo(), body.temporaryToken);
    expect(users[0]).to.include({ nickName: "typed", avatarUrl: phone.getUserInfo().userInfo.avatarUrl });
  });

  it("WeChat's placeholder, typed beside WeChat's data, takes no name away", async () => {
    const { complete, phone, users } = await pendingLogin(
      { require: ["nickName"] },
      { client: "old", nickName: "WeChat's" },
    );
    await complete({ ...phone.getUserInfo(), nickName: "微信用户" });
    expect(users[0]).to.include({ nickName: "WeChat's" });
  });

  it("a typed name replaces a stored one, also if it is the one in WeChat's data", async () => {
    const stored = { openid: "o1", nickName: "before" };
    const { complete, phone, users } = await pendingLogin(
      { require: ["nickName", "avatarUrl"] },
      { client: "old", nickName: "same" },
      [stored],
    );
    await complete({ ...phone.getUserInfo(), nickName: "same" });
    expect(users[0]).to.include({ nickName: "same" });
  });

  for (const [what, data] of [
    ["a picture is being kept", {}],
    ["a nickname is being checked", { nickName: "Ada" }],
  ] as const) {
    it(`what another request saves while ${what} is not overwritten`, async () => {
      const work = { begun: false, finish: () => {} };
      const slow = <Result>(result: Result) =>
        new Promise<Result>((resolve) => {
          work.begun = true;
          work.finish = () => resolve(result);
        });
      const app = await startApp(
        {
          require: ["avatarUrl"],
          checkContent: "nickName" in data,
          onReview: () => slow(true),
          saveAvatar: () => ("nickName" in data ? "https://host/new.png" : slow("https://host/new.png")),
        },
        [{ openid: "o1", phoneNumber: "1" }],
      );
      const { temporaryToken } = (await app.post("/wx/login", app.wechat.phone({ openid: "o1" }).login()))
        .body;
      const review = JSON.stringify({ errcode: 0, result: { suggest: "review" } });
      if ("nickName" in data) for (const bend of [{}, { body: review }]) app.wechat.bendNext(bend);
      const done = app.upload(COMPLETE, formOf({ temporaryToken, ...data }, PICTURES.png));
      await until(() => work.begun);
      Object.assign(app.users[0] as object, { phoneNumber: "2", unionid: "u2" });
      work.finish();
      expect((await done).status).to.equal(200);
      expect(app.users[0]).to.include({ phoneNumber: "2", unionid: "u2", avatarUrl: "https://host/new.png" });
    });
  }
});

describe("checkContent and a nickname in WeChat's data", () => {
  const required = { require: ["unionid"], checkContent: true } as const;
  const person = { unionid: "u1", unionidAtLogin: false, client: "old", nickName: "bad" } as const;

  async function suggesting(suggest: string, users: Parameters<typeof startApp>[1] = []) {
    const app = await pendingLogin(required, person, users);
    for (const bend of [{}, { body: JSON.stringify({ errcode: 0, result: { suggest } }) }])
      app.wechat.bendNext(bend);
    return app;
  }

  it("risky is 403 and nothing is saved; the same token takes another name", async () => {
    const { complete, phone, saveUser, users } = await suggesting("risky");
    const answer = await complete(phone.getUserInfo());
    expect([answer.status, answer.body.error.code]).to.deep.equal([403, "content_rejected"]);
    expect(saveUser.called).to.equal(false);
    expect((await complete({ nickName: "good" })).body).to.deep.equal({ status: "signed_in" });
    expect(users[0]).to.include({ unionid: "u1", nickName: "good" });
  });

  it("pass is saved", async () => {
    const { complete, phone, users } = await suggesting("pass");
    expect((await complete(phone.getUserInfo())).body).to.deep.equal({ status: "signed_in" });
    expect(users[0]).to.include({ unionid: "u1", nickName: "bad" });
  });

  it("is not asked about a name that is not saved: one is stored, or typed beside it", async () => {
    const { complete, phone, paths, users } = await pendingLogin(required, person, [
      { openid: "o1", nickName: "mine" },
    ]);
    expect((await complete(phone.getUserInfo())).status).to.equal(200);
    expect(users[0]).to.include({ unionid: "u1", nickName: "mine" });
    expect(paths()).to.deep.equal(["/sns/jscode2session"]);
    const other = await pendingLogin(required, person);
    await other.complete({ ...other.phone.getUserInfo(), nickName: "typed" });
    const checked = other.wechat.requests.filter(({ path }) => path === "/wxa/msg_sec_check");
    expect(checked.map(({ body }) => (body as { content: string }).content)).to.deep.equal(["typed"]);
  });
});

describe("user data without rawData and signature", () => {
  it("are refused before anything is opened, and the token stays good", async () => {
    for (const require of [["unionid"], ["unionid", "phoneNumber"]] as const) {
      const { complete, phone } = await pendingLogin(
        { require: [...require] },
        { unionid: "u1", unionidAtLogin: false },
      );
      const { encryptedData, iv, ...signed } = phone.getUserInfo();
      const answer = await complete({ encryptedData, iv, errMsg: "getUserInfo:ok" });
      expect([answer.status, answer.body.error.code]).to.deep.equal([400, "invalid_request"]);
      expect(answer.body.error.message).to.match(/^rawData and signature are missing/);
      expect((await complete({ encryptedData, iv, ...signed })).status).to.equal(200);
    }
  });

  it("are taken as the old form of the phone button, if that is what they are", async () => {
    for (const [require, more] of [
      [["phoneNumber"], {}],
      [["nickName"], { errMsg: "getPhoneNumber:ok" }],
    ] as const) {
      const { complete, phone } = await pendingLogin({ require: [...require] });
      const { encryptedData, iv } = phone.getPhoneNumber();
      expect((await complete({ encryptedData, iv, ...more, nickName: "Ada" })).body).to.deep.equal({
        status: "signed_in",
      });
    }
  });
});

describe("what the operator is told of user data", () => {
  it("members that WeChat has added are dropped and named, and the login goes on", async () => {
    const onError = sinon.spy();
    const { complete, phone, saveUser } = await pendingLogin(
      { onError },
      { unionid: "u1", unionidAtLogin: false },
    );
    expect((await complete(phone.getUserInfo({ is_demote: true, level: 3 }))).body).to.deep.equal({
      status: "signed_in",
    });
    const { code, message } = onError.firstCall.firstArg;
    expect([onError.callCount, code, message]).to.deep.equal([
      1,
      "wechat_error",
      "WeChat's user data have members that this version does not know, and drops: is_demote, level.",
    ]);
    expect(saveUser.firstCall.firstArg).to.have.keys("appId", "openid", "unionid");
  });

  it("an onError that fails when it is told of them costs nobody the token, also where it rejects with nothing", async () => {
    let isBroken = true;
    const onError = () => (isBroken ? Promise.reject() : undefined);
    const { complete, phone, hostErrors } = await pendingLogin(
      { onError },
      { unionid: "u1", unionidAtLogin: false },
    );
    expect((await complete(phone.getUserInfo({ level: 3 }))).body).to.deep.equal({ host: "error" });
    expect(hostErrors.map((error) => (error as Error).message)).to.deep.equal([
      "wechatLogin: onError threw something that is no Error (undefined): let it throw an Error.",
    ]);
    isBroken = false;
    expect((await complete(phone.getUserInfo({ level: 3 }))).body).to.deep.equal({ status: "signed_in" });
  });

  it("a token is spent by user data that cannot be opened, also where too many could not", async () => {
    const { wechat, post } = await startApp();
    const phone = wechat.phone({ openid: "o1", unionid: "u1", unionidAtLogin: false });
    for (let count = 0; count < 21; count++) {
      const { temporaryToken } = (await post("/wx/login", phone.login())).body;
      const bad = { temporaryToken, ...phone.getUserInfo({ openId: "oAnother" }) };
      expect((await post(COMPLETE, bad)).status).to.equal(count < 20 ? 401 : 429);
      const { code } = (await post(COMPLETE, { temporaryToken, ...phone.getUserInfo() })).body.error;
      expect(code).to.equal("invalid_temporary_token");
    }
  });

  it("failures of one user are limited; others, and good data, are not", async () => {
    const { post, wechat } = await startApp();
    const attempt = async (openid: string, bent: object) => {
      const phone = wechat.phone({ openid, unionid: openid, unionidAtLogin: false });
      const { temporaryToken } = (await post("/wx/login", phone.login())).body;
      return await post(COMPLETE, { temporaryToken, ...phone.getUserInfo(bent) });
    };
    for (let count = 0; count < 20; count++) {
      expect((await attempt("o1", { openId: "oAnother" })).status).to.equal(401);
    }
    const limited = await attempt("o1", { openId: "oAnother" });
    expect([limited.status, limited.body.error.code]).to.deep.equal([429, "rate_limited"]);
    expect(Number(limited.headers.get("retry-after"))).to.be.within(1, 600);
    expect((await attempt("o2", { openId: "oAnother" })).status).to.equal(401);
    expect((await attempt("o1", {})).status).to.equal(200);
  });
});

describe("sealedUnionid: false", () => {
  it("answers 403 at once if neither WeChat nor the host knows the unionid: no button would bring it", async () => {
    const { wechat, post, keys } = await startApp({ sealedUnionid: false });
    const phone = wechat.phone({ unionid: "u1", unionidAtLogin: false });
    const answer = await post("/wx/login", phone.login());
    expect([answer.status, answer.body.error.code]).to.deep.equal([403, "unionid_unavailable"]);
    expect(await keys()).to.deep.equal([]);
  });

  it("takes the unionid from code2Session or the host, and never one from user data", async () => {
    const options = { sealedUnionid: false, require: ["nickName"] } as const;
    for (const known of [true, false]) {
      const { complete, phone, users } = await pendingLogin(
        { ...options },
        { unionid: "u1", unionidAtLogin: known, client: "old" },
      );
      expect((await complete(phone.getUserInfo())).status).to.equal(200);
      expect(users[0]?.unionid).to.equal(known ? "u1" : undefined);
    }
  });
});

describe("a nickname with control bytes that WeChat did not escape", () => {
  it("signs its user in", async () => {
    const { wechat, post, saveUser } = await startApp({ require: ["nickName"] });
    wechat.bendNext({ body: JSON.stringify({ openid: "o1", session_key: "tiihtNczf5v6AKRyjwEUhQ==" }) });
    const { temporaryToken } = (await post("/wx/login", { code: "c" })).body;
    const rawData = '{"nickName":"A\nda"}';
    const watermark = { appid: APP_ID, timestamp: Math.floor(Date.now() / 1000) };
    const sealed = seal({ openId: "o1", nickName: "A\nda", watermark }, "tiihtNczf5v6AKRyjwEUhQ==");
    const signature = sign(rawData, "tiihtNczf5v6AKRyjwEUhQ==");
    const answer = await post(COMPLETE, { temporaryToken, ...sealed, rawData, signature });
    expect(answer.body).to.deep.equal({ status: "signed_in" });
    expect(saveUser.callCount).to.equal(1);
  });
});
