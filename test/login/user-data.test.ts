import { createCipheriv, randomBytes } from "node:crypto";
import { expect } from "chai";
import sinon from "sinon";
import { openUserData } from "../../lib/login/user-data.ts";
import { knownInUserData } from "../../lib/login/user-data-kinds.ts";
import { seal, sign } from "../../lib/simulator/user-data.ts";
import { beginAt, blocksOf } from "../attacks/support/splice.ts";
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

/** The profile inside the official user data, as its rawData would be, with a signature. */
const PROFILE = {
  nickName: "Band",
  gender: 1,
  language: "zh_CN",
  city: "Guangzhou",
  province: "Guangdong",
  country: "CN",
  avatarUrl:
    "http://wx.qlogo.cn/mmopen/vi_32/aSKcBBPpibyKNicHNTMM0qJVh8Kjgiak2AHWr8MHM4WgMEm7GFhsf8OYrySdbvAMvTsw3mo8ibKicsnfN5pRjl1p8HQ/0",
};
const signed = (profile: object, sessionKey: string) => {
  const rawData = JSON.stringify(profile);
  return { rawData, signature: sign(rawData, sessionKey) };
};

describe("WeChat's official vectors, through the public route", () => {
  const { encryptedData, iv } = OFFICIAL;
  const raw = signed(PROFILE, OFFICIAL.sessionKey);

  it("decryption", async () => {
    const { complete, saveUser } = await officialLogin();
    expect((await complete({ encryptedData, iv, ...raw })).body).to.deep.equal({ status: "signed_in" });
    expect(saveUser.firstCall.firstArg).to.include({
      appId: OFFICIAL.appId,
      openid: OFFICIAL.openid,
      unionid: OFFICIAL.unionid,
      nickName: "Band",
    });
  });

  it("decryption, where + became a blank on the way", async () => {
    const { complete } = await officialLogin();
    const blanks = { encryptedData: encryptedData.replaceAll("+", " "), iv, ...raw };
    expect(blanks.encryptedData).to.include(" ");
    expect((await complete(blanks)).body).to.deep.equal({ status: "signed_in" });
  });

  /** User data that hold the profile of the official signature vector. */
  function sealedWith({ rawData, sessionKey }: typeof OFFICIAL_SIGNATURE) {
    const watermark = { appid: OFFICIAL.appId, timestamp: OFFICIAL.timestamp };
    return seal({ openId: OFFICIAL.openid, unionId: "u1", ...JSON.parse(rawData), watermark }, sessionKey);
  }

  it("signature", async () => {
    const { sessionKey, rawData, signature } = OFFICIAL_SIGNATURE;
    const { complete } = await officialLogin(sessionKey);
    const data = sealedWith(OFFICIAL_SIGNATURE);
    expect((await complete({ ...data, rawData, signature })).body).to.deep.equal({ status: "signed_in" });
  });

  it("signature, with one letter of rawData changed", async () => {
    const { sessionKey, rawData, signature } = OFFICIAL_SIGNATURE;
    const { complete } = await officialLogin(sessionKey);
    const data = sealedWith(OFFICIAL_SIGNATURE);
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
      ...PROFILE,
      unionId: OFFICIAL.unionid,
      watermark: { timestamp: OFFICIAL.timestamp, appid: OFFICIAL.appId },
    };
    expect(seal(plaintext, OFFICIAL.sessionKey, iv).encryptedData).to.equal(OFFICIAL.encryptedData);
  });
});

const NOW = 1_700_000_000;
const SESSION_KEY = "tiihtNczf5v6AKRyjwEUhQ==";
const WATERMARK = { timestamp: NOW, appid: APP_ID };
const OWNER = { appId: APP_ID, openid: OFFICIAL.openid, sessionKey: SESSION_KEY };
const IDENTITY = { openId: OWNER.openid, unionId: "u1" };

/** Seals a text as it stands, also one that no JSON.stringify would give. */
function sealText(plaintext: string | Buffer) {
  const iv = randomBytes(16);
  const cipher = createCipheriv("aes-128-cbc", Buffer.from(SESSION_KEY, "base64"), iv);
  const bytes = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return { encryptedData: bytes.toString("base64"), iv: iv.toString("base64") };
}

