import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import sinon from "sinon";
import { AccountConflictError } from "../../lib/index.ts";
import { IN_WECHAT } from "../support/browser.ts";
import { errorBody } from "../support/error-body.ts";
import { atEnd, forEachStore, redis } from "../support/login-app.ts";
import { until } from "../support/until.ts";
import { OFFICIAL_ACCOUNT, startWebApp, WEBSITE } from "../support/web-app.ts";

type WebApp = Awaited<ReturnType<typeof startWebApp>>;

/** A callback that a browser could open to be signed in. */
async function callbackFor(tab: ReturnType<WebApp["browser"]>, { wechat }: WebApp, user = { unionid: "u1" }) {
  return new URL(wechat.phone(user).authorize(await tab.start("?returnTo=/page")));
}

/** Nobody was signed in, nothing stored, nothing asked of WeChat, and the page is told why. */
const MESSAGES: Record<string, RegExp> = {
  authorization_denied: /^The user refused at WeChat's authorise page\.$/,
  invalid_code: /^The code is wrong, expired or already used/,
  invalid_state: /^The state is unknown, used, expired, or another browser's: start the login again\.$/,
  profile_unavailable: /^The user has none at WeChat: nickName, avatarUrl\.$/,
  snapshot_user: /^WeChat shows this user a snapshot of the page: .*whole page\.$/,
  unionid_unavailable: /^WeChat gives no unionid: bind the app to an Open Platform account\.$/,
};

function expectRefused(
  { errors, users, wechat }: WebApp,
  back: { status: number; location: string; setCookies: string[] },
  { location, code }: { location: string; code: string },
) {
  expect([back.status, back.location]).to.deep.equal([302, location]);
  expect(back.setCookies.filter((cookie) => cookie.includes("session"))).to.deep.equal([]);
  expect(errors.map((error) => error.code)).to.deep.equal([code]);
  expect(errors[0]?.message).to.match(MESSAGES[code] as RegExp);
  expect(users).to.deep.equal([]);
  if (code === "invalid_state") {
    expect(wechat.requests.filter(({ path }) => path.startsWith("/sns/"))).to.deep.equal([]);
  }
}

const INVALID_STATE = { location: "/?error=invalid_state", code: "invalid_state" };

/** Has invisible characters and dots of its own in each layer of encoding: four ways to read each, 256 in all. */
const MANY_READINGS = `/a/b/c/d${["%", "%25", "%2525", "%252525"]
  .map((percent) => `/e${percent}c2${percent}ad/f/${percent}2e${percent}2e${percent}2fg`)
  .join("")}`;

/** The key of a state that has been used, whose time is over. */
async function endArrivals({ keys }: WebApp): Promise<void> {
  for (const key of await keys()) {
    if (/:web-state:[\w-]+$/.test(key)) await redis().pexpire(key, 0);
  }
}

