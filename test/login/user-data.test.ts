import { expect } from "chai";
import sinon from "sinon";
import { knownInUserData, openUserData } from "../../lib/login/user-data.ts";
import { seal, sign } from "../../lib/simulator/user-data.ts";
import { APP_ID, atEnd, startApp } from "../support/login-app.ts";

/** The vectors of WeChat's documentation. */
const OFFICIAL = {
  appId: "wx4f4bc4dec97d474b",
  openid: "oGZUI0egBJY1zhBYw2KhdUfwVJJE",
  unionid: "ocMvos6NjeKLIBqg5Mr9QjxrP1FA",
  sessionKey: "tiihtNczf5v6AKRyjwEUhQ==",
  timestamp: 1477314187,
  iv: "r7BXXKkLb8qrSNn05n0qiA==",
  encryptedData:
    "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+3hVbJSRgv+4lGOETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew==",
};
const OFFICIAL_SIGNATURE = {
  sessionKey: "HyVFkGl5F5OQWJZZaNzBBg==",
  signature: "75e81ceda165f4ffa64f4068af58c64b8f54b88c",
  rawData:
    '{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN","avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/0"}',
};

/** The clock (only the clock) stands at `seconds` until the test ends. */
function clockAt(seconds: number): void {
  const clock = sinon.useFakeTimers({ now: seconds * 1000, toFake: ["Date"] });
  atEnd(() => clock.restore());
}

/** A pending login of the official user, over HTTP; WeChat answers with the given session_key. */
async function officialLogin(sessionKey = OFFICIAL.sessionKey) {
  clockAt(OFFICIAL.timestamp);
  const app = await startApp({ appId: OFFICIAL.appId });
  app.wechat.bendNext({ body: JSON.stringify({ openid: OFFICIAL.openid, session_key: sessionKey }) });
  const { temporaryToken } = (await app.post("/wx/login", { code: "c" })).body;
  const complete = (body: object) => app.post("/wx/login/complete", { temporaryToken, ...body });
  return { ...app, complete };
}

describe("WeChat's official vectors, through the public route", () => {
  const { encryptedData, iv } = OFFICIAL;

  it("decryption", async () => {
    const { complete, saveUser } = await officialLogin();
    expect((await complete({ encryptedData, iv })).body).to.deep.equal({ status: "signed_in" });
    expect(saveUser.firstCall.firstArg).to.include({
      appId: OFFICIAL.appId,
      openid: OFFICIAL.openid,
      unionid: OFFICIAL.unionid,
      nickName: "Band",
    });
  });

  it("decryption, where + became a blank on the way", async () => {
    const { complete } = await officialLogin();
    const blanks = { encryptedData: encryptedData.replaceAll("+", " "), iv };
    expect(blanks.encryptedData).to.include(" ");
    expect((await complete(blanks)).body).to.deep.equal({ status: "signed_in" });
  });

  it("signature", async () => {
    const { sessionKey, rawData, signature } = OFFICIAL_SIGNATURE;
    const { complete } = await officialLogin(sessionKey);
    const watermark = { appid: OFFICIAL.appId, timestamp: OFFICIAL.timestamp };
    const data = seal({ openId: OFFICIAL.openid, unionId: "u1", watermark }, sessionKey);
    expect((await complete({ ...data, rawData, signature })).body).to.deep.equal({ status: "signed_in" });
  });

  it("signature, with one letter of rawData changed", async () => {
    const { sessionKey, rawData, signature } = OFFICIAL_SIGNATURE;
    const { complete } = await officialLogin(sessionKey);
    const watermark = { appid: OFFICIAL.appId, timestamp: OFFICIAL.timestamp };
    const data = seal({ openId: OFFICIAL.openid, unionId: "u1", watermark }, sessionKey);
    const answer = await complete({ ...data, rawData: rawData.replace("Band", "Bond"), signature });
    expect(answer.body.error.code).to.equal("invalid_user_data");
  });
});