/** What wx.getUserInfo gives; `bent` changes what is sealed, and not the signed rawData beside it. */
function profileData(bent: object = {}, profile: object = PROFILE) {
  const data = { ...IDENTITY, ...profile, watermark: WATERMARK, ...bent };
  return { ...sealText(JSON.stringify(data)), ...signed(profile, SESSION_KEY) };
}

type Sealed = Parameters<typeof openUserData>[0];
const open = (sealed: Sealed, owner: object = {}) => openUserData(sealed, { ...OWNER, ...owner }, 300);

/** What the operator is told where the cipher fails, in whatever way. */
const OTHER_KEY = "sealed with another session_key: did the client call wx.login in between?";

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

/** Flips bits of the iv so that the plaintext begins with other letters of the same length. */
function flip<Data extends Sealed>(sealed: Data, from: string, to: string): Data {
  const bytes = Buffer.from(sealed.iv, "base64");
  for (let i = 0; i < 16; i++) bytes[i] = Number(bytes[i]) ^ from.charCodeAt(i) ^ to.charCodeAt(i);
  return { ...sealed, iv: bytes.toString("base64") };
}

describe("a profile in user data", () => {
  beforeEach(() => clockAt(NOW));

  it("is believed as wx.getUserInfo gives it", () => {
    const opened = open(profileData());
    const data = { ...IDENTITY, ...PROFILE, watermark: WATERMARK };
    expect(opened).to.deep.equal({ kind: "profile", data, unknownNames: [] });
    const { nickName, avatarUrl } = PROFILE;
    expect(knownInUserData(opened)).to.deep.equal({ unionid: "u1", nickName, avatarUrl });
  });

  it("is believed as wx.getUserProfile gives it, and says nothing of the unionid", () => {
    const opened = open(profileData({ openId: undefined, unionId: undefined }));
    expect(opened.data).to.deep.equal({ ...PROFILE, watermark: WATERMARK });
    expect(knownInUserData(opened)).to.have.keys("nickName", "avatarUrl");
  });

  it("is believed with any name that people have", () => {
    const names = [
      "👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿1️⃣",
      "عبدالله",
      "क्‍ष नीलम",
      "می‌خواهم",
      "Zoë",
      "丿乛丶",
      'a\\b"c/d',
      "\ud83d\ude00",
    ];
    for (const nickName of names) {
      expect(open(profileData({}, { ...PROFILE, nickName })).data.nickName).to.equal(nickName);
    }
  });

  it("is believed with control bytes that WeChat forgets to escape, which stay what they are", () => {
    const bare = (object: object) => JSON.stringify(object).replaceAll("~", "\n").replaceAll("^", "\u0001");
    const profile = { ...PROFILE, nickName: "a~b^c", city: "~" };
    const rawData = bare(profile);
    const sealed = sealText(bare({ ...IDENTITY, ...profile, watermark: WATERMARK }));
    const signature = sign(rawData, SESSION_KEY);
    expect(open({ ...sealed, rawData, signature }).data).to.include({ nickName: "a\nb\u0001c", city: "\n" });
    // Escaped on one side only, it is the same value.
    const other = signed({ ...PROFILE, nickName: "a\nb\u0001c", city: "\n" }, SESSION_KEY);
    expect(open({ ...sealed, ...other }).data).to.include({ city: "\n" });
  });

  it("is not believed with control bytes anywhere else", () => {
    const text = JSON.stringify({ ...IDENTITY, ...PROFILE, watermark: WATERMARK });
    const raw = signed(PROFILE, SESSION_KEY);
    for (const bent of [
      `\n${text}`,
      `${text}\t`,
      text.replace(":", ":\n"),
      text.replace("Band", "Ba\\\nnd"),
    ]) {
      expect(reasonFor(() => open({ ...sealText(bent), ...raw }))).to.equal("no JSON inside");
    }
  });

  it("is not believed without rawData and signature", () => {
    const { encryptedData, iv } = profileData();
    expect(reasonFor(() => open({ encryptedData, iv }))).to.equal(
      "profile data without rawData and signature",
    );
  });

  it("is not believed with one of the two, or with a signature that does not match", () => {
    const { rawData, signature, ...sealed } = profileData();
    const wrong = [
      sign(rawData, "x"),
      signature.slice(1),
      "",
      "ü".repeat(20),
      signature.toUpperCase(),
      undefined,
    ];
    for (const text of wrong) {
      expect(reasonFor(() => open({ ...sealed, rawData, signature: text }))).to.equal(
        "signature does not match rawData",
      );
    }
    for (const text of [`${rawData} `, undefined, "", "undefined"]) {
      expect(reasonFor(() => open({ ...sealed, rawData: text, signature }))).to.match(/signature/);
    }
  });

  for (const [what, bent] of [
    ["another value", { nickName: "Bond" }],
    ["another type", { gender: "1" }],
    ["a member less", { city: undefined }],
    ["a placeholder for a value", { avatarUrl: null }],
    ["a list for a text", { country: ["CN"] }],
  ] as const) {
    it(`is not believed if it differs from rawData: ${what}`, () => {
      expect(reasonFor(() => open(profileData(bent)))).to.equal("rawData is not what was sealed");
    });
  }

  it("is believed if rawData has a flag besides, as WeChat marks anonymous profiles", () => {
    const { encryptedData, iv } = profileData();
    const raw = signed({ ...PROFILE, is_demote: true }, SESSION_KEY);
    expect(open({ encryptedData, iv, ...raw }).data).to.include({ unionId: "u1", nickName: "Band" });
    const other = profileData({ is_demote: false });
    expect(reasonFor(() => open({ ...other, ...raw }))).to.equal("rawData is not what was sealed");
  });

  it("is not believed if rawData claims what WeChat never puts there", () => {
    for (const name of ["openId", "unionId", "watermark"]) {
      const { encryptedData, iv } = profileData();
      const value = { ...IDENTITY, watermark: WATERMARK }[name];
      const raw = signed({ ...PROFILE, [name]: value }, SESSION_KEY);
      expect(reasonFor(() => open({ encryptedData, iv, ...raw }))).to.equal("rawData is not what was sealed");
    }
  });

  it("is believed no text that is missing in rawData, not even if rawData is empty and signed", () => {
    const empty = signed({}, SESSION_KEY);
    const { encryptedData, iv } = profileData();
    expect(reasonFor(() => open({ encryptedData, iv, ...empty }))).to.equal(
      "a member that rawData does not have",
    );
    const bare = sealText(JSON.stringify({ ...IDENTITY, watermark: WATERMARK }));
    expect(open({ ...bare, ...empty }).data).to.deep.equal({ ...IDENTITY, watermark: WATERMARK });
    for (const rawData of ["[]", "null", '""', "1"]) {
      const signature = sign(rawData, SESSION_KEY);
      expect(reasonFor(() => open({ ...bare, rawData, signature }))).to.equal("no JSON object inside");
    }
  });

  it("drops members that a later WeChat may add, and names them", () => {
    const added = { is_demote: true, level: 9_999_999_999, nothing: null, minus: -1, __x: false };
    const { data, unknownNames } = open(profileData(added));
    expect(data).to.have.keys(...Object.keys({ ...IDENTITY, ...PROFILE }), "watermark");
    expect(unknownNames).to.deep.equal(Object.keys(added));
  });

  for (const [what, json] of [
    ["a text", '"x":"y"'],
    ["an empty text", '"x":""'],
    ["a list", '"x":[]'],
    ["an object", '"x":{}'],
    ["a fraction", '"x":0.5'],
    ["an integer of eleven digits", '"x":10000000000'],
    ["a negative one", '"x":-10000000000'],
    ["a name of thirteen letters", '"abcdefghijklm":1'],
    ["an empty name", '"":1'],
    ["a name with a digit", '"a1":1'],
    ["a name with a blank", '"a b":1'],
    ["a prototype", '"__proto__":{"unionId":"evil"}'],
    ["a phone number's part", '"purePhoneNumber":"13800000000"'],
  ] as const) {
    it(`is not believed with an unknown member: ${what}`, () => {
      const text = JSON.stringify({ ...IDENTITY, ...PROFILE, watermark: WATERMARK });
      const sealed = sealText(text.replace("{", `{${json},`));
      const reason = reasonFor(() => open({ ...sealed, ...signed(PROFILE, SESSION_KEY) }));
      expect(reason).to.equal("a member that rawData does not have");
    });
  }

  it("is not believed if a name comes twice, at any level and however it is written", () => {
    const text = JSON.stringify({ ...IDENTITY, ...PROFILE, watermark: WATERMARK });
    const raw = signed(PROFILE, SESSION_KEY);
    for (const bent of [
      text.replace("{", '{"unionId":"u2",'),
      text.replace("{", '{"union\\u0049d":"u2",'),
      text.replace("{", '{"nickName":"Band",'),
      text.replace("{", '{"x":1,"\\u0078":2,'),
      text.replace('"watermark":{', '"watermark":{"appid":"wxother",'),
      text.replace('"watermark":{', '"watermark":{"app\\u0069d":"wxother",'),
    ]) {
      expect(
        reasonFor(() => open({ ...sealText(bent), ...raw })),
        bent,
      ).to.equal("a name comes twice");
    }
    const { encryptedData, iv } = profileData();
    const doubled = JSON.stringify(PROFILE).replace("{", '{"nickName":"Band",');
    const signature = sign(doubled, SESSION_KEY);
    expect(reasonFor(() => open({ encryptedData, iv, rawData: doubled, signature }))).to.equal(
      "a name comes twice",
    );
  });

  it("is not believed with a number in another spelling, in which digits could hide", () => {
    const text = JSON.stringify({ ...IDENTITY, ...PROFILE, watermark: WATERMARK });
    const raw = signed(PROFILE, SESSION_KEY);
    for (const number of ["1e0", "1.0", "10e-1", "1E+00000000000000000000"]) {
      const bent = sealText(text.replace('"gender":1', `"gender":${number}`));
      expect(
        reasonFor(() => open({ ...bent, ...raw })),
        number,
      ).to.equal("a number in another spelling");
    }
    for (const number of ["-0", "0e1234567890123456", "1e999", "0.00"]) {
      const bent = sealText(text.replace("{", `{"x":${number},`));
      expect(
        reasonFor(() => open({ ...bent, ...raw })),
        number,
      ).to.equal("a number in another spelling");
    }
    // Digits inside a text are no numbers.
    const profile = { ...PROFILE, nickName: '007 "1e0", -0' };
    expect(open(profileData({}, profile)).data).to.include({ nickName: profile.nickName });
  });

  it("is compared with the bytes that were signed: a half of a surrogate pair is no U+FFFD", () => {
    const signature = sign(JSON.stringify({ ...PROFILE, nickName: "\ufffd" }), SESSION_KEY);
    const rawData = JSON.stringify({ ...PROFILE, nickName: "~" }).replace("~", "\ud800");
    const { encryptedData, iv } = profileData({ nickName: "\ud800" });
    expect(reasonFor(() => open({ encryptedData, iv, rawData, signature }))).to.equal(
      "rawData is not what was sealed",
    );
    // A name cut in the middle of an emoji, as WeChat sends it on both sides.
    expect(open(profileData({}, { ...PROFILE, nickName: "a\ud83d" })).data.nickName).to.equal("a\ud83d");
  });

  it("is not believed with bytes that are no UTF-8, or with a BOM", () => {
    const bytes = Buffer.from(JSON.stringify({ ...IDENTITY, ...PROFILE, watermark: WATERMARK }));
    const raw = signed(PROFILE, SESSION_KEY);
    const bent = Buffer.from(bytes);
    bent[bytes.indexOf("Band")] = 0xff;
    expect(reasonFor(() => open({ ...sealText(bent), ...raw }))).to.equal("no UTF-8 inside");
    const marked = Buffer.concat([Buffer.from("\ufeff"), bytes]);
    expect(reasonFor(() => open({ ...sealText(marked), ...raw }))).to.equal("no JSON inside");
  });

  it("is not believed as another user's", () => {
    for (const openId of ["oAnother", null, 1]) {
      expect(reasonFor(() => open(profileData({ openId })))).to.equal("openId belongs to another user");
    }
  });

  it("is not believed with a flipped iv that turns the openId into another", () => {
    const sealed = flip(profileData(), '{"openId":"oGZUI', '{"openId":"oHACK');
    expect(reasonFor(() => open(sealed))).to.equal("openId belongs to another user");
  });

  it("is not believed with a flipped iv that renames openId away, with a unionId and without", () => {
    const others = profileData({ openId: "oGZUI-of-another-user" });
    const renamed = (sealed: Sealed) => flip(sealed, '{"openId":"oGZUI', '{"openXx":"oGZUI');
    expect(reasonFor(() => open(renamed(others)))).to.equal("openId belongs to another user");
    const alone = profileData({ openId: "oGZUI-of-another-user", unionId: undefined });
    expect(reasonFor(() => open(renamed(alone)))).to.equal("a member that rawData does not have");
  });

  it("is not believed with another unionId than the one that WeChat gave for the code", () => {
    expect(open(profileData(), { unionid: "u1" }).data.unionId).to.equal("u1");
    expect(open(profileData({ unionId: undefined }), { unionid: "u1" }).data).to.not.have.property("unionId");
    expect(reasonFor(() => open(profileData(), { unionid: "u2" }))).to.match(/^unionId is not the one/);
  });

  it("says nothing of a unionId that is empty, and is not believed with one of another form", () => {
    for (const unionId of ["", null]) {
      expect(knownInUserData(open(profileData({ unionId })))).to.have.keys("nickName", "avatarUrl");
    }
    // The last one: a block of garbage inside the own unionId is a valid text once in 13,000 tries.
    const garbage = ["u1 ", "u+1", "u\u00001", "ocMvos6NjeKLw1&\u0005#\u0416=;l~0Mr9QjxrP1FA"];
    for (const unionId of [1, {}, ["u1"], true, ...garbage]) {
      expect(reasonFor(() => open(profileData({ unionId })))).to.equal("no unionId");
    }
    expect(open(profileData({ unionId: OFFICIAL.unionid })).data.unionId).to.equal(OFFICIAL.unionid);
    expect(open(profileData({ unionId: "o-_.9" })).data.unionId).to.equal("o-_.9");
  });

  it("is not believed with another app's watermark, with none, or with more in it", () => {
    const reason = "watermark.appid is another app's";
    for (const watermark of [
      { appid: "wxother", timestamp: NOW },
      null,
      undefined,
      [],
      "x",
      { timestamp: NOW },
    ]) {
      expect(reasonFor(() => open(profileData({ watermark })))).to.equal(reason);
    }
    const more = { ...WATERMARK, note: "" };
    expect(reasonFor(() => open(profileData({ watermark: more })))).to.equal("watermark has other members");
  });

  it("is not believed if it is too old or too far ahead, or if it does not say when", () => {
    const at = (timestamp: unknown) => () => open(profileData({ watermark: { appid: APP_ID, timestamp } }));
    for (const good of [NOW - 300, NOW + 300, String(NOW)]) expect(at(good)().kind).to.equal("profile");
    const away = (seconds: number) => `watermark.timestamp is ${seconds} s away from this server's clock`;
    expect(reasonFor(at(NOW - 301))).to.equal(away(301));
    expect(reasonFor(at(NOW + 301))).to.equal(away(301));
    for (const none of [undefined, null, "", " ", "soon", [NOW], NOW + 0.5, `${NOW}.0`, "1e9", true]) {
      expect(reasonFor(at(none)), String(none)).to.equal(away(Number.NaN));
    }
  });

  it("is not believed under another session_key", () => {
    const text = JSON.stringify({ ...IDENTITY, ...PROFILE, watermark: WATERMARK });
    const reasons = Array.from({ length: 50 }, (_, i) =>
      reasonFor(() => open(seal(JSON.parse(text), Buffer.alloc(16, i).toString("base64")))),
    );
    // One wrong key in 255 passes the padding check.
    const causes = reasons.filter((reason) => !/^no (UTF-8|JSON) inside$/.test(reason));
    expect(new Set(causes)).to.deep.equal(new Set([OTHER_KEY]));
  });

  it("is not believed from base64 of a wrong length, an empty text or a short iv", () => {
    const { encryptedData, iv, ...raw } = profileData();
    for (const sealed of [
      { encryptedData: encryptedData.slice(0, -4), iv },
      { encryptedData: "", iv },
      { encryptedData: "!!!!", iv },
      { encryptedData, iv: "AAAA" },
      { encryptedData, iv: "" },
    ]) {
      expect(reasonFor(() => open({ ...sealed, ...raw }))).to.equal(OTHER_KEY);
    }
  });

  it("is not believed if there is no JSON object, and the operator is not shown what there was", () => {
    for (const value of ["5", "null", '"text"', "[1]"]) {
      expect(reasonFor(() => open(sealText(value)))).to.equal("no JSON object inside");
    }
    const sealed = flip(profileData(), '{"openId":"oGZUI', '#"openId":"oGZUI');
    expect(reasonFor(() => open(sealed))).to.equal("no JSON inside");
  });
});