forEachStore("attacks on the web login", () => {
  it("a callback without a state signs nobody in", async () => {
    const app = await startWebApp();
    const tab = app.browser();
    const callback = await callbackFor(tab, app);
    callback.searchParams.delete("state");
    expectRefused(app, await tab.open(callback.href), INVALID_STATE);
  });

  it("a callback with a state that was never given out signs nobody in", async () => {
    for (const state of ["", "x", "0".repeat(64), "__proto__"]) {
      const app = await startWebApp();
      const tab = app.browser();
      const callback = await callbackFor(tab, app);
      callback.searchParams.set("state", state);
      expectRefused(app, await tab.open(callback.href), INVALID_STATE);
    }
  });

  it("a foreign state signs nobody in (login CSRF), and is not used up by the victim", async () => {
    const app = await startWebApp();
    const [attacker, victim] = [app.browser(), app.browser()];
    await victim.start();
    const callback = await callbackFor(attacker, app, { unionid: "attacker" });
    expectRefused(app, await victim.open(callback.href), INVALID_STATE);
    expect((await attacker.open(callback.href)).location).to.equal("/page");
  });

  it("a callback without the browser's cookie signs nobody in", async () => {
    const app = await startWebApp();
    const callback = await callbackFor(app.browser(), app);
    expectRefused(app, await app.browser().open(callback.href), INVALID_STATE);
  });

  it("a state with the attacker's own cookie behind it signs nobody in, with whatever cookie or none", async () => {
    const app = await startWebApp();
    const attacker = app.browser();
    const callback = await callbackFor(attacker, app, { unionid: "attacker" });
    const state = String(callback.searchParams.get("state"));
    const [[name, secret] = ["", ""]] = [...attacker.cookies];
    // Every cut of the two: what is joined without a border can be parted anywhere.
    for (let cut = 1; cut <= secret.length; cut++) {
      callback.searchParams.set("state", state + secret.slice(0, cut));
      const Cookie = `${name}=${secret.slice(cut)}`;
      const back = await app.browser().open(callback.href, { headers: { Cookie } });
      expectRefused(app, back, INVALID_STATE);
      app.errors.length = 0;
    }
    callback.searchParams.set("state", state + secret);
    expectRefused(app, await app.browser().open(callback.href), INVALID_STATE);
    callback.searchParams.set("state", state);
    expect((await attacker.open(callback.href)).location).to.equal("/page");
  });

  it("a browser's cookie that comes twice counts as none: one of them is planted", async () => {
    const app = await startWebApp();
    const tab = app.browser();
    const callback = await callbackFor(tab, app);
    const [[name, value] = []] = [...tab.cookies];
    const Cookie = `${name}=${value}; ${name}=planted`;
    expectRefused(app, await app.browser().open(callback.href, { headers: { Cookie } }), INVALID_STATE);
  });

  it("a code of another app signs nobody in", async () => {
    const app = await startWebApp();
    const [tab, inside] = [app.browser(), app.browser(IN_WECHAT)];
    const callback = await callbackFor(tab, app);
    const foreign = app.wechat.phone({ unionid: "u1" }).authorize(await inside.start());
    callback.searchParams.set("code", String(new URL(foreign).searchParams.get("code")));
    const expected = { location: "/page?error=invalid_code", code: "invalid_code" };
    expectRefused(app, await tab.open(callback.href), expected);
  });

  it("a code of the Mini Program signs nobody in", async () => {
    const app = await startWebApp();
    const tab = app.browser();
    const callback = await callbackFor(tab, app);
    callback.searchParams.set("code", app.wechat.phone({ unionid: "u1" }).login().code);
    const expected = { location: "/page?error=invalid_code", code: "invalid_code" };
    expectRefused(app, await tab.open(callback.href), expected);
  });

  it("a snapshot user becomes no account", async () => {
    const app = await startWebApp();
    const tab = app.browser(IN_WECHAT);
    const callback = await callbackFor(tab, app, { unionid: "u1", snapshot: true } as { unionid: string });
    const expected = { location: "/page?error=snapshot_user", code: "snapshot_user" };
    expectRefused(app, await tab.open(callback.href), expected);
  });

  it("a session that was planted before the login is not the one after it (session fixation)", async () => {
    const app = await startWebApp();
    const [attacker, victim] = [app.browser(), app.browser()];
    await attacker.open((await callbackFor(attacker, app, { unionid: "attacker" })).href);
    const [name = ""] = [...attacker.cookies.keys()].filter((cookie) => cookie.includes("session"));
    const planted = String(attacker.sessionToken());
    for (const token of [planted, "A".repeat(54)]) {
      victim.cookies.set(name, token);
      await victim.open((await callbackFor(victim, app, { unionid: "victim" })).href);
      expect(victim.sessionToken()).to.not.equal(token);
      const { body } = await victim.me();
      expect(body.identity).to.deep.include({ unionid: "victim" });
      const withPlanted = await fetch(`${app.url}/me`, { headers: { Cookie: `${name}=${token}` } });
      expect(withPlanted.status).to.equal(401);
    }
  });

  it("a session cookie that comes twice is nobody's", async () => {
    const app = await startWebApp();
    const tab = app.browser();
    await tab.open((await callbackFor(tab, app)).href);
    const [name] = [...tab.cookies.keys()].filter((cookie) => cookie.includes("session"));
    const Cookie = `${name}=${tab.sessionToken()}; ${name}=${tab.sessionToken()}`;
    expect((await fetch(`${app.url}/me`, { headers: { Cookie } })).status).to.equal(401);
    expect((await fetch(`${app.url}/me`)).status).to.equal(401);
  });

  it("a foreign page changes nothing by the cookie (CSRF); the own one does, and so does a token", async () => {
    const app = await startWebApp();
    const tab = app.browser();
    await tab.open((await callbackFor(tab, app)).href);
    const own = app.url;
    const cases: [Record<string, string>, number][] = [
      [{}, 401],
      [{ Origin: "https://evil.example" }, 401],
      [{ Origin: "null" }, 401],
      [{ Origin: `${own}.evil.example` }, 401],
      [{ "Sec-Fetch-Site": "cross-site" }, 401],
      [{ "Sec-Fetch-Site": "same-site" }, 401],
      [{ "Sec-Fetch-Site": "cross-site", Origin: own }, 401],
      [{ Origin: own }, 200],
      [{ "Sec-Fetch-Site": "same-origin" }, 200],
      [{ "Sec-Fetch-Site": "none" }, 200],
      [{ Authorization: `Bearer ${tab.sessionToken()}`, "Sec-Fetch-Site": "cross-site" }, 200],
    ];
    for (const [headers, status] of cases) {
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        expect([headers, method, (await tab.me({ method, headers })).status]).to.deep.equal([
          headers,
          method,
          status,
        ]);
      }
      expect((await tab.me({ headers })).status).to.equal(200);
      for (const method of ["HEAD", "OPTIONS"]) {
        expect((await tab.open("/me", { method, headers })).status).to.equal(200);
      }
    }
    const foreign = await tab.open("/web/logout", {
      method: "POST",
      headers: { Origin: "https://evil.example" },
    });
    expect([foreign.status, foreign.body.error.code]).to.deep.equal([401, "login_required"]);
    expect((await tab.me()).status).to.equal(200);
  });

  for (const returnTo of [
    "https://evil.example/",
    "HTTPS://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example/a",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    "/\r\nLocation: https://evil.example",
    " //evil.example",
    "/%2Fevil.example",
    "/%2f%2fevil.example",
    "%2F%2Fevil.example",
    "/%5Cevil.example",
    "/%5c%5cevil.example",
    "/%252Fevil.example",
    "/%25252fevil.example",
    "/%255cevil.example",
    "/%09/evil.example",
    "/%0d%0aLocation:%20https://evil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/a/..//evil.example",
    "/%2e%2e//evil.example",
    "/./\\evil.example",
    "/\u200b/evil.example",
    "/\u2028/evil.example",
    "/\u0000/evil.example",
    "javascript:alert(1)",
    "data:text/html,evil",
    "evil.example",
    "@evil.example",
    ".evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "",
    "/%",
    "/%c0%af",
    "/%e0%80%afevil.example",
    "/%f0%80%80%afevil.example",
    "/%25c0%25afevil.example",
    "/%2e%2f%2fevil.example",
    "/a/%2e%2e%2f%2fevil.example",
    "/a%2f%2e%2e%2f%2fevil.example",
    "/a%2f..%2f%2fevil.example",
    "/a/b/%2e%2e%2f%2e%2e%2f%2fevil.example",
    "/..%2f%2fevil.example",
    "/a/..%2f..%2f%2fevil.example",
    "/%252e%252f%252fevil.example",
    "/a/%252e%252e%252f%252fevil.example",
    "/a/%2e%2e%252f%252fevil.example",
    "/a%252f%2e%2e%2f%2e%2e%2f%2fevil.example",
    "/a%3f/%2e%2e%2f%2fevil.example",
    "/a%23/%2e%2e%2f%2fevil.example",
    "/a/%2e%2e%2f%5cevil.example",
    "/a/%2e%2e%2f%09/evil.example",
    "/a/%2e%e2%80%8b%2e%2f%2fevil.example",
    "/%e2%80%8b/evil.example",
    "/%E2%80%8D%2Fevil.example",
    "/\u200d/evil.example",
    "/\u00ad/evil.example",
    "/\u{e0067}/evil.example",
    "/%2\u200bfevil.example",
    "/.\u200d./\u2060/evil.example",
    "/50%-off/%2e%2e%2f%2fevil.example",
    "/50%25-off/%2e%2e%2f%2fevil.example",
    "/%2%66evil.example",
    "/a%2%66..%2%66%2%66evil.example",
    "/50%25de/..%2f%2fevil.example%",
    "/%ab%2fevil.example/..%2f..%2f%2fevil.example",
    "/%25252525252fevil.example",
    MANY_READINGS,
    `/${"a".repeat(2048)}`,
  ]) {
    it(`returnTo ${JSON.stringify(returnTo).slice(0, 50)} leads nowhere (open redirect)`, async () => {
      const { browser } = await startWebApp();
      for (const path of ["/web", "/web/embed"]) {
        const { status, body, setCookies } = await browser().open(
          `${path}?returnTo=${encodeURIComponent(returnTo)}`,
        );
        const message = "returnTo must be a path of this website.";
        expect([status, body]).to.deep.equal([400, errorBody("invalid_request", message)]);
        expect(setCookies).to.deep.equal([]);
      }
    });
  }

  for (const [returnTo, location] of [
    ["/", "/"],
    ["/a/b?c=d&e=//x#f", "/a/b?c=d&e=//x#f"],
    ["/订单?名=值", "/%E8%AE%A2%E5%8D%95?%E5%90%8D=%E5%80%BC"],
    ["/a%20b c", "/a%20b%20c"],
    ["/ /evil.example", "/%20/evil.example"],
    ["/a/../b", "/b"],
    ["/@evil.example", "/@evil.example"],
    ["/?next=https://evil.example", "/?next=https://evil.example"],
    ["/sale-50%25-off", "/sale-50%25-off"],
    ["/sale-50%-off", "/sale-50%25-off"],
    ["/100%25", "/100%25"],
    ["/100%", "/100%25"],
    ["/100%25de-rabatt", "/100%25de-rabatt"],
    ["/满100%25减/50%", "/%E6%BB%A1100%25%E5%87%8F/50%25"],
    ["/%B6%A9%B5%A5", "/%B6%A9%B5%A5"],
    ["/\u{1f468}\u200d\u{1f469}\u200d\u{1f467}", "/%F0%9F%91%A8%E2%80%8D%F0%9F%91%A9%E2%80%8D%F0%9F%91%A7"],
    ["/%F0%9F%91%A8%E2%80%8D%F0%9F%91%A9", "/%F0%9F%91%A8%E2%80%8D%F0%9F%91%A9"],
    [
      "/\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}?q=\u{1f3f4}\u200d\u2620\ufe0f#\u200d",
      "/%F0%9F%8F%B4%F3%A0%81%A7%F3%A0%81%A2%F3%A0%81%BF?q=%F0%9F%8F%B4%E2%80%8D%E2%98%A0%EF%B8%8F#%E2%80%8D",
    ],
    ["/می\u200cخواهم", "/%D9%85%DB%8C%E2%80%8C%D8%AE%D9%88%D8%A7%D9%87%D9%85"],
    ["/open/https%3A%2F%2Fshop.example%2Fa", "/open/https%3A%2F%2Fshop.example%2Fa"],
    ["/a//b", "/a//b"],
    ["/a/%2e%2e%2fb", "/a/%2e%2e%2fb"],
    ["/v1..2/...", "/v1..2/..."],
    [`/${"a".repeat(2047)}`, `/${"a".repeat(2047)}`],
  ] as const) {
    it(`returnTo ${returnTo.slice(0, 30)} is a path of the own origin`, async () => {
      const { browser, wechat } = await startWebApp();
      const tab = browser();
      const page = await tab.start(`?returnTo=${encodeURIComponent(returnTo)}`);
      expect((await tab.open(wechat.phone({ unionid: "u1" }).authorize(page))).location).to.equal(location);
    });
  }
});

