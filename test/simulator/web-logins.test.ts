import { expect } from "chai";
import sinon from "sinon";
import { type PhoneUser, type WechatSimulator, wechatSimulator } from "../../lib/simulator/index.ts";
import { APP_ID, atEnd, SECRET } from "../support/login-app.ts";
import { OFFICIAL_ACCOUNT, WEBSITE } from "../support/web-app.ts";

const CALLBACK = "https://shop.example/cb?a=b";
const PAGES = {
  snsapi_base: ["/connect/oauth2/authorize", OFFICIAL_ACCOUNT],
  snsapi_userinfo: ["/connect/oauth2/authorize", OFFICIAL_ACCOUNT],
  snsapi_login: ["/connect/qrconnect", WEBSITE],
} as const;

async function start(): Promise<WechatSimulator> {
  const apps = { officialAccount: OFFICIAL_ACCOUNT, website: WEBSITE };
  const wechat = await wechatSimulator({ appId: APP_ID, secret: SECRET, ...apps });
  atEnd(() => wechat.close());
  return wechat;
}

function pageOf({ baseUrl }: WechatSimulator, scope: keyof typeof PAGES, bent: Record<string, string> = {}) {
  const [path, { appId }] = PAGES[scope];
  const query = { appid: appId, redirect_uri: CALLBACK, response_type: "code", scope, state: "abc", ...bent };
  return `${baseUrl}${path}?${new URLSearchParams(query)}#wechat_redirect`;
}

async function api({ baseUrl }: WechatSimulator, path: string, query: object) {
  const given = Object.entries(query) as [string, string][];
  const response = await fetch(`${baseUrl}${path}?${new URLSearchParams(given)}`);
  return (await response.json()) as Record<string, string>;
}

/** A code of this person, and what it is exchanged for. */
async function granted(
  wechat: WechatSimulator,
  scope: keyof typeof PAGES,
  user: PhoneUser = { unionid: "u1" },
) {
  const code = codeIn(wechat.phone(user).authorize(pageOf(wechat, scope)));
  return await exchange(wechat, scope, code);
}

function codeIn(callback: string): string {
  return String(new URL(callback).searchParams.get("code"));
}

async function exchange(wechat: WechatSimulator, scope: keyof typeof PAGES, code: string, bent: object = {}) {
  const { appId: appid, secret } = PAGES[scope][1];
  const query = { appid, secret, code, grant_type: "authorization_code", ...bent };
  return await api(wechat, "/sns/oauth2/access_token", query);
}

