import { request } from "node:http";
import { connect } from "node:net";
import { expect } from "chai";
import sinon from "sinon";
import { IN_WECHAT } from "../support/browser.ts";
import { APP_ID, atEnd, redis } from "../support/login-app.ts";
import { OFFICIAL_ACCOUNT, startWebApp, WEBSITE } from "../support/web-app.ts";

describe("the web login", () => {
  it("leads a browser to the QR code of the website application, with WeChat's parameters in their order", async () => {
    const { browser, url, wechat } = await startWebApp();
    const { status, location, headers } = await browser().open("/web");
    expect([status, headers.get("cache-control")]).to.deep.equal([302, "no-store"]);
    const state = new URL(location).searchParams.get("state");
    expect(state).to.match(/^[0-9a-f]{64}$/);
    const callback = encodeURIComponent(`${url}/web/callback`);
    expect(location).to.equal(
      `${wechat.baseUrl}/connect/qrconnect?appid=${WEBSITE.appId}&redirect_uri=${callback}&response_type=code&scope=snsapi_login&state=${state}#wechat_redirect`,
    );
  });

  it("leads a browser inside WeChat to the authorise page of the Official Account", async () => {
    const { browser, wechat } = await startWebApp();
    const location = new URL(await browser(IN_WECHAT).start());
    expect(location.origin + location.pathname).to.equal(`${wechat.baseUrl}/connect/oauth2/authorize`);
    expect(location.searchParams.get("appid")).to.equal(OFFICIAL_ACCOUNT.appId);
    expect(location.searchParams.get("scope")).to.equal("snsapi_userinfo");
  });

  it("asks open.weixin.qq.com where no authorizeBaseUrl is given", async () => {
    const { browser } = await startWebApp({ authorizeBaseUrl: undefined });
    expect(await browser().start()).to.match(/^https:\/\/open\.weixin\.qq\.com\/connect\/qrconnect\?/);
  });

  it("takes the only app there is, whatever the browser", async () => {
    const website = await startWebApp({ officialAccount: undefined });
    expect(await website.browser(IN_WECHAT).start()).to.include("/connect/qrconnect?");
    const account = await startWebApp({ website: undefined });
    expect(await account.browser().start()).to.include("/connect/oauth2/authorize?");
    expect((await account.browser().open("/web/embed", {})).status).to.equal(404);
  });

  it("signs in who comes back: the user is stored, a cookie opens the other routes", async () => {
    const { browser, wechat, users, errors } = await startWebApp();
    const tab = browser();
    const phone = wechat.phone({ unionid: "u1", nickName: "小明", avatarUrl: "https://qlogo/1" });
    const back = await tab.open(phone.authorize(await tab.start("?returnTo=/orders%3Fpage%3D2%23top")));
    expect([back.status, back.location]).to.deep.equal([302, "/orders?page=2#top"]);
    expect(back.headers.get("cache-control")).to.equal("no-store");
    const { openid, ...rest } = users[0] as (typeof users)[0];
    expect(rest).to.deep.equal({
      id: 1,
      appId: WEBSITE.appId,
      unionid: "u1",
      nickName: "小明",
      avatarUrl: "https://qlogo/1",
    });
    const { body } = await tab.me();
    expect(body.identity).to.deep.equal({ appId: WEBSITE.appId, openid, unionid: "u1" });
    expect(body.user).to.deep.include({ id: 1 });
    expect(errors).to.deep.equal([]);
  });

  it("goes to / where the login was started without returnTo, or to the option", async () => {
    for (const [returnTo, expected] of [
      [undefined, "/"],
      ["/home?tab=1", "/home?tab=1"],
    ]) {
      const { browser, wechat } = await startWebApp({ returnTo });
      const tab = browser();
      const callback = wechat.phone({ unionid: "u1" }).authorize(await tab.start());
      expect((await tab.open(callback)).location).to.equal(expected);
    }
  });

  it("keeps its cookies from scripts and foreign forms; behind HTTPS nobody else can plant them", async () => {
    const callbackUrl = "https://shop.example/web/callback";
    const { browser, wechat, url } = await startWebApp({ callbackUrl, session: { ttl: 60 } });
    const tab = browser();
    const start = await tab.open("/web");
    const [cookie] = start.setCookies;
    expect(cookie).to.match(
      /^__Host-wechat-browser=[\w-]{43}; Max-Age=34560000; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    );
    const callback = new URL(wechat.phone({ unionid: "u1" }).authorize(start.location));
    expect(callback.origin).to.equal("https://shop.example");
    const back = await tab.open(url + callback.pathname + callback.search);
    expect(back.setCookies).to.have.length(1);
    expect(back.setCookies[0]).to.match(
      /^__Host-wechat-session-wxofficialaccount\.wxwebsite=[\w-]{54}; Max-Age=34560000; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    );
    expect((await tab.me()).status).to.equal(200);
  });

  it("sets no Secure on plain HTTP, where browsers would drop the cookie", async () => {
    const { browser } = await startWebApp();
    const [cookie] = (await browser().open("/web")).setCookies;
    expect(cookie).to.match(/^wechat-browser=[\w-]{43}; Max-Age=34560000; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  it("lets several tabs of a browser log in at the same time", async () => {
    const { browser, wechat } = await startWebApp();
    const tab = browser();
    const [first, second] = [await tab.start("?returnTo=/1"), await tab.start("?returnTo=/2")];
    const phone = wechat.phone({ unionid: "u1" });
    expect((await tab.open(phone.authorize(second))).location).to.equal("/2");
    expect((await tab.open(phone.authorize(first))).location).to.equal("/1");
  });

  it("lets several tabs begin at the same time on a first visit, whose cookies replace each other", async () => {
    const officialAccount = { ...OFFICIAL_ACCOUNT, scope: "snsapi_base" } as const;
    const app = await startWebApp({ officialAccount });
    for (const [first, second] of [
      ["/web", "/web"],
      ["/web/embed", "/web"],
      ["/web", "/web/embed"],
    ] as const) {
      const phone = app.wechat.phone({ unionid: `${first} ${second}` });
      const tab = app.browser(IN_WECHAT);
      // Both requests are under way before a cookie has come: fresh browsers, whose answers one browser keeps.
      const opened = [];
      for (const path of [first, second]) {
        const fresh = app.browser(IN_WECHAT);
        const { location, body } = await fresh.open(`${path}?returnTo=${path}`);
        opened.push(path === "/web" ? location : pageOf(app.wechat.baseUrl, body));
        for (const [name, value] of fresh.cookies) tab.cookies.set(name, value);
      }
      for (const [index, page] of opened.entries()) {
        let back = (await tab.open(phone.authorize(page))).location;
        // The unionid is not known yet: WeChat's page comes once more.
        if (back.includes("/connect/")) back = (await tab.open(phone.authorize(back))).location;
        expect(back).to.equal([first, second][index]);
      }
      expect((await tab.me()).status).to.equal(200);
    }
  });

  it("keeps the secret of a first visit's state for as long as the state, and sets none on the next visit", async () => {
    const { browser } = await startWebApp();
    const tab = browser();
    const { location, setCookies } = await tab.open("/web");
    const state = String(new URL(location).searchParams.get("state"));
    const value = tab.cookies.get("wechat-browser");
    expect(setCookies[1]).to.equal(
      `wechat-browser-${state.slice(0, 16)}=${value}; Max-Age=600; Path=/; HttpOnly; SameSite=Lax`,
    );
    expect((await tab.open("/web")).setCookies).to.have.length(1);
  });

  it("begins at any spelling of its address", async () => {
    const { browser } = await startWebApp();
    for (const path of ["/web", "/web/", "/web//", "/web/?", "/web?returnTo=/a?b"]) {
      expect((await browser().open(path)).location).to.include("/connect/qrconnect?");
    }
  });

  it("gives a page what wxLogin.js needs for a QR code of its own", async () => {
    const { browser, wechat, url } = await startWebApp();
    const tab = browser();
    const { status, body, setCookies } = await tab.open("/web/embed?returnTo=/orders");
    expect(status).to.equal(200);
    const { state, ...rest } = body;
    expect(setCookies.map((cookie) => cookie.split("=")[0])).to.deep.equal([
      "wechat-browser",
      `wechat-browser-${state.slice(0, 16)}`,
    ]);
    const redirect_uri = `${url}/web/callback`;
    expect(rest).to.deep.equal({ appid: WEBSITE.appId, scope: "snsapi_login", redirect_uri });
    const query = new URLSearchParams({
      appid: rest.appid,
      redirect_uri,
      response_type: "code",
      scope: rest.scope,
      state,
    });
    const page = `${wechat.baseUrl}/connect/qrconnect?${query}#wechat_redirect`;
    expect((await tab.open(wechat.phone({ unionid: "u1" }).authorize(page))).location).to.equal("/orders");
  });

  it("gives wxLogin.js a redirect_uri that it can put into its URL as it is", async () => {
    const callbacks = [
      "/web/callback",
      "/web/callback?shop=1&lang=zh",
      "/web/callback?a=%26b%3D1&c=x+y&response_type=token&appid=wxother",
      "/%E5%BE%AE%E4%BF%A1/callback",
    ];
    for (const callback of callbacks) {
      const callbackUrl = `https://shop.example${callback}`;
      const { browser } = await startWebApp({ callbackUrl });
      const { appid, scope, redirect_uri, state } = (await browser().open("/web/embed")).body;
      // As https://res.wx.qq.com/connect/zh_CN/htmledition/js/wxLogin.js does.
      const src = `https://open.weixin.qq.com/connect/qrconnect?appid=${appid}&scope=${scope}&redirect_uri=${redirect_uri}&state=${state}&login_type=jssdk&self_redirect=false`;
      const query = { appid: WEBSITE.appId, scope: "snsapi_login", redirect_uri: callbackUrl, state };
      expect([...new URL(src).searchParams]).to.deep.equal(
        Object.entries({ ...query, login_type: "jssdk", self_redirect: "false" }),
      );
    }
    // Copies that encode it themselves work as well, for any callbackUrl without a query.
    const { browser } = await startWebApp({ callbackUrl: "https://shop.example/web/callback" });
    const { redirect_uri } = (await browser().open("/web/embed")).body;
    expect(redirect_uri).to.equal("https://shop.example/web/callback");
  });

  it("sends WeCom's browser to the website application, if there is one", async () => {
    const wecom =
      "Mozilla/5.0 (Linux; Android 14) wxwork/4.1.30 MicroMessenger/7.0.1 NetType/WIFI Language/zh";
    const onMac = "Mozilla/5.0 (Macintosh) WXWork/4.1 MicroMessenger/6.8.0";
    for (const userAgent of [wecom, onMac]) {
      const both = await startWebApp();
      expect(await both.browser(userAgent).start()).to.include("/connect/qrconnect?");
      const only = await startWebApp({ website: undefined });
      expect(await only.browser(userAgent).start()).to.include("/connect/oauth2/authorize?");
    }
  });

  describe("says once to the developer that cookies get lost", () => {
    /** The warnings after logins at these hosts. */
    async function warningsAt(callbackUrl: string, ...requests: Record<string, string>[]) {
      const { url } = await startWebApp({ callbackUrl });
      const emitWarning = sinon.stub(process, "emitWarning");
      atEnd(() => emitWarning.restore());
      for (const headers of requests) {
        for (const path of ["/web", "/web/embed"]) {
          const status = await new Promise((resolve) => {
            request(url + path, { headers }, (res) => resolve(res.resume().statusCode)).end();
          });
          expect(status).to.be.oneOf([200, 302]);
        }
      }
      emitWarning.restore();
      return emitWarning.args as unknown[][];
    }

    it("if a login starts at another host than that of callbackUrl", async () => {
      for (const [callbackUrl, Host, from, to] of [
        ["http://localhost:3000/web/callback", "127.0.0.1:3000", "127.0.0.1", "localhost"],
        ["http://127.0.0.1:3000/web/callback", "localhost:3000", "localhost", "127.0.0.1"],
        ["https://shop.example/web/callback", "www.shop.example", "www.shop.example", "shop.example"],
        ["http://localhost/web/callback", "[::1]:80", "[::1]", "localhost"],
      ] as const) {
        const warnings = await warningsAt(callbackUrl, { Host }, { Host });
        expect(warnings).to.deep.equal([
          [
            `wechatWebLogin: a login was started at ${from}, and callbackUrl is at ${to}. A browser keeps cookies by the host: ` +
              `the callback will end in invalid_state. Open the website at ${to}, or change callbackUrl; behind a proxy that ` +
              "changes Host, let it send X-Forwarded-Host.",
            { type: "WechatLoginWarning", code: "WECHAT_LOGIN_OTHER_HOST" },
          ],
        ]);
      }
    });

    it("and says nothing to a request that names no host", async () => {
      const { url } = await startWebApp({ callbackUrl: "https://shop.example/web/callback" });
      const emitWarning = sinon.stub(process, "emitWarning");
      atEnd(() => emitWarning.restore());
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      socket.write("GET /web HTTP/1.0\r\n\r\n");
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk);
      expect(Buffer.concat(chunks).toString()).to.match(/^HTTP\/1\.1 302 /);
      expect(emitWarning.args).to.deep.equal([]);
    });

    it("and says nothing if it may be right", async () => {
      const callbackUrl = "https://shop.example/web/callback";
      for (const headers of [
        { Host: "shop.example" },
        { Host: "Shop.Example:8443" },
        { Host: "127.0.0.1:3000", "X-Forwarded-Host": "shop.example" },
        { Host: "backend", "X-Forwarded-Host": "shop.example:443, inner" },
        { Host: "x y" },
      ]) {
        expect(await warningsAt(callbackUrl, headers)).to.deep.equal([]);
      }
    });
  });

  it("tells a page with a hash route by the query that stands before the hash", async () => {
    const { browser, wechat } = await startWebApp();
    const tab = browser();
    const page = await tab.start(`?returnTo=${encodeURIComponent("/#/orders?page=2")}`);
    const back = await tab.open(wechat.phone().authorize(page, { refuse: true }));
    expect(back.location).to.equal("/?error=authorization_denied#/orders?page=2");
  });

  for (const [returnTo, location] of [
    ["/s?q=%B6%A9%B5%A5&page=2", "/s?q=%B6%A9%B5%A5&page=2&error=authorization_denied"],
    ["/s?flag&q=a%20b+c#top", "/s?flag&q=a%20b+c&error=authorization_denied#top"],
    ["/s?filter=a:b,c;d&next=%2Fcart", "/s?filter=a:b,c;d&next=%2Fcart&error=authorization_denied"],
    ["/s?100%", "/s?100%&error=authorization_denied"],
    ["/s?error=x&a=1&%65rror=y&error&my-error=1", "/s?a=1&my-error=1&error=authorization_denied"],
    ["/s?", "/s?error=authorization_denied"],
  ] as const) {
    it(`tells a page by its query, and leaves the rest of ${returnTo} as it is`, async () => {
      const { browser, wechat } = await startWebApp();
      const tab = browser();
      const page = await tab.start(`?returnTo=${encodeURIComponent(returnTo)}`);
      const back = await tab.open(wechat.phone().authorize(page, { refuse: true }));
      expect(back.location).to.equal(location);
    });
  }

  it("asks WeChat for the profile only where something is lacking", async () => {
    const { browser, wechat, saveUser } = await startWebApp();
    const phone = wechat.phone({ unionid: "u1" });
    const login = async () => {
      const tab = browser();
      await tab.open(phone.authorize(await tab.start()));
    };
    const asked = () =>
      wechat.requests.filter(({ path }) => path.startsWith("/sns/")).map(({ path }) => path);
    await login();
    expect(asked()).to.deep.equal(["/sns/oauth2/access_token", "/sns/userinfo"]);
    await login();
    expect(asked().slice(2)).to.deep.equal(["/sns/oauth2/access_token"]);
    expect(saveUser.callCount).to.equal(1);
  });

  it("asks for no profile of a user whom the Mini Program has brought", async () => {
    const { browser, wechat, users, findUser } = await startWebApp({}, [{ unionid: "u1", openid: "mini" }]);
    const tab = browser();
    await tab.open(wechat.phone({ unionid: "u1" }).authorize(await tab.start()));
    expect(wechat.requests.some(({ path }) => path === "/sns/userinfo")).to.equal(false);
    expect([users.length, findUser.callCount]).to.deep.equal([1, 1]);
    expect(users[0]).to.include({ appId: WEBSITE.appId });
  });

  it("looks the user up once more only where sns/userinfo tells a unionid", async () => {
    for (const [user, require, expected] of [
      [{ unionid: "u1" }, ["unionid"], 1],
      [{}, [], 1],
    ] as const) {
      const { browser, wechat, findUser } = await startWebApp({ require });
      const tab = browser();
      await tab.open(wechat.phone(user).authorize(await tab.start()));
      expect(findUser.callCount).to.equal(expected);
    }
  });

  it("takes addresses of WeChat with slashes at the end", async () => {
    const { browser, wechat } = await startWebApp();
    const slashed = { baseUrl: `${wechat.baseUrl}//`, authorizeBaseUrl: `${wechat.baseUrl}//` };
    const other = await startWebApp(slashed);
    const tab = other.browser();
    const page = await tab.start();
    expect(page.startsWith(`${wechat.baseUrl}/connect/qrconnect?`)).to.equal(true);
    expect((await tab.open(wechat.phone({ unionid: "u1" }).authorize(page))).location).to.equal("/");
    expect(await browser().start()).to.include("/connect/");
  });

  it("asks WeChat with exactly its parameters", async () => {
    const { browser, wechat, users } = await startWebApp();
    const tab = browser();
    const callback = wechat.phone({ unionid: "u1" }).authorize(await tab.start());
    const code = new URL(callback).searchParams.get("code");
    await tab.open(callback);
    const [exchange, userInfo] = wechat.requests.filter(({ path }) => path.startsWith("/sns/"));
    const { appId: appid, secret } = WEBSITE;
    expect(exchange?.query).to.deep.equal({ appid, secret, code, grant_type: "authorization_code" });
    expect(userInfo?.query).to.have.keys("access_token", "openid", "lang");
    expect(userInfo?.query).to.include({ openid: users[0]?.openid, lang: "zh_CN" });
  });

  it("lets a name and a picture stand that the user has filled in", async () => {
    const stored = { unionid: "u1", nickName: "mine", avatarUrl: null, openid: "other" };
    const { browser, wechat, users } = await startWebApp({ require: ["unionid", "nickName", "avatarUrl"] }, [
      stored,
    ]);
    const tab = browser();
    const phone = wechat.phone({ unionid: "u1", nickName: "theirs", avatarUrl: "https://qlogo/1" });
    expect((await tab.open(phone.authorize(await tab.start()))).location).to.equal("/");
    expect(users).to.have.length(1);
    expect(users[0]).to.include({ nickName: "mine", avatarUrl: "https://qlogo/1" });
  });

  it("snsapi_base asks nobody, and is enough where the user is known", async () => {
    const officialAccount = { ...OFFICIAL_ACCOUNT, scope: "snsapi_base" } as const;
    const { browser, wechat, users } = await startWebApp({ officialAccount });
    const phone = wechat.phone({ unionid: "u1" });
    const tab = browser(IN_WECHAT);
    const first = await tab.start("?returnTo=/me");
    expect(new URL(first).searchParams.get("scope")).to.equal("snsapi_base");
    // The unionid is required, and not known yet: WeChat's page comes once more, and asks this time.
    const second = (await tab.open(phone.authorize(first))).location;
    expect(new URL(second).searchParams.get("scope")).to.equal("snsapi_userinfo");
    expect((await tab.open(phone.authorize(second))).location).to.equal("/me");
    expect(users).to.have.length(1);
    const again = browser(IN_WECHAT);
    const back = await again.open(phone.authorize(await again.start("?returnTo=/me")));
    expect([back.location, (await again.me()).status]).to.deep.equal(["/me", 200]);
  });

  it("snsapi_base with nothing required stores the openid alone", async () => {
    const officialAccount = { ...OFFICIAL_ACCOUNT, scope: "snsapi_base" } as const;
    const { browser, wechat, users } = await startWebApp({ officialAccount, require: [] });
    const tab = browser(IN_WECHAT);
    await tab.open(wechat.phone({ unionid: "u1" }).authorize(await tab.start()));
    expect(users[0]).to.have.all.keys("id", "appId", "openid");
    expect((await tab.me()).status).to.equal(200);
  });

  it("learns a unionid that only sns/userinfo tells, and finds its user", async () => {
    const stored = { unionid: "u1", openid: "mini", nickName: "mine" };
    const { browser, wechat, users, findUser } = await startWebApp({}, [stored]);
    const tab = browser();
    const callback = wechat.phone({ unionid: "u1", nickName: "theirs" }).authorize(await tab.start());
    const fake = (await (await fetch(exchangeUrl(wechat.baseUrl, callback))).json()) as Record<
      string,
      unknown
    >;
    const { unionid, ...withoutUnionid } = fake;
    expect(unionid).to.equal("u1");
    wechat.bendNext({ body: JSON.stringify(withoutUnionid) });
    expect((await tab.open(callback)).location).to.equal("/");
    expect(users).to.have.length(1);
    expect(users[0]).to.include({ unionid: "u1", openid: fake.openid, nickName: "mine" });
    expect(findUser.args.map(([identity]) => identity.unionid)).to.deep.equal([undefined, "u1"]);
  });

  it("ends the session of a browser that logs in again, and signs out", async () => {
    const { browser, wechat, url } = await startWebApp();
    const tab = browser();
    const login = async (unionid: string) => tab.open(wechat.phone({ unionid }).authorize(await tab.start()));
    await login("u1");
    const first = tab.sessionToken();
    await login("u2");
    expect(tab.sessionToken()).to.not.equal(first);
    const cookie = `wechat-session-wxofficialaccount.wxwebsite=${first}`;
    expect((await fetch(`${url}/me`, { headers: { Cookie: cookie } })).status).to.equal(401);
    const out = await tab.open("/web/logout", { method: "POST", headers: { Origin: url } });
    expect([out.status, out.body]).to.deep.equal([200, { status: "signed_out" }]);
    expect(out.setCookies[0]).to.match(
      /^wechat-session-[\w.]+=; Max-Age=0; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    expect(tab.sessionToken()).to.equal(undefined);
    expect((await tab.me()).status).to.equal(401);
  });

  it("clears a cookie whose session has ended, and no other", async () => {
    const { browser, wechat, url, web } = await startWebApp();
    const tab = browser();
    await tab.open(wechat.phone({ unionid: "u1" }).authorize(await tab.start()));
    const logout = (headers: Record<string, string>, target = tab) =>
      target.open("/web/logout", { method: "POST", headers });
    const foreign = await logout({ Origin: "https://evil.example" });
    expect([foreign.status, foreign.setCookies]).to.deep.equal([401, []]);
    const byToken = await logout({ Origin: url, Authorization: "Bearer stale" });
    expect([byToken.status, byToken.setCookies]).to.deep.equal([401, []]);
    const nobody = await logout({ Origin: url }, browser());
    expect([nobody.status, nobody.setCookies]).to.deep.equal([401, []]);
    expect((await tab.me()).status).to.equal(200);

    const { identity } = (await tab.me()).body as unknown as { identity: { appId: string; openid: string } };
    await web.signOutEverywhere(identity);
    const { status, body, setCookies } = await logout({ Origin: url });
    expect([status, body.error.code]).to.deep.equal([401, "login_required"]);
    expect(setCookies).to.have.length(1);
    expect(setCookies[0]).to.match(/^wechat-session-[\w.]+=; Max-Age=0; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(tab.sessionToken()).to.equal(undefined);
  });

  it("clears the cookie for a token that the own page signs out, and for nobody else's page", async () => {
    const { browser, wechat, url } = await startWebApp();
    for (const [headers, cleared] of [
      [{ Origin: url }, 1],
      [{ "Sec-Fetch-Site": "same-origin" }, 1],
      [{ "Sec-Fetch-Site": "same-site", Origin: `${url}.example` }, 0],
      [{ Origin: "https://evil.example" }, 0],
    ] as const) {
      const tab = browser();
      await tab.open(wechat.phone({ unionid: "u1" }).authorize(await tab.start()));
      const Authorization = `Bearer ${tab.sessionToken()}`;
      const init = { method: "POST", headers: { Authorization, ...headers } };
      const { status, setCookies } = await tab.open("/web/logout", init);
      expect([status, setCookies.length], JSON.stringify(headers)).to.deep.equal([200, cleared]);
    }
  });

  it("leaves the cookie where Redis cannot end its session", async () => {
    const fail = () => Promise.reject(new Error("READONLY"));
    const store = redis();
    let isUp = true;
    const commands = ["set", "get", "getdel", "eval", "evalsha"] as const;
    const flaky = Object.fromEntries(
      commands.map((name) => [name, (...args: string[]) => (isUp ? store.call(name, ...args) : fail())]),
    );
    const { browser, wechat, url } = await startWebApp({ redis: flaky as never });
    const tab = browser();
    await tab.open(wechat.phone({ unionid: "u1" }).authorize(await tab.start()));
    isUp = false;
    const { status, setCookies } = await tab.open("/web/logout", {
      method: "POST",
      headers: { Origin: url },
    });
    expect([status, setCookies]).to.deep.equal([500, []]);
  });

  it("signs a person out of both apps of the website", async () => {
    const { browser, wechat, web } = await startWebApp();
    const phone = wechat.phone({ unionid: "u1" });
    const [outside, inside] = [browser(), browser(IN_WECHAT)];
    for (const tab of [outside, inside]) await tab.open(phone.authorize(await tab.start()));
    const { identity } = (await outside.me()).body as unknown as {
      identity: { appId: string; openid: string; unionid: string };
    };
    await web.signOutEverywhere(identity);
    expect([(await outside.me()).status, (await inside.me()).status]).to.deep.equal([401, 401]);
  });

  it("leaves the login state to a host that has its own", async () => {
    const seen: string[] = [];
    const { browser, wechat, url } = await startWebApp({
      session: false,
      onLogin: (user, { identity, req }) => void seen.push(`${user.unionid} ${identity.appId} ${req.path}`),
    });
    const tab = browser();
    const back = await tab.open(wechat.phone({ unionid: "u1" }).authorize(await tab.start()));
    expect([back.location, back.setCookies]).to.deep.equal(["/", []]);
    expect(seen).to.deep.equal([`u1 ${WEBSITE.appId} /callback`]);
    expect((await fetch(`${url}/web/logout`, { method: "POST" })).status).to.equal(404);
  });

  it("works without Redis, for trying out", async () => {
    const { browser, wechat } = await startWebApp({ redis: undefined });
    const tab = browser();
    await tab.open(wechat.phone({ unionid: "u1" }).authorize(await tab.start()));
    expect((await tab.me()).status).to.equal(200);
  });

  it("keeps all that it has in Redis under its own prefix, and for a time only", async () => {
    const { browser, wechat, keys, keyPrefix } = await startWebApp();
    const tab = browser();
    await tab.open(wechat.phone({ unionid: "u1" }).authorize(await tab.start()));
    const all = await keys();
    // How the callback ended, that it was there, the session, and two links of openid and unionid.
    expect(all).to.have.length(5);
    for (const key of all) {
      expect(key.startsWith(`${keyPrefix}wxofficialaccount+wxwebsite:web-`)).to.equal(true);
      expect(await redis().ttl(key)).to.be.greaterThan(0);
    }
  });
});

/** The page of WeChat's that a QR code in the own page leads to. */
function pageOf(
  baseUrl: string,
  { appid, scope, redirect_uri, state }: Record<"appid" | "scope" | "redirect_uri" | "state", string>,
): string {
  const query = new URLSearchParams({ appid, redirect_uri, response_type: "code", scope, state });
  return `${baseUrl}/connect/qrconnect?${query}#wechat_redirect`;
}

/** The exchange, as the server will send it. */
function exchangeUrl(baseUrl: string, callback: string): string {
  const code = String(new URL(callback).searchParams.get("code"));
  const query = { appid: WEBSITE.appId, secret: WEBSITE.secret, code, grant_type: "authorization_code" };
  return `${baseUrl}/sns/oauth2/access_token?${new URLSearchParams(query)}`;
}

describe("one guard for both logins", () => {
  it("is there where the host shares the sessions by a name", async () => {
    const { browser, wechat, post, url } = await startWebApp({
      miniProgram: true,
      session: { name: "shop" },
    });
    const phone = wechat.phone({ unionid: "u1" });
    const { sessionToken } = (await post("/wx/login", phone.login())).body;
    const bearer = { headers: { Authorization: `Bearer ${sessionToken}` } };
    const mini = await fetch(`${url}/me`, bearer);
    expect(((await mini.json()) as { identity: object }).identity).to.deep.include({ appId: APP_ID });
    const tab = browser();
    await tab.open(phone.authorize(await tab.start()));
    expect((await tab.me()).status).to.equal(200);
    const web = { headers: { Authorization: `Bearer ${tab.sessionToken()}` } };
    expect((await fetch(`${url}/wx-me`, web)).status).to.equal(200);
  });

  it("is not there by accident: each router's sessions are its own", async () => {
    const { browser, wechat, post, url } = await startWebApp({ miniProgram: true });
    const phone = wechat.phone({ unionid: "u1" });
    const { sessionToken } = (await post("/wx/login", phone.login())).body;
    const mini = { headers: { Authorization: `Bearer ${sessionToken}` } };
    expect((await fetch(`${url}/wx-me`, mini)).status).to.equal(200);
    expect((await fetch(`${url}/me`, mini)).status).to.equal(401);
    const tab = browser();
    await tab.open(phone.authorize(await tab.start()));
    const web = { headers: { Authorization: `Bearer ${tab.sessionToken()}` } };
    expect((await fetch(`${url}/me`, web)).status).to.equal(200);
    expect((await fetch(`${url}/wx-me`, web)).status).to.equal(401);
  });
});
