import { expect } from "chai";
import { errorBody } from "../support/error-body.ts";
import { APP_ID, startApp } from "../support/login-app.ts";

const COMPLETE = "/wx/login/complete";
const PHONE = { phoneNumber: "10012345678", purePhoneNumber: "10012345678", countryCode: "86" };
const API = "/wxa/business/getuserphonenumber";

/** A login that lacks the phone number. */
async function pending(options: Parameters<typeof startApp>[0] = {}, user: object = { unionid: "u1" }) {
  const app = await startApp({ require: ["unionid", "phoneNumber"], ...options });
  const phone = app.wechat.phone({ openid: "o1", ...user });
  const { temporaryToken, missing } = (await app.post("/wx/login", phone.login())).body;
  const complete = (body: object, token = temporaryToken) =>
    app.post(COMPLETE, { temporaryToken: token, ...body });
  const calls = () => app.wechat.requests.filter(({ path }) => path === API);
  return { ...app, phone, missing, temporaryToken, complete, calls };
}

describe("the phone number as part of the login", () => {
  it("is asked for, looked up with the openid, and stored: number, pure number, country code", async () => {
    const { missing, complete, phone, users, post, calls, saveUser } = await pending();
    expect(missing).to.deep.equal(["phoneNumber"]);
    const { code } = phone.getPhoneNumber();
    expect((await complete({ phoneCode: code })).body).to.deep.equal({ status: "signed_in" });
    expect(saveUser.args).to.deep.equal([[{ appId: APP_ID, openid: "o1", unionid: "u1", ...PHONE }]]);
    expect(users[0]).to.include(PHONE);
    expect(calls().map(({ body }) => body)).to.deep.equal([{ code, openid: "o1" }]);
    expect((await post("/wx/login", phone.login())).body).to.deep.equal({ status: "signed_in" });
  });

  it("is a foreign one, with its country code", async () => {
    const { complete, phone, users } = await pending(
      {},
      { unionid: "u1", phoneNumber: "12345678", countryCode: "852" },
    );
    await complete({ phoneCode: phone.getPhoneNumber().code });
    expect(users[0]).to.include({
      phoneNumber: "+85212345678",
      purePhoneNumber: "12345678",
      countryCode: "852",
    });
  });

  it("comes in the old encrypted form as well, and costs nothing", async () => {
    const { complete, phone, users, calls } = await pending();
    const { encryptedData, iv } = phone.getPhoneNumber();
    expect((await complete({ encryptedData, iv })).body).to.deep.equal({ status: "signed_in" });
    expect(users[0]).to.include(PHONE);
    expect(calls()).to.deep.equal([]);
  });

  it("takes e.detail of the button spread into the body, where code is not looked at", async () => {
    const { complete, phone, users } = await pending();
    expect((await complete(phone.getPhoneNumber())).body).to.deep.equal({ status: "signed_in" });
    expect(users[0]).to.include(PHONE);
  });

  it("says nothing of a unionid that is missing, too", async () => {
    const { complete, phone } = await pending({}, { unionid: "u1", unionidAtLogin: false });
    const asked = await complete(phone.getPhoneNumber());
    expect(asked.body.missing).to.deep.equal(["unionid"]);
    const done = await complete(phone.getUserInfo(), asked.body.temporaryToken);
    expect(done.body).to.deep.equal({ status: "signed_in" });
  });

  it("is not asked for where it is not required, and stored where it is sent", async () => {
    const { post, wechat, users } = await startApp({ require: ["nickName"] });
    const phone = wechat.phone();
    const { temporaryToken, missing } = (await post("/wx/login", phone.login())).body;
    expect(missing).to.deep.equal(["nickName"]);
    await post(COMPLETE, { temporaryToken, nickName: "Ada", phoneCode: phone.getPhoneNumber().code });
    expect(users[0]).to.include({ nickName: "Ada", ...PHONE });
  });

  it("takes a country code that comes as a number", async () => {
    const { complete, wechat, users } = await pending();
    wechat.bendNext({});
    wechat.bendNext({ body: JSON.stringify({ errcode: 0, phone_info: { ...PHONE, countryCode: 86 } }) });
    await complete({ phoneCode: "c" });
    expect(users[0]).to.include(PHONE);
  });

  describe("a code that is refused leaves the token good", () => {
    const INVALID = errorBody(
      "invalid_phone_code",
      "The phone code is wrong, expired, used or another user's: let the user press the button again.",
      40029,
    );

    it("unknown, used, or the code of wx.login", async () => {
      const { complete, phone, wechat, post, users } = await pending();
      const used = phone.getPhoneNumber().code;
      await post(COMPLETE, {
        temporaryToken: (await post("/wx/login", wechat.phone({ openid: "o1", unionid: "u1" }).login())).body
          .temporaryToken,
        phoneCode: used,
      });
      users.length = 0;
      for (const phoneCode of ["unknown", used, phone.login().code]) {
        const answer = await complete({ phoneCode });
        expect([answer.status, answer.body]).to.deep.equal([400, INVALID]);
      }
      expect((await complete({ phoneCode: phone.getPhoneNumber().code })).body.status).to.equal("signed_in");
    });

    it("another user's", async () => {
      const { complete, phone, wechat, saveUser } = await pending();
      const other = wechat.phone({ openid: "o2", phoneNumber: "10087654321" });
      other.login();
      const { code } = other.getPhoneNumber();
      expect((await complete({ phoneCode: code })).body).to.deep.equal(INVALID);
      expect(saveUser.called).to.equal(false);
      await complete({ phoneCode: phone.getPhoneNumber().code });
      expect(saveUser.firstCall.firstArg).to.include(PHONE);
    });

    for (const [errcode, status, code] of [
      [40163, 400, "invalid_phone_code"],
      [45011, 429, "rate_limited"],
      [45009, 429, "rate_limited"],
      [40013, 500, "misconfigured"],
      [99999, 502, "wechat_error"],
      [-1, 503, "wechat_unavailable"],
    ] as const) {
      it(`${errcode} is ${code}`, async () => {
        const { complete, phone, wechat } = await pending();
        const { code: phoneCode } = phone.getPhoneNumber();
        for (const bend of [{}, { errcode }, ...(errcode === -1 ? [{ errcode }] : [])]) wechat.bendNext(bend);
        const answer = await complete({ phoneCode });
        expect([answer.status, answer.body.error.code]).to.deep.equal([status, code]);
        expect((await complete({ phoneCode })).body).to.deep.equal({ status: "signed_in" });
      });
    }

    for (const phone_info of [
      undefined,
      null,
      {},
      { ...PHONE, phoneNumber: "" },
      { ...PHONE, countryCode: null },
      { ...PHONE, purePhoneNumber: 5 },
    ]) {
      it(`an answer with ${JSON.stringify(phone_info)} makes no sense`, async () => {
        const { complete, wechat } = await pending();
        wechat.bendNext({});
        wechat.bendNext({ body: JSON.stringify({ errcode: 0, phone_info }) });
        expect((await complete({ phoneCode: "c" })).body).to.deep.equal(
          errorBody("wechat_error", "WeChat's answer makes no sense: phone_info is not whole."),
        );
      });
    }
  });

  it("costs one call for a code, also where the host fails after it", async () => {
    let isUp = false;
    const saveUser = () => (isUp ? undefined : Promise.reject(new Error("database")));
    const { complete, phone, calls } = await pending({ saveUser });
    const body = { phoneCode: phone.getPhoneNumber().code };
    expect((await complete(body)).body).to.deep.equal({ host: "error" });
    isUp = true;
    expect((await complete(body)).body).to.deep.equal({ status: "signed_in" });
    expect(calls()).to.have.length(1);
  });

  it("costs one call for a code that comes twice at once, in two logins", async () => {
    const { complete, phone, post, calls } = await pending();
    const second = (await post("/wx/login", phone.login())).body.temporaryToken;
    const body = { phoneCode: phone.getPhoneNumber().code };
    const answers = await Promise.all([complete(body), complete(body, second)]);
    expect(answers.map(({ body }) => body.status)).to.deep.equal(["signed_in", "signed_in"]);
    expect(calls()).to.have.length(1);
  });

  it("is not looked up for a request that is refused before", async () => {
    const { complete, phone, calls } = await pending();
    const phoneCode = phone.getPhoneNumber().code;
    await complete({ phoneCode, nickName: "a\nb" });
    await complete({ phoneCode, encryptedData: "AAAA", iv: "AAAA" });
    await complete({ phoneCode });
    expect(calls()).to.deep.equal([]);
  });

  it("a refusal by the user consumes nothing", async () => {
    const { complete, phone } = await pending();
    expect((await complete(phone.refuse("getPhoneNumber"))).body.error.code).to.equal("authorization_denied");
    expect((await complete({ phoneCode: phone.getPhoneNumber().code })).body.status).to.equal("signed_in");
  });
});