describe("the simulator's side of the vectors", () => {
  it("signs as WeChat does", () => {
    const { rawData, sessionKey, signature } = OFFICIAL_SIGNATURE;
    expect(sign(rawData, sessionKey)).to.equal(signature);
  });

  it("seals as WeChat does, byte for byte", () => {
    const iv = Buffer.from(OFFICIAL.iv, "base64");
    const plaintext = {
      openId: OFFICIAL.openid,
      nickName: "Band",
      gender: 1,
      language: "zh_CN",
      city: "Guangzhou",
      province: "Guangdong",
      country: "CN",
      avatarUrl:
        "http://wx.qlogo.cn/mmopen/vi_32/aSKcBBPpibyKNicHNTMM0qJVh8Kjgiak2AHWr8MHM4WgMEm7GFhsf8OYrySdbvAMvTsw3mo8ibKicsnfN5pRjl1p8HQ/0",
      unionId: OFFICIAL.unionid,
      watermark: { timestamp: OFFICIAL.timestamp, appid: OFFICIAL.appId },
    };
    expect(seal(plaintext, OFFICIAL.sessionKey, iv).encryptedData).to.equal(OFFICIAL.encryptedData);
  });
});

describe("user data that is not believed", () => {
  const expected = {
    appId: APP_ID,
    openid: "oGZUI0egBJY1zhBYw2KhdUfwVJJE",
    sessionKey: "tiihtNczf5v6AKRyjwEUhQ==",
  };
  const now = 1_700_000_000;
  const honest = {
    openId: expected.openid,
    unionId: "u1",
    nickName: "Ada",
    watermark: { appid: APP_ID, timestamp: now },
  };
  const open = (sealed: Parameters<typeof openUserData>[0]) => openUserData(sealed, expected, 300);
  const openBent = (bent: object) => open(seal({ ...honest, ...bent }, expected.sessionKey));

  /** Flips bits of the iv so that the plaintext begins with other letters of the same length. */
  function flip({ encryptedData, iv }: { encryptedData: string; iv: string }, from: string, to: string) {
    const bytes = Buffer.from(iv, "base64");
    for (let i = 0; i < 16; i++) bytes[i] = Number(bytes[i]) ^ from.charCodeAt(i) ^ to.charCodeAt(i);
    return { encryptedData, iv: bytes.toString("base64") };
  }

  /** Which reason the operator is told; the client is told the same for all. */
  function reasonFor(attack: () => unknown): string {
    try {
      attack();
    } catch (error) {
      const { code, message, cause } = error as { code: string; message: string; cause: Error };
      expect({ code, message }).to.deep.equal({
        code: "invalid_user_data",
        message: "The user data cannot be opened: call wx.login again.",
      });
      return cause.message;
    }
    throw new Error("it was believed");
  }

  beforeEach(() => clockAt(now));

  it("but honest data is", () => {
    expect(openBent({})).to.deep.equal(honest);
    expect(knownInUserData(openBent({}))).to.deep.equal({ unionid: "u1", nickName: "Ada" });
  });

  it("another user's openId", () => {
    expect(reasonFor(() => openBent({ openId: "oAnother" }))).to.equal("openId belongs to another user");
    expect(reasonFor(() => openBent({ openId: null }))).to.equal("openId belongs to another user");
  });

  it("a flipped iv that turns the openId into another", () => {
    const sealed = flip(seal(honest, expected.sessionKey), '{"openId":"oGZUI', '{"openId":"oHACK');
    expect(reasonFor(() => open(sealed))).to.equal("openId belongs to another user");
  });

  it("a flipped iv that renames openId away: then the unionId beside it says nothing", () => {
    const others = { ...honest, openId: "oGZUI-of-another-user", unionId: "u-of-another-user" };
    const sealed = flip(seal(others, expected.sessionKey), '{"openId":"oGZUI', '{"openXx":"oGZUI');
    expect(knownInUserData(open(sealed))).to.deep.equal({ nickName: "Ada" });
  });

  it("another app's watermark, or none", () => {
    const reason = "watermark.appid is another app's";
    expect(reasonFor(() => openBent({ watermark: { appid: "wxother", timestamp: now } }))).to.equal(reason);
    expect(reasonFor(() => openBent({ watermark: null }))).to.equal(reason);
    expect(reasonFor(() => openBent({ watermark: undefined }))).to.equal(reason);
  });

  it("a watermark that is too old or too far ahead", () => {
    const at = (timestamp: unknown) => () => openBent({ watermark: { appid: APP_ID, timestamp } });
    expect(at(now - 300)()).to.include({ unionId: "u1" });
    expect(at(now + 300)()).to.include({ unionId: "u1" });
    expect(at(String(now))()).to.include({ unionId: "u1" });
    expect(reasonFor(at(now - 301))).to.equal("watermark.timestamp is 301 s away from this server's clock");
    expect(reasonFor(at(now + 301))).to.equal("watermark.timestamp is 301 s away from this server's clock");
    expect(reasonFor(at(undefined))).to.equal("watermark.timestamp is NaN s away from this server's clock");
  });

  it("data under another session_key", () => {
    const reasons = Array.from({ length: 50 }, (_, i) =>
      reasonFor(() => open(seal(honest, Buffer.alloc(16, i).toString("base64")))),
    );
    expect(new Set(reasons).size).to.be.within(1, 2);
  });

  it("base64 of a wrong length, an empty text, a short iv", () => {
    const { encryptedData, iv } = seal(honest, expected.sessionKey);
    for (const sealed of [
      { encryptedData: encryptedData.slice(0, -4), iv },
      { encryptedData: "", iv },
      { encryptedData: "!!!!", iv },
      { encryptedData, iv: "AAAA" },
      { encryptedData, iv: "" },
    ]) {
      expect(reasonFor(() => open(sealed))).to.be.a("string");
    }
  });

  it("what is no JSON object inside", () => {
    for (const value of [5, null, "text"]) {
      expect(reasonFor(() => open(seal(value as never, expected.sessionKey)))).to.equal(
        "no JSON object inside",
      );
    }
  });

  it("and the operator is not shown what was inside", () => {
    const sealed = flip(seal(honest, expected.sessionKey), '{"openId":"oGZUI', '#"openId":"oGZUI');
    expect(reasonFor(() => open(sealed))).to.equal("no JSON inside");
  });

  it("a signature that does not match, also one of another length", () => {
    const sealed = seal(honest, expected.sessionKey);
    const rawData = '{"nickName":"Ada"}';
    const signature = sign(rawData, expected.sessionKey);
    expect(open({ ...sealed, rawData, signature })).to.include({ unionId: "u1" });
    for (const wrong of [sign(rawData, "x"), signature.slice(1), "", "ü".repeat(20)]) {
      expect(reasonFor(() => open({ ...sealed, rawData, signature: wrong }))).to.equal(
        "signature does not match rawData",
      );
    }
    expect(reasonFor(() => open({ ...sealed, rawData: `${rawData} `, signature }))).to.match(/signature/);
  });
});

