import { expect } from "chai";
import { errorBody } from "../support/error-body.ts";
import { startApp } from "../support/login-app.ts";
import { formOf, PICTURES } from "../support/pictures.ts";

const COMPLETE = "/wx/login/complete";

/** A login that lacks a nickname and a picture. */
async function pendingProfile() {
  const app = await startApp({
    require: ["nickName", "avatarUrl"],
    saveAvatar: () => "https://host/1.png",
  });
  const { temporaryToken } = (await app.post("/wx/login", app.wechat.phone({ unionid: "u1" }).login())).body;
  const json = (fields: object) => app.post(COMPLETE, { temporaryToken, ...fields });
  const form = (fields: Record<string, string>, avatar?: Uint8Array) =>
    app.upload(COMPLETE, formOf({ temporaryToken, ...fields }, avatar));
  return { ...app, temporaryToken, json, form };
}

/** A login that lacks the unionid, and can only be completed by user data. */
async function pendingUnionid() {
  const app = await startApp();
  const phone = app.wechat.phone({ unionid: "u1", unionidAtLogin: false });
  const { temporaryToken } = (await app.post("/wx/login", phone.login())).body;
  const complete = (fields: object) => app.post(COMPLETE, { temporaryToken, ...fields });
  return { ...app, phone, complete };
}

describe("a value that is not there, written into a form as a word", () => {
  for (const word of ["undefined", "null", "[object Object]", " undefined "]) {
    it(`${JSON.stringify(word)} is no nickname, in a form and in JSON`, async () => {
      const { form, json, users } = await pendingProfile();
      const asked = await form({ nickName: word }, PICTURES.png);
      expect(asked.body.missing).to.deep.equal(["nickName"]);
      const { temporaryToken } = asked.body;
      const again = await json({ temporaryToken, nickName: word });
      expect(again.body.error.message).to.match(/^Nothing to store/);
      expect((await json({ temporaryToken, nickName: "Ada" })).body).to.deep.equal({ status: "signed_in" });
      expect(users[0]).to.include({ nickName: "Ada" });
    });

    it(`${JSON.stringify(word)} is no other field of a form`, async () => {
      const { upload, form } = await pendingProfile();
      const missing = await upload(COMPLETE, formOf({ temporaryToken: word }, PICTURES.png));
      expect(missing.body).to.deep.equal(errorBody("invalid_request", "temporaryToken is missing."));
      const fields = {
        errMsg: word,
        phoneCode: word,
        encryptedData: word,
        iv: word,
        rawData: word,
        signature: word,
      };
      expect((await form({ ...fields, nickName: "Ada" }, PICTURES.png)).body).to.deep.equal({
        status: "signed_in",
      });
    });
  }

  for (const name of ["NaN", "Null", "Undefined", "null.", "undefined behaviour", "true", "0"]) {
    it(`"${name}" is a name like any other`, async () => {
      const { form, users } = await pendingProfile();
      expect((await form({ nickName: name }, PICTURES.png)).body).to.deep.equal({ status: "signed_in" });
      expect(users[0]).to.include({ nickName: name });
    });
  }
});

