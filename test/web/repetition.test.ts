import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import sinon from "sinon";
import { redis } from "../support/login-app.ts";
import { until } from "../support/until.ts";
import { startWebApp } from "../support/web-app.ts";

type WebApp = Awaited<ReturnType<typeof startWebApp>>;
type Tab = ReturnType<WebApp["browser"]>;

const OVER = [302, "/?error=invalid_state", []];

/** A website, a browser, and the callback of a person who has allowed the login. */
async function startLogin(options: Parameters<typeof startWebApp>[0] = {}) {
  const app = await startWebApp(options);
  const tab = app.browser();
  const phone = app.wechat.phone({ unionid: "u1" });
  const callback = phone.authorize(await tab.start("?returnTo=/page"));
  const open = async (browser: Tab = tab) => {
    const { status, location, setCookies } = await browser.open(callback);
    return [status, location, setCookies] as const;
  };
  /** The same browser before the callback's cookie has arrived: another tab, or a request that was broken off. */
  const before = new Map(tab.cookies);
  const sameBrowser = () => {
    const same = app.browser();
    for (const [name, value] of before) same.cookies.set(name, value);
    return same;
  };
  const signOut = (browser: Tab = tab) =>
    browser.open("/web/logout", { method: "POST", headers: { Origin: app.url } });
  return { ...app, tab, phone, callback, open, sameBrowser, signOut };
}