describe("a used state in Redis", () => {
  it("a replayed callback signs nobody in: not later, not with another code, not in another browser", async () => {
    const app = await startWebApp();
    const tab = app.browser();
    const callback = await callbackFor(tab, app);
    const stolen = callback.href;
    expect((await tab.open(stolen)).location).to.equal("/page");
    expect((await app.browser().open(stolen)).location).to.equal("/?error=invalid_state");
    const other = app.wechat.phone({ unionid: "u2" }).authorize(await app.browser().start());
    callback.searchParams.set("code", String(new URL(other).searchParams.get("code")));
    expect((await tab.open(callback.href)).location).to.equal("/?error=invalid_state");
    await endArrivals(app);
    expect((await tab.open(stolen)).location).to.equal("/?error=invalid_state");
    expect(app.users).to.have.length(1);
  });

  it("a state is good for ten minutes, and what came of it is known for ten seconds", async () => {
    const app = await startWebApp();
    const tab = app.browser();
    const callback = await callbackFor(tab, app);
    const [key = ""] = await app.keys();
    expect(await redis().ttl(key)).to.be.within(595, 600);
    await tab.open(callback.href);
    expect(await redis().ttl(key)).to.be.within(5, 10);
    expect(await redis().ttl(`${key}:used`)).to.be.within(595, 600);
  });
});