describe("the simulator's web login", () => {
  it("comes back with code and state, and without a code where the user refuses", async () => {
    const wechat = await start();
    const phone = wechat.phone();
    const allowed = new URL(phone.authorize(pageOf(wechat, "snsapi_login")));
    expect(allowed.href).to.match(/^https:\/\/shop\.example\/cb\?a=b&code=0[\w-]{31}&state=abc$/);
    const refused = phone.authorize(pageOf(wechat, "snsapi_login"), { refuse: true });
    expect(refused).to.equal("https://shop.example/cb?a=b&state=abc");
  });

  it("gives a person an openid in each app, the same one each time, and one unionid", async () => {
    const wechat = await start();
    const user = { openid: "o1", unionid: "u1" };
    const [inside, again, site] = [
      await granted(wechat, "snsapi_userinfo", user),
      await granted(wechat, "snsapi_base", user),
      await granted(wechat, "snsapi_login", user),
    ];
    expect(again.openid).to.equal(inside.openid);
    expect(new Set(["o1", inside.openid, site.openid]).size).to.equal(3);
    expect([inside.unionid, site.unionid]).to.deep.equal(["u1", "u1"]);
  });

  it("answers an exchange as WeChat does; a snsapi_base has no unionid", async () => {
    const wechat = await start();
    const login = await granted(wechat, "snsapi_login");
    expect(login).to.have.all.keys(
      "access_token",
      "expires_in",
      "refresh_token",
      "openid",
      "scope",
      "unionid",
    );
    expect(login).to.include({ expires_in: 7200, scope: "snsapi_login" });
    expect(await granted(wechat, "snsapi_base")).not.to.have.property("unionid");
    expect(await granted(wechat, "snsapi_login", {})).not.to.have.property("unionid");
  });

  it("gives snapshot users an openid and a unionid of nobody's, for snsapi_userinfo", async () => {
    const wechat = await start();
    const user = { openid: "o1", unionid: "u1", snapshot: true };
    const [first, second] = [
      await granted(wechat, "snsapi_userinfo", user),
      await granted(wechat, "snsapi_userinfo", user),
    ];
    expect(first).to.include({ is_snapshotuser: 1 });
    expect(first.openid).to.not.equal(second.openid);
    expect(first.unionid).to.be.a("string").and.not.equal("u1");
    expect(await granted(wechat, "snsapi_userinfo", { snapshot: true })).not.to.have.property("unionid");
    expect(await granted(wechat, "snsapi_login", user)).to.include({ unionid: "u1" });
  });

  it("knows WeChat's refusals of an exchange", async () => {
    const wechat = await start();
    const { appId: appid, secret } = OFFICIAL_ACCOUNT;
    const newCode = () => codeIn(wechat.phone().authorize(pageOf(wechat, "snsapi_login")));
    const used = newCode();
    await exchange(wechat, "snsapi_login", used);
    const cases: [object, number][] = [
      [{ appid: "wxother" }, 40013],
      [{ secret: "wrong" }, 40125],
      [{ grant_type: "x" }, 40002],
      [{ code: "" }, 41008],
      [{ code: "unknown" }, 40029],
      [{ appid, secret }, 40029],
      [{ code: used }, 40163],
    ];
    for (const [bent, errcode] of cases) {
      expect(await exchange(wechat, "snsapi_login", newCode(), bent)).to.include({ errcode });
    }
    const missing = { appid: WEBSITE.appId, secret: WEBSITE.secret, grant_type: "authorization_code" };
    expect(await api(wechat, "/sns/oauth2/access_token", missing)).to.include({ errcode: 41008 });
    const late = newCode();
    const clock = sinon.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    atEnd(() => clock.restore());
    clock.tick(300_000);
    expect(await exchange(wechat, "snsapi_login", late)).to.include({ errcode: 40029 });
  });

  it("burns a code that another app sends: 40029 first, then 40163 to everybody", async () => {
    const wechat = await start();
    const { appId: appid, secret } = OFFICIAL_ACCOUNT;
    const code = codeIn(wechat.phone().authorize(pageOf(wechat, "snsapi_login")));
    const errcodes = [];
    for (const bent of [{ appid, secret }, { appid, secret }, {}, { appid, secret }]) {
      errcodes.push((await exchange(wechat, "snsapi_login", code, bent)).errcode);
    }
    expect(errcodes).to.deep.equal([40029, 40163, 40163, 40163]);
  });

  it("has no profile for the token of a snapshot user", async () => {
    const wechat = await start();
    const token = await granted(wechat, "snsapi_userinfo", { unionid: "u1", snapshot: true });
    expect(await api(wechat, "/sns/userinfo", token)).to.include({ errcode: 48001 });
    expect(await api(wechat, "/sns/auth", token)).to.include({ errcode: 0 });
  });

  it("refuses a redirect_uri on another domain than the one that an app has registered", async () => {
    const idn = await wechatSimulator({
      appId: APP_ID,
      secret: SECRET,
      website: { ...WEBSITE, domain: "商店.example" },
    });
    atEnd(() => idn.close());
    const callback = pageOf(idn, "snsapi_login", { redirect_uri: "https://商店.example/cb" });
    expect(codeIn(idn.phone().authorize(callback))).to.match(/^0/);
    const website = { ...WEBSITE, domain: "Shop.example" };
    const officialAccount = { ...OFFICIAL_ACCOUNT, domain: "m.shop.example" };
    const wechat = await wechatSimulator({ appId: APP_ID, secret: SECRET, website, officialAccount });
    atEnd(() => wechat.close());
    const phone = wechat.phone();
    const cases: [keyof typeof PAGES, string, boolean][] = [
      ["snsapi_login", CALLBACK, true],
      ["snsapi_login", "http://SHOP.example:8080/other", true],
      ["snsapi_userinfo", "https://m.shop.example/", true],
      ["snsapi_login", "https://m.shop.example/", false],
      ["snsapi_userinfo", CALLBACK, false],
      ["snsapi_login", "https://shop.example.evil.example/", false],
      ["snsapi_login", "https://shop.example@evil.example/", false],
      ["snsapi_login", "https://evil.example/?shop.example", false],
      ["snsapi_login", "http://127.0.0.1/", false],
      ["snsapi_login", "shop.example/cb", false],
    ];
    for (const [scope, redirect_uri, isTaken] of cases) {
      const page = pageOf(wechat, scope, { redirect_uri });
      const response = await fetch(page);
      expect([redirect_uri, response.status]).to.deep.equal([redirect_uri, isTaken ? 200 : 400]);
      if (isTaken) expect(codeIn(phone.authorize(page))).to.match(/^0/);
      else expect(() => phone.authorize(page)).to.throw("redirect_uri 参数错误 (10003)");
    }
  });

  it("is told at once that a domain is more than a domain", async () => {
    const wrong = [
      "https://shop.example",
      "shop.example:3000",
      "shop.example/",
      "shop.example/web",
      "",
      "a b",
      "u@a",
    ];
    for (const domain of wrong) {
      for (const [name, app] of Object.entries({ website: WEBSITE, officialAccount: OFFICIAL_ACCOUNT })) {
        const options = { appId: APP_ID, secret: SECRET, [name]: { ...app, domain } };
        const failure = await wechatSimulator(options).then(
          (wechat) => atEnd(() => wechat.close()),
          (error) => error,
        );
        expect([domain, failure?.message]).to.deep.equal([
          domain,
          `wechatSimulator: "domain" of ${name} must be a domain without a scheme, a port and a path, such as shop.example.`,
        ]);
        expect(failure).to.be.instanceOf(TypeError);
      }
    }
  });

  it("gives the profile that web pages still get, but not for snsapi_base", async () => {
    const wechat = await start();
    const user = { unionid: "u1", nickName: "小明", avatarUrl: "https://qlogo/1" };
    const { access_token, openid } = await granted(wechat, "snsapi_login", user);
    const info = await api(wechat, "/sns/userinfo", { access_token, openid, lang: "zh_CN" });
    expect(info).to.deep.equal({
      openid,
      unionid: "u1",
      nickname: "小明",
      headimgurl: "https://qlogo/1",
      sex: 0,
      language: "",
      city: "",
      province: "",
      country: "",
      privilege: [],
    });
    const unbound = await granted(wechat, "snsapi_userinfo", {});
    expect(await api(wechat, "/sns/userinfo", unbound)).not.to.have.property("unionid");
    expect(await api(wechat, "/sns/userinfo", await granted(wechat, "snsapi_base"))).to.include({
      errcode: 48001,
    });
  });

  it("checks an access_token (sns/auth), and ends it after two hours", async () => {
    const wechat = await start();
    const token = await granted(wechat, "snsapi_login");
    expect(await api(wechat, "/sns/auth", token)).to.deep.equal({ errcode: 0, errmsg: "ok" });
    expect(await api(wechat, "/sns/auth", { ...token, openid: "other" })).to.include({ errcode: 40003 });
    expect(await api(wechat, "/sns/auth", { openid: token.openid })).to.include({ errcode: 40001 });
    const clock = sinon.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    atEnd(() => clock.restore());
    clock.tick(7200_000);
    expect(await api(wechat, "/sns/auth", token)).to.include({ errcode: 42001 });
    expect(await api(wechat, "/sns/userinfo", token)).to.include({ errcode: 42001 });
  });

  it("refreshes an access_token: one that is good lives on, one that is over is replaced", async () => {
    const wechat = await start();
    const token = await granted(wechat, "snsapi_login");
    const query = {
      appid: WEBSITE.appId,
      grant_type: "refresh_token",
      refresh_token: token.refresh_token,
    };
    const refresh = (bent: object = {}) => api(wechat, "/sns/oauth2/refresh_token", { ...query, ...bent });
    expect(await refresh()).to.include({ access_token: token.access_token, openid: token.openid });
    expect(await refresh({ grant_type: "x" })).to.include({ errcode: 40002 });
    expect(await refresh({ appid: "wxother" })).to.include({ errcode: 40013 });
    expect(await refresh({ refresh_token: "x" })).to.include({ errcode: 40030 });
    expect(await api(wechat, "/sns/oauth2/refresh_token", { grant_type: "refresh_token" })).to.include({
      errcode: 40030,
    });
    const clock = sinon.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    atEnd(() => clock.restore());
    clock.tick(7200_000);
    const renewed = await refresh();
    expect(renewed.access_token).to.be.a("string").and.not.equal(token.access_token);
    expect(await api(wechat, "/sns/auth", renewed)).to.include({ errcode: 0 });
    clock.tick(30 * 24 * 3600_000);
    expect(await refresh()).to.include({ errcode: 42002 });
  });

  it("lists all phones on its page, with links that allow and refuse", async () => {
    const wechat = await start();
    wechat.phone({ openid: "o1", nickName: '<b>"小明"' });
    wechat.phone({ openid: "o2" });
    const response = await fetch(pageOf(wechat, "snsapi_login"));
    expect([response.status, response.headers.get("content-type")]).to.deep.equal([
      200,
      "text/html; charset=utf-8",
    ]);
    const html = await response.text();
    expect(html).to.include("&#60;b&#62;&#34;小明&#34; (o1)").and.include("Band (o2)");
    const links = [...html.matchAll(/href="([^"]*)"/g)].map(([, link]) => link?.replaceAll("&#38;", "&"));
    expect(links).to.have.length(4);
    const [allow, refuse] = links;
    const allowed = await fetch(wechat.baseUrl + allow, { redirect: "manual" });
    expect(allowed.status).to.equal(302);
    expect(allowed.headers.get("location")).to.match(/^https:\/\/shop\.example\/cb\?a=b&code=0[\w-]{31}&/);
    const refused = await fetch(wechat.baseUrl + refuse, { redirect: "manual" });
    expect(refused.headers.get("location")).to.equal("https://shop.example/cb?a=b&state=abc");
  });

  it("says on its page what is wrong with the address", async () => {
    const wechat = await start();
    const cases: [string, string][] = [
      [pageOf(wechat, "snsapi_login", { appid: APP_ID }), "appid 参数错误"],
      [pageOf(wechat, "snsapi_login", { redirect_uri: "cb" }), "redirect_uri 参数错误 (10003)"],
      [pageOf(wechat, "snsapi_login", { scope: "snsapi_base" }), "Scope 参数错误"],
      [pageOf(wechat, "snsapi_login", { state: "a-b" }), "state 参数错误"],
      [pageOf(wechat, "snsapi_login", { lang: "en" }), "参数错误: the parameters must be appid,"],
      [`${wechat.baseUrl}/connect/qrconnect`, "参数错误: the parameters must be appid,"],
    ];
    for (const [url, message] of cases) {
      const response = await fetch(url);
      expect([response.status, await response.text()].join(" "))
        .to.match(/^400 /)
        .and.include(message);
    }
    const phone = wechat.phone();
    expect(() => phone.authorize(`${wechat.baseUrl}/connect/other#wechat_redirect`)).to.throw(
      "No authorise page",
    );
    expect(() => phone.authorize(pageOf(wechat, "snsapi_login").replace(/#.*/, ""))).to.throw(
      "must end in #wechat_redirect",
    );
  });

  it("has no page for an app that it is not given", async () => {
    const wechat = await wechatSimulator({ appId: APP_ID, secret: SECRET });
    atEnd(() => wechat.close());
    expect(await (await fetch(pageOf(wechat, "snsapi_login"))).text()).to.include("appid 参数错误");
  });
});
