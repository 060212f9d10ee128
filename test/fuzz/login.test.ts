import { expect } from "chai";
import fc from "fast-check";
import { openUserData } from "../../lib/login/user-data.ts";
import { knownInUserData } from "../../lib/login/user-data-kinds.ts";
import { seal, sign } from "../../lib/simulator/user-data.ts";
import { APP_ID, startApp } from "../support/login-app.ts";
import { corpus } from "./corpus.ts";
import { RUNS, runs } from "./runs.ts";

const OPENID = "oGZUI0egBJY1zhBYw2KhdUfwVJJE";
const STATUS: Record<string, number> = {
  invalid_request: 400,
  authorization_denied: 400,
  invalid_code: 401,
  invalid_temporary_token: 401,
};

/** Any JSON value, often under the names that the routes read. */
const field = fc.constantFrom(
  ...[
    "code",
    "temporaryToken",
    "encryptedData",
    "iv",
    "rawData",
    "signature",
    "nickName",
    "avatarUrl",
    "errMsg",
  ],
  ...["__proto__", "constructor", "toString"],
);

/** What passes the checks of the fields, under a token that nobody was given. */
const completion = fc.record(
  {
    temporaryToken: fc.stringMatching(/^[\w-]{43}$/),
    encryptedData: fc.base64String({ minLength: 4 }),
    iv: fc.base64String({ minLength: 4, maxLength: 24 }),
    nickName: fc.stringMatching(/^[\w-]{1,64}$/),
  },
  { requiredKeys: ["temporaryToken", "encryptedData", "iv"] },
);

const anyBody = fc.oneof(
  fc.json(),
  completion.map((body) => JSON.stringify(body)),
  fc.array(fc.tuple(field, fc.oneof(fc.string({ unit: "binary" }), fc.jsonValue()))).map((pairs) => {
    const text = pairs.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",");
    return `{${text}}`;
  }),
);

describe("for any input: the login", () => {
  it("any JSON value on any route is answered by the contract", async function () {
    this.timeout(RUNS * 200);
    const { url, hostErrors } = await startApp();
    const route = fc.constantFrom("/wx/login", "/wx/login/complete");
    await fc.assert(
      fc.asyncProperty(route, anyBody, async (path, body) => {
        const response = await fetch(url + path, { method: "POST", body });
        const answer = (await response.json()) as { error: { code: string; message: string } };
        expect(Object.keys(answer)).to.deep.equal(["error"]);
        expect(answer.error.message).to.be.a("string");
        expect(response.status).to.equal(STATUS[answer.error.code]);
        expect(hostErrors).to.deep.equal([]);
      }),
      { ...runs(), examples: corpus.bodies.map((body) => ["/wx/login", body]) },
    );
  });

  const key = fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map((bytes) => Buffer.from(bytes).toString("base64"));
  const anyText = fc.string({ unit: "grapheme", minLength: 1 });
  function sealed(nickName: string, sessionKey: string, appid = APP_ID) {
    const watermark = { appid, timestamp: Math.floor(Date.now() / 1000) };
    const rawData = JSON.stringify({ nickName });
    const data = { openId: OPENID, unionId: "u1", nickName, watermark };
    return { ...seal(data, sessionKey), rawData, signature: sign(rawData, sessionKey) };
  }

  it("sealing then opening gives the same user data for any Unicode nickname", () => {
    const property = fc.property(key, anyText, (sessionKey, nickName) => {
      const expected = { appId: APP_ID, openid: OPENID, sessionKey };
      const opened = openUserData(sealed(nickName, sessionKey), expected, 300);
      expect(knownInUserData(opened)).to.deep.equal({ unionid: "u1", nickName });
    });
    fc.assert(property, runs(10));
  });

  it("a changed key, iv, ciphertext byte, appid or openid never opens to another identity", () => {
    const place = fc.nat();
    const change = fc.integer({ min: 1, max: 255 });
    const what = fc.constantFrom("key", "iv", "encryptedData", "appid", "openid");
    const property = fc.property(
      key,
      anyText,
      what,
      place,
      change,
      (sessionKey, nickName, part, at, bits) => {
        const flip = (text: string) => {
          const bytes = Buffer.from(text, "base64");
          bytes[at % bytes.length] = Number(bytes[at % bytes.length]) ^ bits;
          return bytes.toString("base64");
        };
        const data = sealed(nickName, sessionKey, part === "appid" ? `${APP_ID}${at}` : APP_ID);
        const bent = part === "iv" || part === "encryptedData" ? { ...data, [part]: flip(data[part]) } : data;
        const expected = {
          appId: APP_ID,
          openid: part === "openid" ? `${OPENID}${at}` : OPENID,
          sessionKey: part === "key" ? flip(sessionKey) : sessionKey,
        };
        let opened = {};
        try {
          opened = knownInUserData(openUserData(bent, expected, 300));
        } catch (error) {
          expect(error).to.have.property("code", "invalid_user_data");
        }
        expect(opened).to.deep.equal({});
      },
    );
    fc.assert(property, runs(20));
  });

  it("of any number of simultaneous completions with one token exactly one wins", async function () {
    this.timeout(RUNS * 200);
    const { wechat, post, saveUser } = await startApp();
    const property = fc.asyncProperty(fc.integer({ min: 2, max: 40 }), async (count) => {
      saveUser.resetHistory();
      const phone = wechat.phone({ unionid: `u${Math.random()}`, unionidAtLogin: false });
      const { temporaryToken } = (await post("/wx/login", phone.login())).body;
      const body = { temporaryToken, ...phone.getUserInfo() };
      const answers = await Promise.all(
        Array.from({ length: count }, () => post("/wx/login/complete", body)),
      );
      const won = answers.filter(({ status }) => status === 200);
      const lost = answers.filter(({ body }) => body.error?.code === "invalid_temporary_token");
      expect([won.length, lost.length]).to.deep.equal([1, count - 1]);
      expect(saveUser.callCount).to.equal(1);
    });
    await fc.assert(property, runs(1 / 20));
  });
});