describe("a phone number in encrypted data (the old form)", () => {
  const phone = { phoneNumber: "10012345678", purePhoneNumber: "10012345678", countryCode: "86" };

  it("is known whole, the country code as a string", () => {
    expect(knownInUserData({ ...phone, countryCode: 86 })).to.deep.equal(phone);
    const foreign = { phoneNumber: "+85210012345", purePhoneNumber: "10012345", countryCode: "852" };
    expect(knownInUserData(foreign)).to.deep.equal(foreign);
  });

  const crooked: object[] = [
    { phoneNumber: undefined },
    { purePhoneNumber: undefined },
    { countryCode: undefined },
    { phoneNumber: 10012345678, purePhoneNumber: null },
    { purePhoneNumber: "10012345679" },
    { purePhoneNumber: "" },
    { phoneNumber: "call 10012345678" },
    { phoneNumber: "10012345678 or so", purePhoneNumber: "so" },
    { countryCode: "CN" },
    { countryCode: "86 " },
    { countryCode: "+86" },
  ];
  for (const bent of crooked) {
    it(`counts for nothing with ${JSON.stringify(bent)}`, () => {
      expect(knownInUserData({ ...phone, ...bent })).to.deep.equal({});
    });
  }

  it("cannot be made of a nickname, by an iv of one's own and a later first block", async () => {
    const { wechat, post, saveUser } = await startApp({ require: ["phoneNumber"] });
    const target = "10087654321";
    const attacker = wechat.phone({
      openid: "o".repeat(28),
      client: "old",
      nickName: `${"-".repeat(11)}${target}`,
    });
    const { temporaryToken } = (await post("/wx/login", attacker.login())).body;
    const { encryptedData, iv } = spliced(
      attacker.getUserInfo(),
      `{"openId":"${"o".repeat(28)}","nickName":"${"-".repeat(11)}`,
    );
    const answer = await post("/wx/login/complete", { temporaryToken, encryptedData, iv });
    expect(answer.body.missing).to.deep.equal(["phoneNumber"]);
    expect(saveUser.called).to.equal(false);
  });

  it("the attack is real: it opens as {phoneNumber: …, watermark: …}, signed by nobody", () => {
    const sessionKey = "tiihtNczf5v6AKRyjwEUhQ==";
    const watermark = { appid: APP_ID, timestamp: Math.floor(Date.now() / 1000) };
    const data = { openId: "o".repeat(28), nickName: `${"-".repeat(11)}10087654321`, watermark };
    const sealed = spliced(seal(data, sessionKey), JSON.stringify(data).slice(0, 64));
    expect(openUserData(sealed, { appId: APP_ID, openid: data.openId, sessionKey }, 300)).to.deep.equal({
      phoneNumber: "10087654321",
      watermark,
    });
  });

  /** Drops the blocks of a known beginning, and lets the last of them open as `{"phoneNumber":"`. */
  function spliced({ encryptedData }: { encryptedData: string }, beginning: string) {
    const bytes = Buffer.from(encryptedData, "base64");
    const last = beginning.length - 16;
    const iv = Buffer.from(bytes.subarray(last - 16, last));
    for (let i = 0; i < 16; i++) {
      iv[i] = Number(iv[i]) ^ beginning.charCodeAt(last + i) ^ '{"phoneNumber":"'.charCodeAt(i);
    }
    return { encryptedData: bytes.subarray(last).toString("base64"), iv: iv.toString("base64") };
  }
});