forEachStore("a callback that comes twice", () => {
  it("at the same time signs in once: WeChat is asked once, the user saved once, and both answers lead on", async () => {
    const onLogin = sinon.spy();
    const { browser, wechat, saveUser, users, errors } = await startWebApp({ onLogin });
    const tab = browser();
    const callback = wechat.phone({ unionid: "u1" }).authorize(await tab.start("?returnTo=/page"));
    const tabs = Array.from({ length: 5 }, () => {
      const same = browser();
      for (const [name, value] of tab.cookies) same.cookies.set(name, value);
      return same;
    });
    const answers = await Promise.all(tabs.map((same) => same.open(callback)));
    for (const { location } of answers) expect(location).to.equal("/page");
    for (const same of tabs) expect((await same.me()).status).to.equal(200);
    expect(wechat.requests.filter(({ path }) => path === "/sns/oauth2/access_token")).to.have.length(1);
    expect([saveUser.callCount, users.length, errors]).to.deep.equal([1, 1, []]);
  });

  it("a moment later leads on as well", async () => {
    const { browser, wechat, errors } = await startWebApp();
    const tab = browser();
    const callback = wechat.phone({ unionid: "u1" }).authorize(await tab.start("?returnTo=/page"));
    for (const _time of [1, 2]) expect((await tab.open(callback)).location).to.equal("/page");
    expect([(await tab.me()).status, errors]).to.deep.equal([200, []]);
  });

  it("gets the same refusal twice", async () => {
    const { browser, wechat, errors } = await startWebApp();
    const tab = browser();
    const callback = wechat.phone().authorize(await tab.start("?returnTo=/page"), { refuse: true });
    for (const _time of [1, 2]) {
      expect((await tab.open(callback)).location).to.equal("/page?error=authorization_denied");
    }
    expect(errors.map(({ code }) => code)).to.deep.equal(["authorization_denied"]);
  });

  it("waits no longer than for the first one to fail", async () => {
    const findUser = sinon.stub().rejects(new Error("the database is down"));
    const { browser, wechat, hostErrors } = await startWebApp({ findUser });
    const tab = browser();
    const callback = wechat.phone({ unionid: "u1" }).authorize(await tab.start("?returnTo=/page"));
    const answers = await Promise.all([tab.open(callback), tab.open(callback)]);
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([302, 500]);
    expect(answers.find(({ status }) => status === 302)?.location).to.equal("/?error=invalid_state");
    expect(hostErrors).to.have.length(1);
  });
});

