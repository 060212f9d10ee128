import { createHmac } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { expect } from "chai";
import sinon from "sinon";
import { openUserData } from "../../lib/login/user-data.ts";
import { accessTokens } from "../../lib/simulator/access-tokens.ts";
import { type WechatSimulator, wechatSimulator } from "../../lib/simulator/index.ts";
import { APP_ID, atEnd, SECRET, startWechat } from "../support/login-app.ts";
import { until } from "../support/until.ts";

const OPENID = "oGZUI0egBJY1zhBYw2KhdUfwVJJE";

async function code2Session({ baseUrl }: WechatSimulator, query: object): Promise<Record<string, unknown>> {
  const app = { appid: APP_ID, secret: SECRET, grant_type: "authorization_code" };
  const given = Object.entries({ ...app, ...query }).filter(([, value]) => value !== undefined);
  const response = await fetch(
    `${baseUrl}/sns/jscode2session?${new URLSearchParams(given as [string, string][])}`,
  );
  return (await response.json()) as Record<string, unknown>;
}

describe("the simulator", () => {
  it("answers a good code in text/plain, without errcode, once", async () => {
    const wechat = await startWechat();
    const { code, errMsg } = wechat.phone({ openid: OPENID, unionid: "u1" }).login();
    expect(errMsg).to.equal("login:ok");
    const url = `${wechat.baseUrl}/sns/jscode2session?appid=${APP_ID}&secret=${SECRET}&js_code=${code}`;
    const response = await fetch(url);
    expect(response.headers.get("content-type")).to.equal("text/plain");
    const answer = (await response.json()) as Record<string, string>;
    expect(answer)
      .to.have.keys("openid", "session_key", "unionid")
      .and.include({ openid: OPENID, unionid: "u1" });
    expect(answer.session_key).to.match(/^[\w+/]{22}==$/);
    expect(await code2Session(wechat, { js_code: code })).to.include({ errcode: 40163 });
  });

  it("outlives requests that no client would send, and those that break off", async () => {
    const wechat = await startWechat();
    const { hostname, port } = new URL(wechat.baseUrl);
    const sendRaw = async (text: string) => {
      const socket = connect(Number(port), hostname, () => socket.end(text));
      // The server answers, or ends the connection.
      await once(socket.on("error", () => {}).resume(), "close");
    };
    for (const path of ["//", "//x:99999999/", "/%", "*"])
      await sendRaw(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await sendRaw("POST /cgi-bin/stable_token HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{");
    const { code } = wechat.phone({}).login();
    expect(await code2Session(wechat, { js_code: code })).to.have.keys("openid", "session_key");
  });

  it("gives no unionid at login where there is none, or where only the user data holds it", async () => {
    const wechat = await startWechat();
    for (const user of [{}, { unionid: "u1", unionidAtLogin: false }]) {
      const { code } = wechat.phone(user).login();
      expect(await code2Session(wechat, { js_code: code })).to.have.keys("openid", "session_key");
    }
  });

  it("knows WeChat's refusals, each with an errmsg that ends in a changing rid", async () => {
    const wechat = await startWechat();
    const blocked = wechat.phone({ blocked: true }).login().code;
    const cases: [object, number, RegExp][] = [
      [{ appid: undefined }, 41002, /^appid missing, rid: /],
      [{ secret: undefined }, 41004, /^appsecret missing, rid: /],
      [{ appid: "wxother" }, 40013, /^invalid appid, rid: /],
      [{ secret: "wrong" }, 40125, /^invalid appsecret, rid: /],
      [{}, 41008, /^missing code, rid: /],
      [{ js_code: "unknown" }, 40029, /^invalid code, rid: /],
      [{ js_code: blocked }, 40226, /^code blocked, rid: /],
    ];
    const rids = new Set<string>();
    for (const [query, errcode, errmsg] of cases) {
      const answer = await code2Session(wechat, query);
      expect(answer).to.have.keys("errcode", "errmsg").and.include({ errcode });
      expect(answer.errmsg)
        .to.match(errmsg)
        .and.match(/rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$/);
      rids.add(String(answer.errmsg).slice(-26));
    }
    expect(rids.size).to.equal(cases.length);
  });

  it("burns a code in an exchange that fails", async () => {
    const wechat = await startWechat();
    const { code } = wechat.phone().login();
    expect(await code2Session(wechat, { js_code: code, secret: "wrong" })).to.include({ errcode: 40125 });
    expect(await code2Session(wechat, { js_code: code })).to.include({ errcode: 40163 });
  });

  it("burns another app's code: 40029 at first, then 40163", async () => {
    const wechat = await startWechat();
    const { code } = (await startWechat()).phone().login();
    expect(await code2Session(wechat, { js_code: code })).to.include({ errcode: 40029 });
    expect(await code2Session(wechat, { js_code: code })).to.include({ errcode: 40163 });
    // What has not the form of a code is none, however often it comes.
    for (let count = 0; count < 2; count++) {
      expect(await code2Session(wechat, { js_code: "the code is a mock one" })).to.include({
        errcode: 40029,
      });
    }
  });

  it("lets a code live for five minutes", async () => {
    const wechat = await startWechat();
    const [early, late] = [wechat.phone().login(), wechat.phone().login()];
    const clock = sinon.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    atEnd(() => clock.restore());
    clock.tick(299_000);
    expect(await code2Session(wechat, { js_code: early.code })).to.have.property("openid");
    clock.tick(1_100);
    expect(await code2Session(wechat, { js_code: late.code })).to.include({ errcode: 40029 });
  });

  it("replaces the session_key with every login", async () => {
    const wechat = await startWechat();
    const phone = wechat.phone({ openid: OPENID, unionid: "u1" });
    const first = await code2Session(wechat, { js_code: phone.login().code });
    const second = await code2Session(wechat, { js_code: phone.login().code });
    const expected = (answer: Record<string, unknown>) => ({
      appId: APP_ID,
      openid: OPENID,
      sessionKey: String(answer.session_key),
    });
    expect(openUserData(phone.getUserInfo(), expected(second), 10).data).to.include({ unionId: "u1" });
    expect(() => openUserData(phone.getUserInfo(), expected(first), 10)).to.throw();
  });

  it("gives the real profile to old clients and Mini Games, the placeholder to everyone else", async () => {
    const wechat = await startWechat();
    const names = (["current", "old", "minigame"] as const).map((client) => {
      const phone = wechat.phone({ nickName: "Ada", avatarUrl: "https://qlogo/ada", client });
      phone.login();
      const { userInfo, rawData, errMsg } = phone.getUserInfo();
      expect(errMsg).to.equal("getUserInfo:ok");
      expect(JSON.parse(rawData)).to.deep.equal(userInfo);
      expect(userInfo).to.include({ gender: 0, city: "", province: "", country: "", language: "zh_CN" });
      return [
        userInfo.nickName,
        userInfo.avatarUrl.includes("POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRicc"),
      ];
    });
    expect(names).to.deep.equal([
      ["微信用户", true],
      ["Ada", false],
      ["Ada", false],
    ]);
  });

  it("has no data to give before a login, and none for a refusal", async () => {
    const wechat = await startWechat();
    const phone = wechat.phone();
    expect(() => phone.getUserInfo()).to.throw("getUserInfo before login()");
    expect(() => phone.getUserProfile()).to.throw("getUserProfile before login()");
    expect(phone.refuse()).to.deep.equal({ errMsg: "getUserInfo:fail auth deny" });
  });

  it("makes a new person of 28 characters for each phone without an openid", async () => {
    const wechat = await startWechat();
    const [one, other] = [wechat.phone(), wechat.phone()];
    expect(one.openid)
      .to.match(/^o[\w-]{27}$/)
      .and.not.equal(other.openid);
  });

  it("bends the next answers, one by one", async () => {
    const wechat = await startWechat();
    const { code } = wechat.phone().login();
    wechat.bendNext({ errcode: -1 });
    wechat.bendNext({ errcode: "40029" });
    wechat.bendNext({ body: "<html>", status: 502 });
    expect(await code2Session(wechat, { js_code: code })).to.include({ errcode: -1 });
    expect(await code2Session(wechat, { js_code: code })).to.include({ errcode: "40029" });
    const html = await fetch(`${wechat.baseUrl}/sns/jscode2session`);
    expect([html.status, await html.text()]).to.deep.equal([502, "<html>"]);
    expect(await code2Session(wechat, { js_code: code })).to.have.property("session_key");
  });

  it("knows no other address", async () => {
    const wechat = await startWechat();
    const response = await fetch(`${wechat.baseUrl}/sns/nothing`);
    expect(await response.json()).to.include({ errcode: 40066 });
    expect(wechat.requests).to.deep.equal([{ method: "GET", path: "/sns/nothing", query: {} }]);
  });

  it("listens where it is told, and says when it cannot", async () => {
    const wechat = await startWechat();
    const port = Number(new URL(wechat.baseUrl).port);
    const failure = await wechatSimulator({ appId: APP_ID, secret: SECRET, port }).catch((error) => error);
    expect(failure).to.have.property("code", "EADDRINUSE");
  });

  it("drops hanging connections when it closes", async () => {
    const wechat = await wechatSimulator({ appId: APP_ID, secret: SECRET });
    wechat.bendNext({ fault: "hang" });
    const hanging = fetch(wechat.baseUrl).catch((error) => error);
    await until(() => wechat.requests.length > 0);
    await wechat.close();
    expect(await hanging).to.be.instanceOf(TypeError);
  });
});

describe("the simulator's APIs behind an access_token", () => {
  type Answer = Record<string, unknown>;
  const account = { grant_type: "client_credential", appid: APP_ID, secret: SECRET };

  async function api() {
    const wechat = await startWechat();
    const call = async (path: string, query: Record<string, string>, body?: object): Promise<Answer> => {
      const url = `${wechat.baseUrl}${path}?${new URLSearchParams(query)}`;
      const init = body && { method: "POST", body: JSON.stringify(body) };
      return (await (await fetch(url, init)).json()) as Answer;
    };
    const stableToken = (more: object = {}) => call("/cgi-bin/stable_token", {}, { ...account, ...more });
    const access_token = String((await stableToken()).access_token);
    return { wechat, call, stableToken, access_token };
  }

  function clockAt(ms: number) {
    const clock = sinon.useFakeTimers({ now: ms, toFake: ["Date"] });
    atEnd(() => clock.restore());
    return clock;
  }

  it("stable_token: the same while it is good, without errcode, in whole seconds", async () => {
    clockAt(1_700_000_000_000);
    const { stableToken, access_token } = await api();
    expect(await stableToken()).to.deep.equal({ access_token, expires_in: 7200 });
  });

  it("stable_token: a new one five minutes ahead, and the old one stays good until its end", async () => {
    const clock = clockAt(1_700_000_000_000);
    const { stableToken, access_token, call } = await api();
    const check = async (token: string) => (await call("/wxa/checksession", { access_token: token })).errcode;
    clock.tick(6_899_999);
    expect((await stableToken()).access_token).to.equal(access_token);
    clock.tick(1);
    const next = await stableToken();
    expect(next).to.include({ expires_in: 7200 }).and.not.include({ access_token });
    expect([await check(access_token), await check(String(next.access_token))]).to.deep.equal([87009, 87009]);
    clock.tick(300_000);
    expect(await check(access_token)).to.equal(42001);
    await stableToken();
    expect([await check(access_token), await check(String(next.access_token))]).to.deep.equal([40001, 87009]);
  });

  it("stable_token: wrong parameters", async () => {
    const { stableToken } = await api();
    const wrong: [object, number][] = [
      [{ grant_type: "x" }, 40002],
      [{ appid: "wxother" }, 40013],
      [{ secret: "x" }, 40125],
    ];
    for (const [bent, errcode] of wrong) expect(await stableToken(bent)).to.include({ errcode });
  });

  it("stable_token: a forced refresh ends the one before, 20 times a day", async () => {
    const clock = clockAt(1_700_000_000_000);
    const { stableToken, access_token, call } = await api();
    const forced = await stableToken({ force_refresh: true });
    expect(forced.access_token).to.not.equal(access_token);
    expect(await call("/wxa/checksession", { access_token })).to.include({ errcode: 40001 });
    for (let i = 2; i <= 20; i++) await stableToken({ force_refresh: true });
    expect(await stableToken({ force_refresh: true })).to.include({ errcode: 45009 });
    clock.tick(86_400_000);
    expect(await stableToken({ force_refresh: true })).to.include({ expires_in: 7200 });
  });

  it("stable_token: 10,000 a minute", () => {
    const clock = clockAt(1_700_000_000_000);
    const { stableToken } = accessTokens({ appId: APP_ID, secret: SECRET });
    const ask = () => stableToken(new URLSearchParams(), account);
    for (let i = 0; i < 10_000; i++) expect(ask()).to.have.property("access_token");
    expect(ask()).to.include({ errcode: 45009 });
    clock.tick(60_000);
    expect(ask()).to.include({ expires_in: 7140 });
  });

  it("without an access_token there is no API", async () => {
    const { call } = await api();
    const post = "/wxa/business/getuserphonenumber";
    expect(await call(post, {}, {})).to.include({ errcode: 41001 });
    expect(await call(post, { access_token: "x" }, {})).to.include({ errcode: 40001 });
  });

  it("a chunked body gets 412, as at WeChat's gateway", async () => {
    const { wechat } = await api();
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(JSON.stringify(account)));
        controller.close();
      },
    });
    const init = { method: "POST", body, duplex: "half" } as RequestInit;
    const response = await fetch(`${wechat.baseUrl}/cgi-bin/stable_token`, init);
    expect([response.status, await response.text()]).to.deep.equal([412, ""]);
  });

  it("a body that is no JSON counts as an empty one", async () => {
    const { wechat } = await api();
    for (const body of ["{", "null", ""]) {
      const response = await fetch(`${wechat.baseUrl}/cgi-bin/stable_token`, { method: "POST", body });
      expect(await response.json()).to.include({ errcode: 40002 });
    }
  });

  it("getuserphonenumber: a code works for its user, once, for five minutes", async () => {
    const clock = clockAt(1_700_000_000_000);
    const { wechat, call, access_token } = await api();
    const ask = (body: object) => call("/wxa/business/getuserphonenumber", { access_token }, body);
    const phone = wechat.phone({ openid: "o1" });
    expect(() => phone.getPhoneNumber()).to.throw("getPhoneNumber before login()");
    phone.login();
    const { code, errMsg } = phone.getPhoneNumber();
    expect(errMsg).to.equal("getPhoneNumber:ok");
    expect(await ask({ code, openid: "o2" })).to.include({ errcode: 40029 });
    const watermark = { timestamp: 1_700_000_000, appid: APP_ID };
    const number = { phoneNumber: "10012345678", purePhoneNumber: "10012345678", countryCode: "86" };
    expect(await ask({ code, openid: "o1" })).to.deep.equal({
      errcode: 0,
      errmsg: "ok",
      phone_info: { ...number, watermark },
    });
    expect(await ask({ code, openid: "o1" })).to.include({ errcode: 40029 });
    const [early, late] = [phone.getPhoneNumber().code, phone.getPhoneNumber().code];
    clock.tick(299_999);
    expect(await ask({ code: early })).to.include({ errcode: 0 });
    clock.tick(1);
    expect(await ask({ code: late })).to.include({ errcode: 40029 });
  });

  it("refusals of the two buttons", async () => {
    const phone = (await startWechat()).phone();
    expect(phone.refuse()).to.deep.equal({ errMsg: "getUserInfo:fail auth deny" });
    expect(phone.refuse("getPhoneNumber")).to.deep.equal({ errMsg: "getPhoneNumber:fail user deny" });
  });

  it("msg_sec_check: suggests what the test says, for who was here within two hours", async () => {
    const clock = clockAt(1_700_000_000_000);
    const suggest = (content: string) => (content === "bad" ? "risky" : content === "hm" ? "review" : "pass");
    const wechat = await wechatSimulator({ appId: APP_ID, secret: SECRET, suggest });
    atEnd(() => wechat.close());
    const post = async (path: string, body: object): Promise<Answer> => {
      const init = { method: "POST", body: JSON.stringify(body) };
      return (await (await fetch(`${wechat.baseUrl}${path}`, init)).json()) as Answer;
    };
    let { access_token } = await post("/cgi-bin/stable_token", account);
    const check = (content: unknown, more: object = {}) =>
      post(`/wxa/msg_sec_check?access_token=${access_token}`, { version: 2, openid: "o1", content, ...more });
    expect(await check("good")).to.include({ errcode: 61010 });
    wechat.phone({ openid: "o1" }).login();
    const results = await Promise.all(["good", "hm", "bad"].map(async (text) => (await check(text)).result));
    expect(results).to.deep.equal([
      { suggest: "pass", label: 100 },
      { suggest: "review", label: 20001 },
      { suggest: "risky", label: 20001 },
    ]);
    expect(await check("good", { version: 1 })).to.include({ errcode: 40129 });
    expect(await check(5)).to.include({ errcode: 40129 });
    clock.tick(2 * 60 * 60 * 1000 - 1);
    ({ access_token } = await post("/cgi-bin/stable_token", account));
    expect(await check("good")).to.include({ errcode: 0 });
    clock.tick(1);
    expect(await check("good")).to.include({ errcode: 61010 });
  });

  it("checksession and resetusersessionkey: by the signature of an empty message", async () => {
    const { wechat, call, access_token } = await api();
    const { code } = wechat.phone({ openid: "o1" }).login();
    const { session_key } = await code2Session(wechat, { js_code: code });
    const sign = (key: unknown) => createHmac("sha256", String(key)).update("").digest("hex");
    const query = { access_token, openid: "o1", sig_method: "hmac_sha256", signature: sign(session_key) };
    expect(await call("/wxa/checksession", query)).to.deep.equal({ errcode: 0, errmsg: "ok" });
    for (const bent of [{ openid: "o2" }, { signature: sign("x") }, { sig_method: "md5" }]) {
      expect(await call("/wxa/checksession", { ...query, ...bent })).to.include({ errcode: 87009 });
      expect(await call("/wxa/resetusersessionkey", { ...query, ...bent })).to.include({ errcode: 87007 });
    }
    const reset = await call("/wxa/resetusersessionkey", query);
    expect(reset).to.include({ errcode: 0, openid: "o1" });
    expect(reset.session_key)
      .to.match(/^[\w+/]{22}==$/)
      .and.not.equal(session_key);
    expect(await call("/wxa/checksession", query)).to.include({ errcode: 87009 });
    const signature = sign(reset.session_key);
    expect(await call("/wxa/checksession", { ...query, signature })).to.include({ errcode: 0 });
  });
});
