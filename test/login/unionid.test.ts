import { expect } from "chai";
import { APP_ID, redis, startApp } from "../support/login-app.ts";

const OPENID = "oGZUI0egBJY1zhBYw2KhdUfwVJJE";
const UNIONID = "ocMvos6NjeKLIBqg5Mr9QjxrP1FA";

describe("scenario 1: the unionid is all that is required", () => {
  it("signs in and stores a stranger whose unionid comes with the code", async () => {
    const { wechat, post, saveUser, users } = await startApp();
    const phone = wechat.phone({ openid: OPENID, unionid: UNIONID });

    const answer = await post("/wx/login", phone.login());

    expect(answer.status).to.equal(200);
    expect(answer.body).to.deep.equal({ status: "signed_in" });
    expect(saveUser.args).to.deep.equal([[{ appId: APP_ID, openid: OPENID, unionid: UNIONID }]]);
    expect(users).to.have.length(1);
  });

  it("asks findUser with all that is known of the identity", async () => {
    const { wechat, post, findUser } = await startApp();
    await post("/wx/login", wechat.phone({ openid: "o1", unionid: "u1" }).login());
    await post("/wx/login", wechat.phone({ openid: "o2" }).login());
    expect(findUser.args).to.deep.equal([
      [{ appId: APP_ID, openid: "o1", unionid: "u1" }],
      [{ appId: APP_ID, openid: "o2" }],
    ]);
  });

  it("signs in a stored user without saving again", async () => {
    const { wechat, post, saveUser } = await startApp({}, [{ openid: OPENID, unionid: UNIONID }]);
    const answer = await post("/wx/login", wechat.phone({ openid: OPENID, unionid: UNIONID }).login());
    expect(answer.body).to.deep.equal({ status: "signed_in" });
    expect(saveUser.called).to.equal(false);
  });

  it("signs in by the stored unionid where WeChat gives none", async () => {
    const { wechat, post, saveUser } = await startApp({}, [{ openid: OPENID, unionid: UNIONID }]);
    const answer = await post("/wx/login", wechat.phone({ openid: OPENID }).login());
    expect(answer.body).to.deep.equal({ status: "signed_in" });
    expect(saveUser.called).to.equal(false);
  });

  it("gives a stored user the unionid that appears once the Mini Program is bound", async () => {
    const { wechat, post, saveUser, users } = await startApp({}, [{ openid: OPENID, unionid: null }]);
    await post("/wx/login", wechat.phone({ openid: OPENID, unionid: UNIONID }).login());
    expect(saveUser.calledOnce).to.equal(true);
    expect(users).to.deep.equal([{ id: 1, appId: APP_ID, openid: OPENID, unionid: UNIONID }]);
  });

  it("asks for what is missing, under a token that lives in Redis as a hash and with a TTL", async () => {
    const { wechat, post, keys, saveUser } = await startApp();
    const answer = await post("/wx/login", wechat.phone({ unionid: UNIONID, unionidAtLogin: false }).login());

    const { temporaryToken, ...rest } = answer.body;
    expect(answer.status).to.equal(200);
    expect(rest).to.deep.equal({ status: "incomplete", expiresIn: 300, missing: ["unionid"] });
    expect(temporaryToken).to.match(/^[\w-]{43}$/);
    expect(saveUser.called).to.equal(false);
    const [key = "", ...others] = await keys();
    expect(others).to.deep.equal([]);
    expect(key)
      .to.match(new RegExp(`:${APP_ID}:pending:[\\w-]{22}$`))
      .and.not.include(temporaryToken);
    expect(await redis().ttl(key)).to.be.within(298, 300);
  });

  it("completes with the data of the authorisation button, and takes the session_key from Redis for good", async () => {
    const { wechat, post, keys, saveUser, users } = await startApp();
    const phone = wechat.phone({ openid: OPENID, unionid: UNIONID, unionidAtLogin: false, client: "old" });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;

    const answer = await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });

    expect(answer.status).to.equal(200);
    expect(answer.body).to.deep.equal({ status: "signed_in" });
    expect(await keys()).to.deep.equal([]);
    const avatarUrl = "https://thirdwx.qlogo.cn/mmopen/vi_32/simulated/132";
    const saved = { appId: APP_ID, openid: OPENID, unionid: UNIONID, nickName: "Band", avatarUrl };
    expect(saveUser.args).to.deep.equal([[saved]]);
    expect(users).to.deep.equal([{ id: 1, ...saved }]);
  });

  it("never asks a user again who has completed once", async () => {
    const { wechat, post } = await startApp();
    const phone = wechat.phone({ unionid: UNIONID, unionidAtLogin: false });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });

    const again = await post("/wx/login", phone.login());

    expect(again.body).to.deep.equal({ status: "signed_in" });
  });

  it("finds someone of another app by a unionid that was inside the data, and saves the new openid", async () => {
    const { wechat, post, users } = await startApp({}, [
      { openid: "o-of-web", appId: "web", unionid: UNIONID },
    ]);
    const phone = wechat.phone({ openid: OPENID, unionid: UNIONID, unionidAtLogin: false });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
    expect(users).to.deep.equal([{ id: 1, appId: APP_ID, openid: OPENID, unionid: UNIONID }]);
  });

  it("saves nothing for a host whose users have no openid field of their own", async () => {
    const findUser = () => ({ id: 1, unionid: UNIONID }) as never;
    const { wechat, post, saveUser } = await startApp({ findUser });
    await post("/wx/login", wechat.phone({ unionid: UNIONID }).login());
    expect(saveUser.called).to.equal(false);
  });

  it("refuses data whose unionId is not the one of code2Session", async () => {
    const { wechat, post, saveUser } = await startApp({ require: ["unionid", "nickName"] });
    const phone = wechat.phone({ openid: OPENID, unionid: UNIONID, client: "old" });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    const data = phone.getUserInfo({ unionId: "u-of-another" });
    const answer = await post("/wx/login/complete", { temporaryToken, ...data });
    expect([answer.status, answer.body.error.code]).to.deep.equal([401, "invalid_user_data"]);
    expect(saveUser.called).to.equal(false);
  });

  it("says with the cure that WeChat has no unionid for this Mini Program", async () => {
    const { wechat, post, keys } = await startApp();
    const phone = wechat.phone();
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    const answer = await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
    expect(answer.status).to.equal(403);
    expect(answer.body.error.code).to.equal("unionid_unavailable");
    expect(answer.body.error.message).to.match(/bind the Mini Program to an Open Platform account/);
    expect(await keys()).to.deep.equal([]);
  });

  it("needs no unionid where none is required", async () => {
    const { wechat, post, users } = await startApp({ require: [] });
    const answer = await post("/wx/login", wechat.phone({ openid: OPENID }).login());
    expect(answer.body).to.deep.equal({ status: "signed_in" });
    expect(users).to.deep.equal([{ id: 1, appId: APP_ID, openid: OPENID }]);
  });
});