describe("one answer for every failure to open user data", () => {
  it("same status, same body, same token consumption, whatever was wrong", async () => {
    const app = await startApp();
    const answers: string[] = [];
    for (const bend of ["openId", "padding", "json", "watermark", "age", "signature", "base64", "iv"]) {
      const phone = app.wechat.phone({ unionid: "u1", unionidAtLogin: false });
      const { temporaryToken } = (await app.post("/wx/login", phone.login())).body;
      const info = phone.getUserInfo(
        bend === "openId"
          ? { openId: "oAnother" }
          : bend === "watermark"
            ? { watermark: {} }
            : bend === "age"
              ? { watermark: { appid: APP_ID, timestamp: 1 } }
              : {},
      );
      if (bend === "padding") info.encryptedData = info.encryptedData.slice(0, -24);
      if (bend === "json") info.iv = Buffer.alloc(16).toString("base64");
      if (bend === "signature") info.signature = "0".repeat(40);
      if (bend === "base64") info.encryptedData = "A";
      if (bend === "iv") info.iv = "AA==";
      const answer = await app.post("/wx/login/complete", { temporaryToken, ...info });
      answers.push(
        JSON.stringify([answer.status, answer.body, Number(answer.headers.get("content-length"))]),
      );
    }
    expect(new Set(answers).size).to.equal(1);
    expect(answers[0]).to.match(/^\[401,\{"error":\{"code":"invalid_user_data"/);
    expect(await app.keys()).to.deep.equal([]);
    expect(app.saveUser.called).to.equal(false);
  });
});
