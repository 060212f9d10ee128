import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { expect } from "chai";
import sinon from "sinon";
import ts from "typescript";
import type { Login } from "../../example-app/miniprogram/wechat-login.js";
import { listen, startApp } from "../support/login-app.ts";
import { AVATAR, errorOf, startClient as start } from "./support/client.ts";
import { createLogin, phoneInNode } from "./support/load.ts";
import type { Callbacks } from "./support/wx.ts";

describe("the client of a Mini Program", () => {
  it("signs in with its first request, stores the token and sends it from then on", async () => {
    const { me, wxLogin, request, stored, login } = await start({ unionid: "u1" });
    expect(login.isSignedIn()).to.equal(false);
    expect((await me()).user.unionid).to.equal("u1");
    await me();
    const Authorization = `Bearer ${stored.get("wechat-login:session")}`;
    expect(request.lastCall.args[0].header).to.deep.equal({ Authorization });
    expect([wxLogin.callCount, login.isSignedIn()]).to.deep.equal([1, true]);
  });

  it("shares one wx.login between all who ask at once", async () => {
    const { login, me, wxLogin } = await start({ unionid: "u1" });
    await Promise.all([login.start(), login.start(), me(), me()]);
    expect(wxLogin.callCount).to.equal(1);
  });

  it("several requests whose session is over log in once", async () => {
    const { wx, url, wxLogin } = await start({ unionid: "u1" });
    wx.setStorageSync("wechat-login:session", "stale");
    const login = createLogin({ wx, url: `${url}/wx` });
    await Promise.all([1, 2, 3].map(() => login.request({ url: `${url}/me` })));
    expect(wxLogin.callCount).to.equal(1);
  });

  it("a 401 that arrives after someone else has logged in asks again with the new token", async () => {
    const { wx, url, wxLogin } = await start({ unionid: "u1" });
    wx.setStorageSync("wechat-login:session", "stale");
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const request: typeof wx.request = (options) => {
      const isHeld = options.url.endsWith("?held") && options.header?.Authorization === "Bearer stale";
      const success = async (result: unknown) => {
        if (isHeld) await held;
        options.success?.(result);
      };
      return wx.request({ ...options, success });
    };
    const login = createLogin({ wx: { ...wx, request }, url: `${url}/wx` });
    const late = login.request<{ user: { unionid: string } }>({ url: `${url}/me?held` });
    await login.request({ url: `${url}/me` });
    letGo();
    expect((await late).user.unionid).to.equal("u1");
    expect(wxLogin.callCount).to.equal(1);
  });

  it("tells by login_incomplete that the user has to be asked, with the answer waiting for the page", async () => {
    const { me, login, wxLogin, press } = await start({ unionid: "u1", unionidAtLogin: false });
    expect((await errorOf(me())).code).to.equal("login_incomplete");
    expect(await login.start())
      .to.include({ status: "incomplete" })
      .and.to.deep.include({ missing: ["unionid"] });
    expect(await login.complete(await press("getUserInfo"))).to.include({ status: "signed_in" });
    expect(wxLogin.callCount).to.equal(1);
  });

  it("sends nothing for a refusal, of the button and of the privacy agreement", async () => {
    const { login, paths } = await start({ unionid: "u1", unionidAtLogin: false });
    await login.start();
    for (const errMsg of [
      "getUserInfo:fail auth deny",
      "getUserInfo:fail auth denied",
      "getPhoneNumber:fail user deny",
      "getPhoneNumber:fail:user deny",
      "getPhoneNumber:fail user denied",
      "getPhoneNumber:fail:user cancel",
      "getPhoneNumber:fail:cancel to confirm login",
      "getUserInfo:fail cancelled",
      "getUserInfo:fail:auth canceled",
      "getUserInfo:fail privacy permission is not authorized",
      "getPhoneNumber:user deny",
      "getPhoneNumber:user cancel",
      "getUserInfo:cancel",
      "getUserInfo: fail auth deny",
    ]) {
      expect(await login.complete({ errMsg })).to.include({ status: "incomplete", refused: true });
    }
    expect(paths()).to.deep.equal(["/wx/login"]);
  });

  it("does not take for a refusal what fails for another reason, and tells it in WeChat's words", async () => {
    const { login, paths } = await start({ unionid: "u1", unionidAtLogin: false });
    await login.start();
    for (const errMsg of [
      "getPhoneNumber:fail no permission",
      "getPhoneNumber:fail jsapi has no permission, event_id=12&errcode=0",
      "getPhoneNumber:fail access denied",
      "getPhoneNumber:fail:access denied",
      "getPhoneNumber:fail permission denied",
      "getUserInfo:fail system permission denied",
      "getPhoneNumber:fail denied by the server",
      "getPhoneNumber:fail service canceled",
      "getUserInfo:fail api scope is not declared in the privacy agreement",
    ]) {
      const failed = await errorOf(login.complete({ errMsg }));
      expect(failed).to.include({ code: "button_failed", message: errMsg });
    }
    expect(paths()).to.deep.equal(["/wx/login"]);
    expect(await login.start(), "the token stays good").to.include({ status: "incomplete" });
  });

  it("sends what comes while a login is under way after it, whatever came of that", async () => {
    const require = ["unionid", "nickName", "avatarUrl"] as const;
    const { login, wechat, users, wxLogin } = await start({ unionid: "u1" }, { require });
    const [first, named, pictured] = await Promise.all([
      login.start(),
      login.complete({ nickName: "小红" }),
      login.complete({ avatar: AVATAR }),
    ]);
    expect(first).to.deep.include({ missing: ["nickName", "avatarUrl"] });
    expect(named).to.deep.include({ missing: ["avatarUrl"] });
    expect(pictured).to.include({ status: "signed_in" });
    expect(users[0]).to.include({ nickName: "小红", avatarUrl: "https://cdn.example/1" });
    expect(wxLogin.callCount).to.equal(1);
    await login.logout();
    wechat.bendNext({ errcode: 40226 });
    const [blocked, again] = await Promise.all([
      errorOf(login.start()),
      login.complete({ nickName: "红红" }),
    ]);
    expect(blocked.code).to.equal("user_blocked");
    expect(again, "without a token it begins anew").to.include({ status: "signed_in", again: true });
  });

  it("answers a second tap with the login of the first, and a start meanwhile, too", async () => {
    const { login, press, paths, wxLogin } = await start({ unionid: "u1", unionidAtLogin: false });
    await login.start();
    const detail = await press("getUserInfo");
    const answers = await Promise.all([login.complete(detail), login.complete(detail), login.start()]);
    for (const { status } of answers) expect(status).to.equal("signed_in");
    expect(paths()).to.deep.equal(["/wx/login", "/wx/login/complete"]);
    expect(wxLogin.callCount).to.equal(1);
    expect(await login.start(), "nothing is under way any more").to.include({ status: "signed_in" });
    expect(wxLogin.callCount).to.equal(2);
  });

  it("data that another wx.login has sealed: a new token, and the button once more", async () => {
    const { login, wx, press, wxLogin } = await start({ unionid: "u1", unionidAtLogin: false });
    await login.start();
    // As in the button's callback: the classic fault.
    await new Promise((success) => wx.login({ success }));
    expect(await login.complete(await press("getUserInfo"))).to.include({
      status: "incomplete",
      again: true,
    });
    expect(await login.complete(await press("getUserInfo"))).to.include({ status: "signed_in" });
    expect(wxLogin.callCount).to.equal(3);
  });

  it("a server that refuses all data gives a new button twice, and then its error; what it takes ends the count", async () => {
    const require = ["unionid", "phoneNumber"] as const;
    const { login, press, wx, paths } = await start({ unionid: "u1", unionidAtLogin: false }, { require });
    /** A press whose data the server cannot open: another wx.login has come between. */
    const pressInVain = async () => {
      await login.start();
      await new Promise((success) => wx.login({ success }));
      return await login.complete(await press("getUserInfo"));
    };
    for (const _press of [1, 2]) expect(await pressInVain()).to.include({ again: true });
    expect(await errorOf(pressInVain())).to.include({ code: "invalid_user_data", statusCode: 401 });
    expect((await errorOf(pressInVain())).code, "and again").to.equal("invalid_user_data");
    await login.start();
    expect(await login.complete(await press("getUserInfo"))).to.deep.include({ missing: ["phoneNumber"] });
    for (const _press of [1, 2]) expect(await pressInVain()).to.include({ again: true });
    expect(paths().filter((path) => path === "/wx/login/complete")).to.have.length(7);
  });

  it("does not send a token that has expired on the phone's clock, and does not count it as refused", async () => {
    const clock = sinon.useFakeTimers({ toFake: ["Date"] });
    try {
      const { login, press, paths } = await start({ unionid: "u1", unionidAtLogin: false });
      await login.start();
      for (const _time of [1, 2, 3, 4]) {
        clock.tick(301_000);
        expect(await login.complete(await press("getUserInfo"))).to.include({ again: true });
      }
      expect(new Set(paths())).to.deep.equal(new Set(["/wx/login"]));
    } finally {
      clock.restore();
    }
  });

  it("a wx.login that never calls back is given up, and the next one signs in", async () => {
    const { wx, url, stored } = await start({ unionid: "u1" });
    let hangs = 2;
    const hanging: typeof wx.login = (options) => (hangs-- > 0 ? undefined : wx.login(options));
    const login = createLogin({ wx: { ...wx, login: hanging }, url: `${url}/wx` });
    const clock = sinon.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const asked = [login.start(), login.start(), login.request({ url: `${url}/me` })].map(errorOf);
      await clock.tickAsync(9_999);
      const asksLate = errorOf(login.complete({ nickName: "小红" }));
      await clock.tickAsync(1);
      for (const error of await Promise.all(asked)) {
        expect(error).to.include({ code: "unreachable", message: "login:fail no answer within 10000 ms" });
      }
      await clock.tickAsync(10_000);
      expect((await asksLate).code, "what waited for it has its own ten seconds").to.equal("unreachable");
    } finally {
      clock.restore();
    }
    expect(await login.start()).to.include({ status: "signed_in" });
    expect(stored.has("wechat-login:session")).to.equal(true);
  });

  it("a request to the login that never calls back is given up and ended", async () => {
    const { wx, url } = await start({ unionid: "u1" });
    const abort = sinon.spy();
    const hanging = () => ({ abort, onHeadersReceived() {} });
    const login = createLogin({ wx: { ...wx, request: hanging }, url: `${url}/wx` });
    const clock = sinon.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const starting = errorOf(login.start());
      // WeChat's own timeout of a request comes first.
      await clock.tickAsync(60_000);
      expect(abort.callCount).to.equal(0);
      await clock.tickAsync(10_000);
      expect(await starting).to.include({ code: "unreachable" });
      expect(abort.callCount).to.equal(1);
    } finally {
      clock.restore();
    }
  });

  it("a failure without a reason rejects, too", async () => {
    const { wx, url } = await start({ unionid: "u1" });
    const failing = ({ fail }: Callbacks) => Reflect.apply(fail ?? expect.fail, undefined, []);
    const login = createLogin({ wx: { ...wx, login: failing }, url: `${url}/wx` });
    expect((await errorOf(login.start())).code).to.equal("unreachable");
  });

  it("a 401 of the host's own is the host's: nothing is sent twice, and the session stays", async () => {
    const refusals: object[] = [
      { error: { code: "wrong_password", message: "Wrong payment password." } },
      { error: { message: "Unauthorized" } },
      { error: "login_required" },
      { code: "login_required" },
      {},
    ];
    const { login, wx, url, wxLogin, stored } = await start({ unionid: "u1" });
    await login.start();
    const token = stored.get("wechat-login:session");
    let paid = 0;
    const request = (options: Parameters<typeof wx.request>[0]) => {
      if (!options.url.endsWith("/pay")) return wx.request(options);
      options.success?.({ statusCode: 401, data: refusals[paid++] });
      return { abort() {}, onHeadersReceived() {} };
    };
    const shop = createLogin({ wx: { ...wx, request }, url: `${url}/wx` });
    for (const [index, code] of ["wrong_password", ...Array(4).fill("unexpected_answer")].entries()) {
      const error = await errorOf(
        shop.request({ url: `${url}/pay`, method: "POST", data: { password: "1" } }),
      );
      expect(error).to.include({ code, statusCode: 401 });
      expect(paid).to.equal(index + 1);
    }
    expect(stored.get("wechat-login:session")).to.equal(token);
    expect([shop.isSignedIn(), wxLogin.callCount]).to.deep.equal([true, 1]);
  });

  it("a POST that the guard has refused is sent again once, with its data, and not a third time", async () => {
    const { login, wx, url, wxLogin } = await start({ unionid: "u1" });
    await login.start();
    const bodies: unknown[] = [];
    const request = (options: Parameters<typeof wx.request>[0]) => {
      if (!options.url.endsWith("/pay")) return wx.request(options);
      bodies.push(options.data);
      const error = { code: "login_required", message: "Nobody is signed in." };
      options.success?.({ statusCode: 401, data: { error } });
      return { abort() {}, onHeadersReceived() {} };
    };
    const shop = createLogin({ wx: { ...wx, request }, url: `${url}/wx` });
    const error = await errorOf(shop.request({ url: `${url}/pay`, method: "POST", data: { order: 7 } }));
    expect(error).to.include({ code: "login_required", statusCode: 401 });
    expect(bodies).to.deep.equal([{ order: 7 }, { order: 7 }]);
    expect(wxLogin.callCount).to.equal(2);
  });

  it("with session: false it signs in, gives what onLogin returned, and leaves the host's token to the host", async () => {
    const onLogin = () => ({ token: "jwt" });
    const options = { session: false, onLogin } as const;
    const client = await start({ unionid: "u1", unionidAtLogin: false }, options);
    const { login, press, stored, me, paths } = client;
    await login.start();
    const signedIn = await login.complete(await press("getUserInfo"));
    expect(signedIn).to.deep.equal({ status: "signed_in", token: "jwt" });
    expect(await login.start()).to.deep.equal({ status: "signed_in", token: "jwt" });
    const failed = await errorOf(me());
    expect(failed.code).to.equal("no_session_token");
    expect(failed.message).to.include("session: false").and.to.include("wx.request");
    await login.logout();
    expect([login.isSignedIn(), stored.has("wechat-login:session")]).to.deep.equal([false, false]);
    expect(paths()).to.not.include("/me").and.not.include("/wx/logout");
  });

  it("a code that is refused is replaced once, and not a second time", async () => {
    const { login, wechat, wxLogin } = await start({ unionid: "u1" });
    wechat.bendNext({ errcode: 40163 });
    expect(await login.start()).to.include({ status: "signed_in" });
    for (const errcode of [40029, 40029]) wechat.bendNext({ errcode });
    await login.logout();
    expect((await errorOf(login.start())).code).to.equal("invalid_code");
    expect(wxLogin.callCount).to.equal(4);
    wechat.bendNext({ errcode: 40226 });
    expect((await errorOf(login.start())).code).to.equal("user_blocked");
    expect(wxLogin.callCount, "no new code for another refusal").to.equal(5);
  });

  it("uploads the avatar with the fields beside it, and changes them later", async () => {
    const require = ["unionid", "nickName", "avatarUrl"] as const;
    const { login, users } = await start({ unionid: "u1" }, { require });
    expect(await login.start()).to.deep.include({ missing: ["nickName", "avatarUrl"] });
    expect(await login.complete({ nickName: "小红", avatar: AVATAR })).to.include({ status: "signed_in" });
    expect(users[0]).to.include({ nickName: "小红", avatarUrl: "https://cdn.example/1" });
    // An absent nickname must not become the word.
    await login.updateProfile({ nickName: undefined, avatar: AVATAR } as { avatar: string });
    expect(users[0]).to.include({ nickName: "小红" });
    await login.updateProfile({ nickName: "红红" });
    expect(users[0]).to.include({ nickName: "红红" });
    expect((await errorOf(login.updateProfile({ avatar: "http://tmp/none.png" }))).code).to.equal(
      "unreachable",
    );
  });

  it("keeps away from the login for as long as a Retry-After says, also that of an upload", async () => {
    const clock = sinon.useFakeTimers({ toFake: ["Date"] });
    try {
      const require = ["unionid", "avatarUrl"] as const;
      const { login, paths, wxLogin } = await start(
        { unionid: "u1" },
        { require, rateLimit: { limit: 2, window: 60 } },
      );
      await login.start();
      // The last one that is admitted.
      expect((await errorOf(login.complete({ nickName: "\n" }))).code).to.equal("invalid_request");
      const refused = await errorOf(login.complete({ avatar: AVATAR }));
      expect(refused).to.include({ code: "rate_limited", statusCode: 429 });
      expect(refused.retryAfter).to.be.within(50, 60);
      clock.tick(10_000);
      const waiting = await errorOf(login.complete({ nickName: "x" }));
      expect(waiting).to.include({ code: "rate_limited", message: refused.message });
      expect(waiting.retryAfter).to.equal(Number(refused.retryAfter) - 10);
      expect([paths().length, wxLogin.callCount]).to.deep.equal([2, 1]);
    } finally {
      clock.restore();
    }
  });

  it("calls a gateway's page, and no answer at all, by names of their own", async () => {
    const html = createServer((_req, res) => void res.writeHead(502).end("<h1>Bad Gateway</h1>"));
    const { login, wx, wxLogin } = await start({ unionid: "u1" });
    await login.start();
    expect(await errorOf(login.request({ url: await listen(html) }))).to.include({
      code: "unexpected_answer",
      statusCode: 502,
    });
    expect(wxLogin.callCount, "only a 401 logs in again").to.equal(1);
    const portal = createServer((_req, res) => void res.end("<h1>Log in to this Wi-Fi</h1>"));
    const hotel = createLogin({ wx, url: await listen(portal), storageKey: "hotel" });
    expect((await errorOf(hotel.start())).code).to.equal("unexpected_answer");
    expect(hotel.isSignedIn()).to.equal(false);
    const nowhere = createLogin({ wx, url: "http://127.0.0.1:1/wx", storageKey: "none" });
    expect((await errorOf(nowhere.start())).code).to.equal("unreachable");
  });

  it("has a code for a host's own errors, too, and leaves a host's answer alone that is none", async () => {
    const bodies: [number, object][] = [
      [404, { error: "Not found" }],
      [500, { error: { message: "Oops" } }],
      [400, { error: { code: 7 } }],
      [418, { error: { code: "teapot", message: "Short and stout." } }],
      [200, { error: "none" }],
    ];
    const host = createServer((_req, res) => {
      const [status, body] = bodies.shift() ?? [500, {}];
      res.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    });
    const { login } = await start({ unionid: "u1" });
    const url = await listen(host);
    for (const statusCode of [404, 500, 400]) {
      const { code, message, ...rest } = await errorOf(login.request({ url }));
      expect({ code, message, ...rest }).to.deep.equal({
        ...{ code: "unexpected_answer", message: `Unexpected answer: ${statusCode}` },
        ...{ statusCode, retryAfter: undefined },
      });
    }
    expect(await errorOf(login.request({ url }))).to.include({ code: "teapot", message: "Short and stout." });
    expect(await login.request({ url })).to.deep.equal({ error: "none" });
  });

  it("keeps the token in memory where the storage throws, and still ends the session on the server", async () => {
    const { wx, url, paths, wxLogin } = await start({ unionid: "u1" });
    const full = (): never => {
      throw new Error("the maximum size of the file storage limit is exceeded");
    };
    const broken = { ...wx, getStorageSync: full, setStorageSync: full, removeStorageSync: full };
    const login = createLogin({ wx: broken, url: `${url}/wx` });
    expect(await login.start()).to.include({ status: "signed_in" });
    await login.request({ url: `${url}/me` });
    await login.logout();
    expect(login.isSignedIn()).to.equal(false);
    expect(paths()).to.deep.equal(["/wx/login", "/me", "/wx/logout"]);
    expect(wxLogin.callCount).to.equal(1);
  });

  it("a logout of a session that is over already is none that failed; of one that may last it is", async () => {
    const { login, wx, url, stored } = await start({ unionid: "u1" });
    stored.set("wechat-login:session", "stale");
    const late = createLogin({ wx, url: `${url}/wx` });
    await late.logout();
    expect([late.isSignedIn(), stored.size]).to.deep.equal([false, 0]);
    await login.start();
    const offline = createLogin({ wx, url: "http://127.0.0.1:1/wx" });
    expect((await errorOf(offline.logout())).code).to.equal("unreachable");
  });

  it("asks for the privacy agreement where the base library has one", async () => {
    const { wechat, url } = await startApp();
    const answers = [false, true];
    const { wx } = phoneInNode(wechat.phone({}), async () => answers.shift() === true);
    const login = createLogin({ wx, url });
    expect(await login.agreeToPrivacy()).to.equal(false);
    wx.onNeedPrivacyAuthorization((resolve) => resolve({ event: "agree", buttonId: "agree" }));
    expect(await login.agreeToPrivacy()).to.equal(true);
    const { requirePrivacyAuthorize: _absent, ...old } = wx;
    expect(await createLogin({ wx: old, url }).agreeToPrivacy()).to.equal(true);
  });

  it("has what its types say", () => {
    const names: Record<keyof Login, true> = {
      ...{ isSignedIn: true, start: true, complete: true, request: true },
      ...{ updateProfile: true, logout: true, agreeToPrivacy: true },
    };
    const { wx } = phoneInNode({} as never);
    expect(createLogin({ wx, url: "" })).to.have.all.keys(Object.keys(names));
  });

  it("is the same in the Mini Game, and newer than ES2018 in nothing", () => {
    for (const file of ["wechat-login.js", "wechat-login.d.ts"]) {
      const [one, other] = ["miniprogram", "minigame"].map((folder) =>
        readFileSync(`example-app/${folder}/${file}`, "utf8"),
      );
      expect(one).to.equal(other);
    }
    for (const file of ["wechat-login.js", "app.js", "words.js", "pages/me/me.js", "pages/login/login.js"]) {
      const text = readFileSync(`example-app/miniprogram/${file}`, "utf8");
      const forTarget = (target: ts.ScriptTarget) =>
        ts.transpileModule(text, { compilerOptions: { target, module: ts.ModuleKind.CommonJS } }).outputText;
      expect(forTarget(ts.ScriptTarget.ES2018), file).to.equal(forTarget(ts.ScriptTarget.ESNext));
    }
  });
});