describe("a refusal", () => {
  it("consumes nothing: the same token works for the next press of the button", async () => {
    const { wechat, post, saveUser } = await startApp();
    const phone = wechat.phone({ unionid: UNIONID, unionidAtLogin: false });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;

    const refused = await post("/wx/login/complete", { temporaryToken, ...phone.refuse() });
    expect(refused.status).to.equal(400);
    expect(refused.body.error.code).to.equal("authorization_denied");
    expect(saveUser.called).to.equal(false);

    const allowed = await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
    expect(allowed.body).to.deep.equal({ status: "signed_in" });
  });

  for (const errMsg of [
    "getUserInfo:fail auth deny",
    "getUserProfile:fail auth deny",
    "getPhoneNumber:fail user deny",
    "getPhoneNumber:fail privacy permission is not authorized",
    "getUserInfo:fail auth denied",
    "getUserProfile:fail cancel",
  ]) {
    it(`is read from "${errMsg}"`, async () => {
      const { post } = await startApp();
      const answer = await post("/wx/login/complete", { temporaryToken: "t", errMsg });
      expect(answer.body.error.code).to.equal("authorization_denied");
    });
  }

  for (const errMsg of ["getUserInfo:ok", "getUserInfo:fail network", "deny", 5]) {
    it(`is not read from ${JSON.stringify(errMsg)}`, async () => {
      const { post } = await startApp();
      const answer = await post("/wx/login/complete", { temporaryToken: "t", errMsg });
      expect(answer.body.error.code).to.equal("invalid_request");
    });
  }
});