describe("a phone number in user data (the old form)", () => {
  const phone = { phoneNumber: "10012345678", purePhoneNumber: "10012345678", countryCode: "86" };
  const phoneData = (bent: object = {}) =>
    sealText(JSON.stringify({ ...phone, watermark: WATERMARK, ...bent }));

  beforeEach(() => clockAt(NOW));

  it("is known whole, the country code as a text, in each of its spellings", () => {
    expect(knownInUserData(open(phoneData({ countryCode: 86 })))).to.deep.equal(phone);
    for (const phoneNumber of ["85210012345", "+85210012345", "852-10012345", "+852-10012345", "10012345"]) {
      const foreign = { phoneNumber, purePhoneNumber: "10012345", countryCode: "852" };
      expect(knownInUserData(open(phoneData(foreign)))).to.deep.equal(foreign);
    }
  });

  const crooked: object[] = [
    { purePhoneNumber: undefined },
    { countryCode: undefined },
    { phoneNumber: 10012345678, purePhoneNumber: null },
    { purePhoneNumber: 10012345678 },
    { purePhoneNumber: "10012345679" },
    { purePhoneNumber: "" },
    { phoneNumber: "123", purePhoneNumber: "123" },
    { phoneNumber: "1".repeat(16), purePhoneNumber: "1".repeat(16) },
    { phoneNumber: ["10012345678"] },
    { phoneNumber: "call 10012345678" },
    { phoneNumber: "010012345678" },
    { phoneNumber: "10012345678 or so", purePhoneNumber: "so" },
    { countryCode: "CN" },
    { countryCode: "86 " },
    { countryCode: "+86" },
    { countryCode: ["86"] },
    { countryCode: "12345", phoneNumber: "1234510012345678" },
    { unionId: "u1" },
    { openId: OWNER.openid },
    { nickName: "Ada" },
    { isDemote: true },
    { watermark: { ...WATERMARK, x: 1 } },
  ];
  for (const bent of crooked) {
    const shown = JSON.stringify(bent, (_, value) => (value === undefined ? "(none)" : value));
    it(`is not believed with ${shown}`, () => {
      expect(reasonFor(() => open(phoneData(bent)))).to.match(
        /no phone number|the phone number's fields differ|other members/,
      );
    });
  }

  it("cannot be made of a nickname, by an iv of one's own and a later first block", async () => {
    const { wechat, post, saveUser } = await startApp({ require: ["phoneNumber"] });
    const filler = "-".repeat(11);
    const openid = "o".repeat(28);
    const attacker = wechat.phone({ openid, client: "old", nickName: `${filler}10087654321` });
    const { temporaryToken } = (await post("/wx/login", attacker.login())).body;
    const data = attacker.getUserInfo();
    const beginning = `{"openId":"${openid}","nickName":"${filler}`;
    const begun = beginAt(data, beginning, '{"phoneNumber":"');
    for (const sent of [begun, { ...data, ...begun }]) {
      const answer = await post("/wx/login/complete", { temporaryToken, ...sent });
      expect(answer.status).to.equal(401);
    }
    expect(saveUser.called).to.equal(false);
  });
});

