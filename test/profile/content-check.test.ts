import { expect } from "chai";
import sinon from "sinon";
import { errorBody } from "../support/error-body.ts";
import { startApp } from "../support/login-app.ts";
import { formOf, PICTURES } from "../support/pictures.ts";

const COMPLETE = "/wx/login/complete";

/** A login that lacks the nickname, with the content check on; WeChat suggests what the nickname says. */
async function pending(options: Parameters<typeof startApp>[0] = {}) {
  const app = await startApp({ require: ["nickName"], checkContent: true, ...options });
  const phone = app.wechat.phone({ openid: "o1" });
  const { temporaryToken } = (await app.post("/wx/login", phone.login())).body;
  const complete = (body: object) => app.post(COMPLETE, { temporaryToken, ...body });
  /** The answer to the next content check. */
  const suggest = (suggestion: string) => {
    app.wechat.bendNext({});
    app.wechat.bendNext({
      body: JSON.stringify({ errcode: 0, result: { suggest: suggestion, label: 20001 } }),
    });
  };
  const checks = () => app.wechat.requests.filter(({ path }) => path === "/wxa/msg_sec_check");
  return { ...app, phone, temporaryToken, complete, suggest, checks };
}

describe("checkContent", () => {
  it("has WeChat look at a nickname before it is saved", async () => {
    const { complete, checks, users } = await pending();
    expect((await complete({ nickName: "小明" })).body).to.deep.equal({ status: "signed_in" });
    const body = { version: 2, openid: "o1", scene: 1, content: "小明", nickname: "小明" };
    expect(checks().map((check) => check.body)).to.deep.equal([body]);
    expect(users[0]).to.include({ nickName: "小明" });
  });

  it("is off by default", async () => {
    const { complete, checks } = await pending({ checkContent: undefined });
    await complete({ nickName: "小明" });
    expect(checks()).to.deep.equal([]);
  });

  it("has nothing to look at if there is no nickname", async () => {
    const { post, wechat, users } = await startApp({ require: ["avatarUrl"], checkContent: true });
    const phone = wechat.phone({ client: "old", nickName: "" });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    await post(COMPLETE, { temporaryToken, ...phone.getUserInfo() });
    expect(wechat.requests).to.have.length(1);
    expect(users).to.have.length(1);
  });

  it("risky is 403, and the same token takes another name", async () => {
    const { complete, suggest, saveUser } = await pending();
    suggest("risky");
    const answer = await complete({ nickName: "bad" });
    expect([answer.status, answer.body]).to.deep.equal([
      403,
      errorBody("content_rejected", "The nickname is rejected by the content check: choose another."),
    ]);
    expect(saveUser.called).to.equal(false);
    expect((await complete({ nickName: "good" })).body).to.deep.equal({ status: "signed_in" });
  });

  it("87014, the old form of risky, is 403 as well", async () => {
    const { complete, wechat } = await pending();
    for (const bend of [{}, { errcode: 87014 }]) wechat.bendNext(bend);
    const answer = await complete({ nickName: "bad" });
    const message = "WeChat's content check says that this is risky: choose another name.";
    expect([answer.status, answer.body]).to.deep.equal([403, errorBody("content_rejected", message, 87014)]);
  });

  it("goes before the phone number, which costs money, and before the avatar, which is kept", async () => {
    const saveAvatar = sinon.spy(() => "https://host/a.png");
    const { upload, suggest, phone, wechat, temporaryToken } = await pending({ saveAvatar });
    suggest("risky");
    const fields = { temporaryToken, nickName: "bad", phoneCode: phone.getPhoneNumber().code };
    expect((await upload(COMPLETE, formOf(fields, PICTURES.png))).status).to.equal(403);
    expect(saveAvatar.called).to.equal(false);
    expect(wechat.requests.map(({ path }) => path)).to.not.include("/wxa/business/getuserphonenumber");
  });

  it("review is accepted where the host says nothing", async () => {
    const { complete, suggest } = await pending();
    suggest("review");
    expect((await complete({ nickName: "hm" })).body).to.deep.equal({ status: "signed_in" });
  });

  for (const [decision, status] of [
    [true, 200],
    [false, 403],
  ] as const) {
    it(`review is the host's to decide: ${decision}`, async () => {
      const onReview = sinon.spy(async () => decision);
      const { complete, suggest } = await pending({ onReview });
      suggest("review");
      expect((await complete({ nickName: "hm" })).status).to.equal(status);
      expect(onReview.args).to.deep.equal([["hm", { appId: "wx0123456789abcdef", openid: "o1" }]]);
    });
  }

  it("the host is not asked about pass and risky", async () => {
    const onReview = sinon.spy(() => true);
    const { complete, suggest } = await pending({ onReview });
    suggest("risky");
    await complete({ nickName: "bad" });
    await complete({ nickName: "good" });
    expect(onReview.called).to.equal(false);
  });

  for (const [errcode, status, code] of [
    [61010, 502, "wechat_error"],
    [45009, 429, "rate_limited"],
    [40129, 502, "wechat_error"],
  ] as const) {
    it(`${errcode} is no verdict: ${code}, and the token stays good`, async () => {
      const { complete, wechat, users } = await pending();
      for (const bend of [{}, { errcode }]) wechat.bendNext(bend);
      const answer = await complete({ nickName: "小明" });
      expect([answer.status, answer.body.error.code, answer.body.error.errcode]).to.deep.equal([
        status,
        code,
        errcode,
      ]);
      expect(users).to.deep.equal([]);
      expect((await complete({ nickName: "小明" })).status).to.equal(200);
    });
  }

  for (const result of [undefined, null, {}, { suggest: "maybe" }]) {
    it(`an answer with ${JSON.stringify(result)} is no verdict`, async () => {
      const { complete, wechat } = await pending();
      wechat.bendNext({});
      wechat.bendNext({ body: JSON.stringify({ errcode: 0, result }) });
      expect((await complete({ nickName: "小明" })).body).to.deep.equal(
        errorBody("wechat_error", "WeChat's answer makes no sense: the content check has no verdict."),
      );
    });
  }

  it("looks at /profile, too", async () => {
    const { post, wechat, suggest, users } = await pending({ require: [], session: undefined });
    const { sessionToken } = (await post("/wx/login", wechat.phone({ openid: "o1" }).login())).body;
    suggest("risky");
    expect((await post("/wx/profile", { nickName: "bad" }, sessionToken)).status).to.equal(403);
    expect(users[0]).to.not.have.property("nickName");
  });
});
