import { expect } from "chai";
import sinon from "sinon";
import { openUserData } from "../../lib/login/user-data.ts";
import { type WechatSimulator, wechatSimulator } from "../../lib/simulator/index.ts";
import { APP_ID, atEnd, SECRET, startWechat } from "../support/login-app.ts";

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
    expect(openUserData(phone.getUserInfo(), expected(second), 10)).to.include({ unionId: "u1" });
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
    while (wechat.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await wechat.close();
    expect(await hanging).to.be.instanceOf(TypeError);
  });
});