describe("other user data", () => {
  const OPEN_GID = "tGBfqg0123456789abcdef_-ABCD";
  const sealed = (data: object) => sealText(JSON.stringify({ ...data, watermark: WATERMARK }));

  beforeEach(() => clockAt(NOW));

  it("are a group's openGId, alone and of its form", () => {
    const opened = open(sealed({ openGId: OPEN_GID }));
    expect(opened).to.deep.equal({
      kind: "group",
      data: { openGId: OPEN_GID, watermark: WATERMARK },
      unknownNames: [],
    });
    expect(knownInUserData(opened)).to.deep.equal({});
    for (const openGId of [
      OPEN_GID.slice(1),
      `${OPEN_GID}x`,
      OPEN_GID.replace("-", "+"),
      "",
      null,
      [OPEN_GID],
    ]) {
      expect(reasonFor(() => open(sealed({ openGId })))).to.equal("no openGId");
    }
    expect(reasonFor(() => open(sealed({ openGId: OPEN_GID, gender: 0 })))).to.match(/^other members/);
  });

  it("are WeRun's steps, of whole numbers alone", () => {
    const stepInfoList = [
      { timestamp: NOW - 86_400, step: 100 },
      { timestamp: NOW, step: 0 },
    ];
    const opened = open(sealed({ stepInfoList }));
    expect(opened).to.deep.equal({
      kind: "werun",
      data: { stepInfoList, watermark: WATERMARK },
      unknownNames: [],
    });
    expect(knownInUserData(opened)).to.deep.equal({});
    expect(open(sealed({ stepInfoList: [] })).kind).to.equal("werun");
    const [day] = stepInfoList;
    const wrong = [{}, null, "x", [null], [[]], [1], [{ ...day, step: "100" }], [{ ...day, note: "" }]];
    for (const list of [...wrong, [{ step: 1 }], [{ ...day, timestamp: 0.5 }]]) {
      expect(
        reasonFor(() => open(sealed({ stepInfoList: list }))),
        JSON.stringify(list),
      ).to.equal("no stepInfoList");
    }
    expect(reasonFor(() => open(sealed({ stepInfoList, unionId: "u" })))).to.match(/^other members/);
  });

  it("are nothing else", () => {
    for (const data of [{}, { a: 1 }, { unionId: "u1", openId: OWNER.openid }]) {
      expect(reasonFor(() => open(sealed(data)))).to.equal("profile data without rawData and signature");
    }
  });
});