describe("a callback whose first one never ends", () => {
  it("is refused after 15 seconds, also where somebody sets the clock back meanwhile", async () => {
    const { browser, wechat, errors } = await startWebApp();
    const tab = browser();
    const callback = wechat.phone({ unionid: "u1" }).authorize(await tab.start("?returnTo=/page"));
    wechat.bendNext({ fault: "hang" });
    const first = tab.open(callback);
    await until(() => wechat.requests.some(({ path }) => path === "/sns/oauth2/access_token"));
    const clock = sinon.useFakeTimers({ now: Date.now(), toFake: ["Date", "performance"] });
    atEnd(() => clock.restore());
    const second = tab.open(callback);
    await pause(150);
    clock.setSystemTime(Date.now() - 3600_000);
    clock.tick(14_000);
    await pause(150);
    expect(errors).to.deep.equal([]);
    clock.tick(1_000);
    expect((await second).location).to.equal("/?error=invalid_state");
    expect((await first).location).to.equal("/page?error=wechat_unavailable");
  });
});

describe("a web login that fails", () => {
  it("leads back also where nobody wants to be told of errors", async () => {
    const { browser, wechat } = await startWebApp({ onError: undefined } as object);
    const tab = browser();
    const refused = wechat.phone().authorize(await tab.start(), { refuse: true });
    const back = await tab.open(refused);
    expect([back.status, back.location]).to.deep.equal([302, "/?error=authorization_denied"]);
  });

  it("leads back with authorization_denied where the user refuses; the next press asks again", async () => {
    const app = await startWebApp();
    const tab = app.browser();
    const phone = app.wechat.phone({ unionid: "u1" });
    const refused = phone.authorize(await tab.start("?returnTo=/page%3Fa%3Db%23c"), { refuse: true });
    const expected = { location: "/page?a=b&error=authorization_denied#c", code: "authorization_denied" };
    expectRefused(app, await tab.open(refused), expected);
    const back = await tab.open(phone.authorize(await tab.start("?returnTo=/page")));
    expect(back.location).to.equal("/page");
  });

  it("takes the code authdeny for a refusal, and an empty one", async () => {
    for (const code of ["authdeny", ""]) {
      const app = await startWebApp();
      const tab = app.browser();
      const callback = await callbackFor(tab, app);
      callback.searchParams.set("code", code);
      const expected = { location: "/page?error=authorization_denied", code: "authorization_denied" };
      expectRefused(app, await tab.open(callback.href), expected);
    }
  });

  it("says that there is no unionid where it is required", async () => {
    const app = await startWebApp();
    const tab = app.browser();
    const callback = app.wechat.phone().authorize(await tab.start());
    const expected = { location: "/?error=unionid_unavailable", code: "unionid_unavailable" };
    expectRefused(app, await tab.open(callback), expected);
  });

  it("says that there is no profile where one is required", async () => {
    const app = await startWebApp({ require: ["unionid", "nickName", "avatarUrl"] });
    const tab = app.browser();
    const nobody = { unionid: "u1", nickName: "", avatarUrl: "" };
    const callback = app.wechat.phone(nobody).authorize(await tab.start());
    const expected = { location: "/?error=profile_unavailable", code: "profile_unavailable" };
    expectRefused(app, await tab.open(callback), expected);
  });

  it("tells an account conflict, before and after something is stored", async () => {
    for (const calls of [0, 1]) {
      const findUser = sinon.stub().callsFake(async () => {
        if (findUser.callCount > calls) throw new AccountConflictError();
        return { id: 1, unionid: "u1" };
      });
      const { browser, wechat, errors } = await startWebApp({ findUser, onLogin: () => undefined });
      const tab = browser();
      const back = await tab.open(wechat.phone({ unionid: "u1" }).authorize(await tab.start()));
      expect([back.location, back.setCookies]).to.deep.equal(["/?error=account_conflict", []]);
      expect(errors.map(({ code }) => code)).to.deep.equal(["account_conflict"]);
    }
  });

  const senseless = "/?error=wechat_error";
  const SENSELESS =
    /^WeChat's answer makes no sense: (openid or access_token is missing|sns\/userinfo speaks of another user)\.$/;
  for (const [what, bend, location] of [
    ["a code that is used", { errcode: 40163 }, "/?error=invalid_code"],
    ["a wrong secret", { errcode: 40125 }, "/?error=misconfigured"],
    ["a fault", { errcode: -1 }, "/?error=wechat_unavailable"],
    ["no access_token", { body: '{"openid":"o"}' }, senseless],
    ["no openid", { body: '{"access_token":"t","openid":""}' }, senseless],
  ] as const) {
    it(`says so where WeChat answers the exchange with ${what}`, async () => {
      const { browser, wechat, users, errors } = await startWebApp();
      const tab = browser();
      const callback = wechat.phone({ unionid: "u1" }).authorize(await tab.start());
      for (const _time of [1, 2]) wechat.bendNext(bend);
      expect((await tab.open(callback)).location).to.equal(location);
      if (location === senseless) expect(errors[0]?.message).to.match(SENSELESS);
      expect(users).to.deep.equal([]);
    });
  }

  for (const [what, bend] of [
    ["another user's profile", { body: '{"openid":"other","unionid":"other"}' }],
    ["a refusal", { errcode: 48001 }],
  ] as const) {
    it(`believes nothing where WeChat answers sns/userinfo with ${what}`, async () => {
      const { browser, wechat, users, errors } = await startWebApp();
      const tab = browser();
      const callback = wechat.phone({ unionid: "u1" }).authorize(await tab.start());
      wechat.bendNext({});
      wechat.bendNext(bend);
      expect((await tab.open(callback)).location).to.equal(senseless);
      expect(users).to.deep.equal([]);
      expect(errors).to.have.length(1);
      if ("body" in bend) expect(errors[0]?.message).to.match(SENSELESS);
    });
  }

  it("gives errors of the host to its error handler", async () => {
    for (const options of [
      { saveUser: sinon.stub().rejects(new Error("mine")) },
      {
        onLogin: () => {
          throw new Error("mine");
        },
      },
      {
        onError: () => {
          throw new Error("mine");
        },
        findUser: () => {
          throw new AccountConflictError();
        },
      },
    ]) {
      const { browser, wechat, hostErrors } = await startWebApp(options);
      const tab = browser();
      const back = await tab.open(wechat.phone({ unionid: "u1" }).authorize(await tab.start()));
      expect([back.status, back.body]).to.deep.equal([500, { host: "error" }]);
      expect(hostErrors.map((error) => (error as Error).message)).to.deep.equal(["mine"]);
    }
  });

  it("tells nobody the access_token, the code or the secret", async () => {
    const { browser, wechat, errors } = await startWebApp();
    const tab = browser();
    const callback = wechat.phone({ unionid: "u1" }).authorize(await tab.start());
    const code = String(new URL(callback).searchParams.get("code"));
    wechat.bendNext({ body: `{"errcode":1,"errmsg":"bad ${code} ${WEBSITE.secret}"}` });
    await tab.open(callback);
    wechat.bendNext({ body: '{"openid":"o1","access_token":"TOKEN"}' });
    wechat.bendNext({ body: '{"errcode":1,"errmsg":"bad TOKEN"}' });
    await tab.open(wechat.phone({ unionid: "u1" }).authorize(await tab.start()));
    const told = errors.map(({ cause }) => (cause as Error).message);
    expect(told).to.deep.equal(["WeChat: errcode 1, bad *** ***", "WeChat: errcode 1, bad ***"]);
  });

  it("belongs to the app that it was begun with, also where two are configured", async () => {
    const { browser, wechat, users } = await startWebApp();
    const tab = browser(IN_WECHAT);
    await tab.open(wechat.phone({ unionid: "u1" }).authorize(await tab.start()));
    expect(users[0]).to.include({ appId: OFFICIAL_ACCOUNT.appId });
  });
});