describe("a callback that comes again", () => {
  it("signs nobody in after a sign-out", async () => {
    const { open, signOut, sameBrowser, tab, wechat, users } = await startLogin();
    await open();
    await signOut();
    expect(await open()).to.deep.equal(OVER);
    expect(await open(sameBrowser())).to.deep.equal(OVER);
    expect((await tab.me()).status).to.equal(401);
    expect([
      users.length,
      wechat.requests.filter(({ path }) => /access_token/.test(path)).length,
    ]).to.deep.equal([1, 1]);
  });

  it("signs nobody in after a sign-out everywhere, not even if the person has come back by another login", async () => {
    const { open, tab, web, sameBrowser, browser, phone } = await startLogin();
    await open();
    const { identity } = (await tab.me()).body as unknown as { identity: { appId: string; openid: string } };
    await web.signOutEverywhere(identity);
    expect(await open(sameBrowser())).to.deep.equal(OVER);
    const other = browser();
    await other.open(phone.authorize(await other.start()));
    expect(await open(sameBrowser())).to.deep.equal(OVER);
    expect(await open()).to.deep.equal(OVER);
  });

  it("signs nobody in after a sign-out everywhere by the Mini Program that shares the sessions", async () => {
    const { open, sameBrowser, wx } = await startLogin({ miniProgram: true, session: { name: "shop" } });
    await open();
    await wx.signOutEverywhere({ openid: "unknown", unionid: "u1" });
    expect(await open(sameBrowser())).to.deep.equal(OVER);
  });

  it("signs nobody in when another login of this browser has ended the session", async () => {
    const { open, tab, wechat } = await startLogin();
    await open();
    await tab.open(wechat.phone({ unionid: "u2" }).authorize(await tab.start()));
    expect(await open()).to.deep.equal(OVER);
    const { body } = await tab.me();
    expect(body.identity).to.deep.include({ unionid: "u2" });
  });

  it("signs nobody in when one of its own sessions has ended, whichever the browser has shown", async () => {
    const { open, sameBrowser, signOut } = await startLogin();
    const [shown, broken] = [sameBrowser(), sameBrowser()];
    await Promise.all([open(broken), open(shown)]);
    expect((await shown.me()).status).to.equal(200);
    expect((await signOut(shown)).status).to.equal(200);
    expect(await open(sameBrowser())).to.deep.equal(OVER);
    expect(await open(shown)).to.deep.equal(OVER);
    expect(await open(broken)).to.deep.equal(OVER);
  });

  it("gives a browser that has lost the first answer a session of its own, as often as it is lost", async () => {
    const { open, sameBrowser } = await startLogin();
    const tokens = new Set<string | undefined>();
    for (const lost of [sameBrowser(), sameBrowser(), sameBrowser(), sameBrowser()]) {
      expect((await open(lost)).slice(0, 2)).to.deep.equal([302, "/page"]);
      expect((await lost.me()).status).to.equal(200);
      tokens.add(lost.sessionToken());
    }
    expect(tokens.size).to.equal(4);
  });

  it("leaves the session of a browser that has it", async () => {
    const onLogin = sinon.spy();
    const { open, tab } = await startLogin({ onLogin });
    await open();
    const token = tab.sessionToken();
    for (const _time of [1, 2, 3]) expect(await open()).to.deep.equal([302, "/page", []]);
    expect([tab.sessionToken(), (await tab.me()).status, onLogin.callCount]).to.deep.equal([token, 200, 1]);
  });

  it("signs in ten more times at the most", async () => {
    const { open, sameBrowser, tab } = await startLogin();
    const answers = await Promise.all(Array.from({ length: 25 }, () => open(sameBrowser())));
    expect(answers.filter(([, location]) => location === "/page")).to.have.length(11);
    expect(await open(tab)).to.deep.equal(OVER);
  });

  it("finds no token in Redis: what is kept of the first session signs nobody in", async () => {
    const { open, sameBrowser, keys, url, tab } = await startLogin();
    await open();
    await open(sameBrowser());
    const texts = await Promise.all((await keys()).map(async (key) => `${key} ${await redis().get(key)}`));
    const kept = texts.join("\n");
    const token = String(tab.sessionToken());
    expect(kept).to.not.include(token.slice(0, 20));
    const [, locator = ""] = /"session":"([^"]+)"/.exec(kept) ?? [];
    expect(locator).to.not.equal("");
    for (const forged of [locator, locator.split(".").reverse().join(""), locator.replace(".", "")]) {
      const answer = await fetch(`${url}/me`, { headers: { Authorization: `Bearer ${forged}` } });
      expect(answer.status).to.equal(401);
    }
  });

  it("waits for the first one's callbacks, and is refused if they fail", async () => {
    const finish: { fail?: (error: Error) => void } = {};
    const onLogin = () => new Promise((_, fail) => Object.assign(finish, { fail }));
    const { open, sameBrowser, hostErrors } = await startLogin({ onLogin });
    const first = open();
    await until(() => finish.fail !== undefined);
    const second = open(sameBrowser());
    await pause(120);
    finish.fail?.(new Error("mine"));
    expect((await first)[0]).to.equal(500);
    expect(await second).to.deep.equal(OVER);
    expect(hostErrors).to.have.length(1);
  });
});

describe("a callback that comes again, to a host with a login state of its own", () => {
  it("leads on, and signs in no second time", async () => {
    const onLogin = sinon.spy();
    const { open, sameBrowser } = await startLogin({ session: false, onLogin });
    for (const browser of [sameBrowser(), sameBrowser(), sameBrowser()]) {
      expect(await open(browser)).to.deep.equal([302, "/page", []]);
    }
    expect(onLogin.callCount).to.equal(1);
  });

  it("signs in as well if it comes at the same time: either answer may be the one that is shown", async () => {
    const finish: (() => void)[] = [];
    const onLogin = sinon.spy(() => new Promise<void>((done) => finish.push(done)));
    const { open, sameBrowser } = await startLogin({ session: false, onLogin });
    const first = open();
    await until(() => finish.length === 1);
    const second = open(sameBrowser());
    await pause(120);
    finish[0]?.();
    expect(await first).to.deep.equal([302, "/page", []]);
    await until(() => finish.length === 2);
    finish[1]?.();
    expect(await second).to.deep.equal([302, "/page", []]);
    expect(onLogin.callCount).to.equal(2);
  });
});