describe("user data that were changed on the way", () => {
  const OPEN_GID = "tGBfqg0123456789abcdef_-ABCD";
  const { openId: _, unionId: __, ...anonymous } = { ...IDENTITY, ...PROFILE };
  const KINDS: [string, object, number][] = [
    ["wx.getUserInfo", { ...IDENTITY, ...PROFILE }, 0],
    ["wx.getUserProfile", anonymous, 0],
    [
      "the phone button",
      { phoneNumber: "10012345678", purePhoneNumber: "10012345678", countryCode: "86" },
      0,
    ],
    ["WeRun", { stepInfoList: [{ timestamp: NOW, step: 100 }] }, 0],
    // WeChat seals `{"openGId":"` and four characters in the first block, which the iv changes at will.
    ["a group", { openGId: OPEN_GID }, 4],
  ];

  beforeEach(() => clockAt(NOW));

  /** What is believed of the changed iv and blocks; nothing if they are refused. */
  function believed(blocks: Buffer[]) {
    const sealed = {
      iv: String(blocks[0]?.toString("base64")),
      encryptedData: Buffer.concat(blocks.slice(1)).toString("base64"),
    };
    try {
      return open({ ...sealed, ...signed(PROFILE, SESSION_KEY) }).data;
    } catch {
      return undefined;
    }
  }

  for (const [what, data, freeCharacters] of KINDS) {
    const sealedBlocks = () => blocksOf(sealText(JSON.stringify({ ...data, watermark: WATERMARK })));

    it(`are refused with any bit flipped, of the iv and of the rest: ${what}`, () => {
      const bytes = Buffer.concat(sealedBlocks());
      const survivors = new Set<string>();
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = Number(flipped[bit >> 3]) ^ (1 << (bit & 7));
        const opened = believed([flipped.subarray(0, 16), flipped.subarray(16)]);
        if (opened) survivors.add(String(opened.openGId).slice(4));
      }
      expect([...survivors]).to.deep.equal(freeCharacters ? [OPEN_GID.slice(4)] : []);
    });

    it(`are refused with a block less, twice, or in another place: ${what}`, () => {
      const blocks = sealedBlocks();
      expect(believed(blocks)).to.deep.include(data);
      for (let from = 0; from < blocks.length; from++) {
        for (let to = 0; to <= blocks.length; to++) {
          const without = blocks.filter((_block, index) => index < from || index >= to);
          if (to > from) expect(believed(without), `without ${from} to ${to}`).to.equal(undefined);
          const repeated = [...blocks.slice(0, to), ...blocks.slice(from)];
          if (to !== from) expect(believed(repeated), `${from} behind ${to}`).to.equal(undefined);
        }
      }
    });
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
    const waiting = (await app.keys()).filter((key) => !key.includes(":refused:"));
    expect(waiting).to.deep.equal([]);
    expect(app.saveUser.called).to.equal(false);
  });
});