describe("a nickname", () => {
  const invisible: Record<string, string> = {
    "zero width spaces and joiners": "\u200b\u200c\u200d\u2060",
    "byte order marks": "\ufeff\ufeff",
    "a Hangul filler": "\u3164",
    "a half-width Hangul filler": "\uffa0",
    "Hangul choseong and jungseong fillers": "\u115f\u1160",
    "Braille without dots": "\u2800\u2800",
    "a soft hyphen": "\u00ad",
    tags: "\u{e0061}\u{e007f}",
    "variation selectors": "\ufe0f\ufe0e\u{e0100}",
    "combining marks": "\u0301\u0308\u20e3",
    "a combining grapheme joiner": "\u034f",
    "direction marks": "\u200e\u200f\u202e\u2066\u061c",
    "Mongolian vowel separators": "\u180e\u180b",
    "Khmer inherent vowels": "\u17b4\u17b5",
    "invisible operators": "\u2061\u2062\u2063\u2064",
    "ideographic and no-break spaces": "\u3000\u00a0\u2003\u202f\u205f",
    "interlinear annotations and object replacements": "\ufff9\ufffa\ufffb\ufffc",
    "a note without a head": "\u{1d159}",
    "all of them together": "\u3164 \u200b\u2800\u0301\u{e0061}",
  };
  for (const [name, nickName] of Object.entries(invisible)) {
    it(`of ${name} alone is nobody's, and the token stays good`, async () => {
      const { json, form } = await pendingProfile();
      const expected = errorBody("invalid_request", "nickName must be a visible name in one line.");
      for (const answer of [await json({ nickName }), await form({ nickName }, PICTURES.png)]) {
        expect([answer.status, answer.body]).to.deep.equal([400, expected]);
      }
      expect((await form({ nickName: "Ada" }, PICTURES.png)).body).to.deep.equal({ status: "signed_in" });
    });
  }

  const honest = [
    "小明",
    "👨‍👩‍👧‍👦",
    "❤️",
    "🏳️‍🌈",
    "🇨🇳",
    "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "1️⃣",
    "👍🏽",
    "می‌خواهم",
    "क्‍ष",
    "ශ්‍රී",
    "မြန်မာ",
    "ไทย",
    "e\u0301",
    "ㅤㅤa",
    "Ada\u200b",
    "\u{20000}\u{2f800}",
    "\ue001",
    ".",
    "_",
    "ⓐ",
    "⠁",
    "𝄞",
    "؀",
    "Ada\u00a0Lovelace",
  ];
  it("of emoji, flags, keycaps, Arabic and Indic joiners is stored byte for byte", async () => {
    for (const nickName of honest) {
      for (const send of ["json", "form"] as const) {
        const { json, form, users } = await pendingProfile();
        if (send === "json") {
          const { temporaryToken } = (await json({ nickName })).body;
          await form({ temporaryToken }, PICTURES.png);
        } else await form({ nickName }, PICTURES.png);
        expect(users[0]?.nickName, JSON.stringify(nickName)).to.equal(nickName);
      }
    }
  });
});

describe("user data that was changed on its way", () => {
  const percent = (name: string) =>
    errorBody(
      "invalid_request",
      `${name} has characters that WeChat does not write, perhaps %: send it without URL-encoding.`,
    );

  for (const name of ["encryptedData", "iv", "signature"] as const) {
    it(`and whose ${name} no base64 can be is refused with the cure, and the token stays good`, async () => {
      const { phone, complete } = await pendingUnionid();
      const data = phone.getUserInfo();
      for (const value of ["%2B", `${data[name]}%3D`, `${data[name]}\u00e9`, "你", "a,b", "a\0"]) {
        const answer = await complete({ ...data, [name]: value });
        expect([answer.status, answer.body]).to.deep.equal([400, percent(name)]);
      }
      expect((await complete(data)).body).to.deep.equal({ status: "signed_in" });
    });
  }

  it("as a whole by encodeURIComponent is refused, and the token stays good", async () => {
    const { phone, complete } = await pendingUnionid();
    const data = phone.getUserInfo();
    const { encryptedData, iv, rawData, signature } = data;
    const encoded = Object.fromEntries(
      Object.entries({ encryptedData, iv, rawData, signature }).map(([name, value]) => [
        name,
        encodeURIComponent(value),
      ]),
    );
    expect((await complete(encoded)).body).to.deep.equal(percent("encryptedData"));
    const answer = await complete({ ...data, rawData: encoded.rawData });
    const message = "rawData is URL-encoded: send it as WeChat gave it.";
    expect([answer.status, answer.body]).to.deep.equal([400, errorBody("invalid_request", message)]);
    expect((await complete(data)).body).to.deep.equal({ status: "signed_in" });
  });

  for (const [name, change] of Object.entries<(text: string) => string>({
    'blanks where a "+" was': (text) => text.replaceAll("+", " "),
    "the alphabet of base64url": (text) => text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""),
    "lines of 76 characters": (text) => text.replaceAll(/.{76}/g, "$&\r\n"),
  })) {
    it(`into ${name} is opened as ever`, async () => {
      for (let time = 0; time < 5; time++) {
        const { phone, complete } = await pendingUnionid();
        const { encryptedData, iv, rawData, signature } = phone.getUserInfo();
        const changed = { encryptedData: change(encryptedData), iv: change(iv), rawData, signature };
        expect((await complete(changed)).body).to.deep.equal({ status: "signed_in" });
      }
    });
  }
});

