import { expect } from "chai";
import { parseWechatJson } from "../../lib/wechat/json.ts";
import { startApp } from "../support/login-app.ts";
import { startWebApp } from "../support/web-app.ts";

const CONTROL_BYTES = Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code));

describe("WeChat's JSON", () => {
  for (const byte of CONTROL_BYTES) {
    const name = `U+${byte.charCodeAt(0).toString(16).padStart(4, "0")}`;
    it(`may hold a raw ${name} in a text and in a name, and it is not lost`, () => {
      const text = `{"a${byte}":"${byte}b${byte}${byte}\\"${byte}\\\\"}`;
      expect(parseWechatJson(text)).to.deep.equal({
        [`a${byte}`]: `${byte}b${byte}${byte}"${byte}\\`,
      });
    });

    it(`holds a raw ${name} outside of texts only where JSON has white space`, () => {
      for (const text of [
        `{${byte}"a":1}`,
        `{"a"${byte}:1}`,
        `{"a":${byte}1}`,
        `{"a":1}${byte}`,
        `1${byte}`,
      ]) {
        if (/[\t\n\r]/.test(byte)) expect(parseWechatJson(text)).to.deep.equal(JSON.parse(text));
        else expect(() => parseWechatJson(text), JSON.stringify(text)).to.throw(SyntaxError);
      }
    });

    it(`is still broken where a backslash stands in front of a raw ${name}`, () => {
      expect(() => parseWechatJson(`{"a":"\\${byte}"}`)).to.throw(SyntaxError);
    });
  }

  it("is read like any other JSON where there is no raw control byte", () => {
    for (const value of [{ a: 'x\\"\n\u007f\u0085😀' }, [1, [true, null]], "", 'a"b', 5, null]) {
      for (const indent of [0, 2]) {
        const text = JSON.stringify(value, null, indent);
        expect(parseWechatJson(text)).to.deep.equal(value);
      }
    }
  });

  it("is still broken without an end, with half an escape, and with anything around it", () => {
    for (const text of ["", '{"a":"b', '{"a":"\n', '"\\', '"\\u00', '\\"\n"', "<html>\n</html>", '"a""\n"']) {
      expect(() => parseWechatJson(text), JSON.stringify(text)).to.throw(SyntaxError);
    }
  });

  it("costs one pass, however many quotes it holds", () => {
    const before = performance.now();
    expect(() => parseWechatJson(`"${'\\"'.repeat(500_000)}`)).to.throw(SyntaxError);
    expect(performance.now() - before).to.be.below(2000);
  });
});

describe("a user of whom WeChat sends raw control bytes", () => {
  it("logs in on the web, with a nickname that has none", async () => {
    const { browser, wechat, users, errors } = await startWebApp({ require: ["unionid", "nickName"] });
    const phone = wechat.phone({ unionid: "u1" });
    const tab = browser();
    const callback = phone.authorize(await tab.start());
    wechat.bendNext({ body: '{"access_token":"t","openid":"o1","unionid":"u1"}' });
    const profile = `{"openid":"o1","nickname":"A${CONTROL_BYTES.join("")}\u007f\u0085da","city":"G\nz","headimgurl":"https://qlogo/1","unionid":"u1"}`;
    wechat.bendNext({ body: profile });
    expect((await tab.open(callback)).location).to.equal("/");
    expect(errors).to.deep.equal([]);
    expect(users[0]).to.include({ unionid: "u1", nickName: "Ada", avatarUrl: "https://qlogo/1" });
  });

  it("gets the answer that belongs to the errcode beside them", async () => {
    const { wechat, post } = await startApp();
    wechat.bendNext({ body: '{"errcode":40029,"errmsg":"invalid code\n\u0001, rid: 1"}' });
    const { status, body } = await post("/wx/login", { code: "c" });
    expect([status, body.error.code, body.error.errcode]).to.deep.equal([401, "invalid_code", 40029]);
  });

  it("has no nickname where it holds nothing else", async () => {
    const { wechat, post, users } = await startApp({ require: ["nickName"] });
    const phone = wechat.phone({ unionid: "u1", client: "old", nickName: "\u0001\u0002" });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    const asked = await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
    expect(asked.body.missing).to.deep.equal(["nickName"]);
    expect(users).to.deep.equal([]);
  });
});