describe("errMsg of a button", () => {
  for (const errMsg of [
    "getPhoneNumber:fail user deny",
    "getPhoneNumber:fail:user deny",
    "getPhoneNumber:fail user denied",
    "getPhoneNumber:fail user cancel",
    "getPhoneNumber:fail user canceled",
    "getUserInfo:fail auth deny",
    "getUserInfo:fail:auth denied",
    "getUserProfile:fail Auth Deny",
    "chooseAvatar:fail cancel",
    "getPhoneNumber:user deny",
    "getUserInfo:cancel",
    "getPhoneNumber:fail privacy permission is not authorized",
  ]) {
    it(`"${errMsg}" is the user's refusal`, async () => {
      const { phone, complete } = await pendingUnionid();
      const answer = await complete({ errMsg });
      const message = "The user refused: the temporary token stays good.";
      expect([answer.status, answer.body]).to.deep.equal([400, errorBody("authorization_denied", message)]);
      expect((await complete(phone.getUserInfo())).body).to.deep.equal({ status: "signed_in" });
    });
  }

  for (const errMsg of [
    "getPhoneNumber:fail access denied",
    "getPhoneNumber:fail no permission",
    "getPhoneNumber:fail jsapi has no permission, event=getPhoneNumber",
    "getPhoneNumber:fail api scope is not declared in the privacy agreement",
    "getPhoneNumber:fail system permission denied",
    "getPhoneNumber:fail 1400001",
    "getUserInfo:fail scope unauthorized",
    "getUserInfo:fail network",
    "getUserInfo:fail",
  ]) {
    it(`"${errMsg}" is no refusal of the user: the answer quotes it`, async () => {
      const { phone, complete } = await pendingUnionid();
      const answer = await complete({ errMsg });
      const message = `The call failed on the phone, and the user did not refuse: "${errMsg}".`;
      expect([answer.status, answer.body]).to.deep.equal([400, errorBody("invalid_request", message)]);
      expect((await complete(phone.getUserInfo())).body).to.deep.equal({ status: "signed_in" });
    });
  }

  for (const errMsg of [
    "login:fail system error",
    "login:fail the permission value is offline",
    "login:fail auth deny",
  ]) {
    it(`"${errMsg}" of wx.login is quoted at /login, where there is no code`, async () => {
      const { wechat, post } = await startApp();
      const message = `The call failed on the phone: "${errMsg}".`;
      for (const body of [{ errMsg }, { errMsg, code: "" }, { errMsg, code: null }]) {
        const answer = await post("/wx/login", body);
        expect([answer.status, answer.body]).to.deep.equal([400, errorBody("invalid_request", message)]);
      }
      const { code } = wechat.phone({ unionid: "u1" }).login();
      expect((await post("/wx/login", { errMsg, code })).body.status).to.equal("signed_in");
    });
  }

  it("is quoted in one line, and no longer than any of WeChat's", async () => {
    const { complete } = await pendingUnionid();
    const { body } = await complete({
      errMsg: `x:fail a\n\r\u0000b\u2028c\ud800\u202e\u009b ${"d".repeat(500)}`,
    });
    expect(body.error.message).to.match(/^The call failed .*: "x:fail a b c {1,2}d{180,190}"\.$/);
  });

  it("means nothing without a failure", async () => {
    const { phone, complete } = await pendingUnionid();
    const answer = await complete({ ...phone.getUserInfo(), errMsg: "getUserInfo:ok, nobody did deny" });
    expect(answer.body).to.deep.equal({ status: "signed_in" });
  });

  it("of a form is read as in JSON", async () => {
    const { form } = await pendingProfile();
    expect((await form({ errMsg: "chooseAvatar:fail cancel" })).body.error.code).to.equal(
      "authorization_denied",
    );
  });
});
