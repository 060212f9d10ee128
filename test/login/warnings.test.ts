import { createServer } from "node:http";
import { expect } from "chai";
import sinon from "sinon";
import { type Identity, WechatLoginError, wechatLogin } from "../../lib/index.ts";
import {
  APP_ID,
  atEnd,
  listen,
  ownPrefix,
  SECRET,
  send,
  startApp,
  startWechat,
  type TestUser,
} from "../support/login-app.ts";
import { until } from "../support/until.ts";
import { collectWarnings } from "../support/warnings.ts";
import { startWebApp } from "../support/web-app.ts";

const HOUR = 3600_000;
/** In the place of the one that collects the errors of the tests. */
const withoutOnError = { onError: undefined } as object;

/** A table whose columns have other names, in the hands of a host who forgot to map them. */
function unmapped(columns: Record<string, string>) {
  const rows: Record<string, unknown>[] = [];
  return {
    findUser: (({ openid }: Identity) => rows.find((row) => row.its === openid)) as unknown as () => TestUser,
    saveUser: (user: object & { openid: string }) => {
      const row = rows.find((each) => each.its === user.openid) ?? rows[rows.push({ its: user.openid }) - 1];
      for (const [name, column] of Object.entries(columns)) {
        Object.assign(row ?? {}, { [column]: (user as unknown as Record<string, unknown>)[name] });
      }
    },
  };
}

describe("warnings: findUser", () => {
  it("without return is told at the guard, once, however many log in", async () => {
    const warnings = collectWarnings();
    const { wechat, post, me } = await startApp({ session: undefined, findUser: () => undefined });
    for (const unionid of ["u1", "u2", "u3"]) {
      const { body } = await post("/wx/login", wechat.phone({ unionid }).login());
      expect(body.status).to.equal("signed_in");
      expect((await me(body.sessionToken)).status).to.equal(401);
    }
    expect(await warnings()).to.deep.equal([
      "WECHAT_LOGIN_USER_NOT_FOUND: wechatLogin: findUser finds nobody where saveUser has just stored someone. " +
        'Is there a "return" in it, and does it wait for the database? ' +
        "Until then every login fails (500) if there is an onLogin; without one logins succeed, and every guarded route answers 401.",
    ]);
  });

  it("without return is told at the next login as well, also on the website", async () => {
    const warnings = collectWarnings();
    const { wechat, browser } = await startWebApp({ findUser: () => undefined });
    for (const _time of [1, 2]) {
      const tab = browser();
      await tab.open(wechat.phone({ openid: "o1", unionid: "u1" }).authorize(await tab.start()));
    }
    expect((await warnings()).map((text) => text.split(":")[0])).to.deep.equal([
      "WECHAT_LOGIN_USER_NOT_FOUND",
    ]);
  });

  it("is not told of where it was asked before the user was stored", async () => {
    const warnings = collectWarnings();
    let isSaved = () => {};
    const saved = new Promise<void>((resolve) => {
      isSaved = resolve;
    });
    const findUser = sinon.stub().resolves(undefined);
    // The first of a double tap reads before the second has stored anything, and is slow.
    findUser.onFirstCall().callsFake(() => saved);
    const { wechat, post } = await startApp({ findUser });
    const phone = wechat.phone({ openid: "o1", unionid: "u1" });
    const slow = post("/wx/login", phone.login());
    await until(() => findUser.called);
    await post("/wx/login", phone.login());
    isSaved();
    expect((await slow).body.status).to.equal("signed_in");
    expect(await warnings()).to.deep.equal([]);
  });

  it("is not told of a user who was found and then deleted, nor of one who was deleted long ago", async () => {
    const warnings = collectWarnings();
    const { wechat, post, me, users } = await startApp({ session: undefined });
    const login = async (unionid: string) =>
      (await post("/wx/login", wechat.phone({ openid: `o-${unionid}`, unionid }).login())).body.sessionToken;
    const token = await login("u1");
    expect((await me(token)).status).to.equal(200);
    users.length = 0;
    expect((await me(token)).status).to.equal(401);
    const older = await login("u2");
    await login("u3");
    users.length = 0;
    expect((await me(older)).status).to.equal(401);
    expect(await warnings()).to.deep.equal([]);
  });

  const columns: [name: string, column: string][] = [
    ["unionid", "union_id"],
    ["unionid", "unionId"],
    ["nickName", "nick_name"],
    ["nickName", "nickname"],
    ["avatarUrl", "avatar_url"],
    ["phoneNumber", "phone_number"],
    ["openid", "open_id"],
    ["openid", "openId"],
  ];
  for (const [name, column] of columns) {
    it(`with ${column} in the place of ${name} is told once, with the cure`, async () => {
      const warnings = collectWarnings();
      const require = (name === "openid" ? [] : [name]) as ["nickName"];
      const host = unmapped({ [name]: column });
      const { wechat, post } = await startApp({
        ...host,
        require,
        saveAvatar: () => "https://cdn.example/a",
      });
      for (const _time of [1, 2]) {
        const phone = wechat.phone({
          openid: "o1",
          unionid: "u1",
          phoneNumber: "10012345678",
          client: "old",
        });
        const { body } = await post("/wx/login", phone.login());
        const data =
          name === "phoneNumber" ? { phoneCode: phone.getPhoneNumber().code } : phone.getUserInfo();
        if (body.temporaryToken) {
          await post("/wx/login/complete", { temporaryToken: body.temporaryToken, ...data });
        }
      }
      const effect =
        name === "openid"
          ? "nobody checks that this is who logged in"
          : "this user is asked or saved at every login";
      expect(await warnings()).to.deep.equal([
        `WECHAT_LOGIN_FIELD_MISSING: wechatLogin: findUser returned a user without "${name}". It has "${column}": ` +
          `map it in findUser, ({ ...row, ${name}: row.${column} }). Until then ${effect}.`,
      ]);
    });
  }

  it("is told where a required field is lost on the way, whatever its column is called", async () => {
    const warnings = collectWarnings();
    const host = unmapped({ nickName: "benutzername" });
    const { wechat, post } = await startApp({ ...host, require: ["nickName"] });
    for (const _time of [1, 2, 3]) {
      const { temporaryToken } = (await post("/wx/login", wechat.phone({ openid: "o1" }).login())).body;
      await post("/wx/login/complete", { temporaryToken, nickName: "Ada" });
    }
    expect(await warnings()).to.deep.equal([
      'WECHAT_LOGIN_FIELD_MISSING: wechatLogin: findUser returned a user without "nickName". ' +
        "Does saveUser store it, and does findUser read it? Until then this user is asked or saved at every login.",
    ]);
  });

  it("is told where a required field is no text", async () => {
    const warnings = collectWarnings();
    const openids = new Set<string>();
    const { wechat, post } = await startApp({
      require: ["phoneNumber"],
      findUser: (({ openid }: Identity) =>
        openids.has(openid) ? { openid, phoneNumber: 10012345678 } : undefined) as object as () => TestUser,
      saveUser: ({ openid }) => void openids.add(openid),
    });
    const phone = wechat.phone({ openid: "o1", phoneNumber: "10012345678" });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    await post("/wx/login/complete", { temporaryToken, phoneCode: phone.getPhoneNumber().code });
    await post("/wx/login", phone.login());
    expect(await warnings()).to.deep.equal([
      'WECHAT_LOGIN_FIELD_MISSING: wechatLogin: findUser returned a user without "phoneNumber". ' +
        "It is a number there: return a string. Until then this user is asked or saved at every login.",
    ]);
  });

  it("is not told of a field that nobody requires, or that is there beside the other name", async () => {
    const warnings = collectWarnings();
    const row = {
      id: 1,
      appId: APP_ID,
      openid: "o1",
      open_id: "o1",
      unionid: "u1",
      union_id: "",
      nick_name: "x",
    };
    const { wechat, post } = await startApp({ findUser: () => row });
    await post("/wx/login", wechat.phone({ openid: "o1", unionid: "u1" }).login());
    expect(await warnings()).to.deep.equal([]);
  });
});

describe("warnings: what WeChat refuses, without onError", () => {
  const cures: Record<number, string> = {
    40013: "The AppID is wrong. ",
    40125: "The AppSecret is wrong, or it was reset in WeChat's console. ",
    40164: "The address of this server is not in the IP whitelist (IP白名单) of WeChat's console. ",
    40243: "",
    99999: "",
  };
  for (const [errcode, cure] of Object.entries(cures)) {
    it(`${errcode} is told once an hour, with the cure and without secrets`, async () => {
      const warnings = collectWarnings();
      const { wechat, post } = await startApp();
      const fail = async () => {
        wechat.bendNext({ errcode: Number(errcode) });
        await post("/wx/login", wechat.phone().login());
      };
      const code = errcode === "99999" ? "wechat_error" : "misconfigured";
      const message =
        `WECHAT_LOGIN_WECHAT_REFUSES: wechatLogin: WeChat refuses with errcode ${errcode}. ${cure}` +
        `See docs/troubleshooting.md#${code}, or run "npx express-wechat-login explain ${code}"; the option onError is given the details.`;
      await fail();
      await fail();
      expect(await warnings()).to.deep.equal([message]);
      expect((await warnings()).join()).to.not.include(SECRET);
      const clock = sinon.useFakeTimers({ now: Date.now() + HOUR, toFake: ["Date"] });
      atEnd(() => clock.restore());
      await fail();
      await fail();
      expect(await warnings()).to.deep.equal([message, message]);
      clock.setSystemTime(Date.now() - 3 * HOUR);
      await fail();
      expect(await warnings()).to.have.length(3);
    });
  }

  it("each errcode is told by itself; so is an answer that makes no sense, and a refusal on the website", async () => {
    const warnings = collectWarnings();
    const { wechat, post } = await startApp();
    for (const bend of [{ errcode: 40013 }, { errcode: 40125 }, { body: "[]" }]) {
      wechat.bendNext(bend);
      await post("/wx/login", wechat.phone().login());
    }
    const web = await startWebApp({ ...withoutOnError });
    const tab = web.browser();
    const callback = web.wechat.phone({ unionid: "u1" }).authorize(await tab.start());
    web.wechat.bendNext({ errcode: 40125 });
    expect((await tab.open(callback)).location).to.equal("/?error=misconfigured");
    expect((await warnings()).map((text) => /40\d+|no sense: [\w ]+/.exec(text)?.[0])).to.deep.equal([
      "40013",
      "40125",
      "no sense: it is no JSON object",
      "40125",
    ]);
  });

  it("is not told where onError is told, nor of what a client or a user does", async () => {
    const warnings = collectWarnings();
    const heard = sinon.spy();
    const told = await startApp({ onError: heard });
    told.wechat.bendNext({ errcode: 40125 });
    await told.post("/wx/login", told.wechat.phone().login());
    expect(heard.firstCall.firstArg).to.be.instanceOf(WechatLoginError).and.include({ errcode: 40125 });
    const quiet = await startApp();
    for (const bend of [
      { errcode: 40029 },
      { errcode: 40226 },
      { errcode: 45011 },
      { status: 500, body: "" },
    ]) {
      quiet.wechat.bendNext(bend);
      await quiet.post("/wx/login", quiet.wechat.phone().login());
    }
    await quiet.post("/wx/login", {});
    expect(await warnings()).to.deep.equal([]);
  });
});

describe("warnings: X-Forwarded-For without trust proxy", () => {
  const told = [
    'WECHAT_LOGIN_TRUST_PROXY: wechatLogin: X-Forwarded-For is there, but the app has no "trust proxy", so that all users behind ' +
      'the proxy count as one for rateLimit. app.set("trust proxy", 1) for one proxy; on node:http set req.ip; ' +
      'or rateLimit: false. See docs/troubleshooting.md#rate_limited, or run "npx express-wechat-login explain rate_limited".',
  ];
  const forwarded = { "X-Forwarded-For": "203.0.113.9" };

  it("is told once", async () => {
    const warnings = collectWarnings();
    const { url } = await startApp({ rateLimit: undefined });
    await send(`${url}/wx/login`, "{}");
    expect(await warnings()).to.deep.equal([]);
    for (const _time of [1, 2]) await send(`${url}/wx/login`, "{}", forwarded);
    expect(await warnings()).to.deep.equal(told);
  });

  it("is not told without a limit", async () => {
    const warnings = collectWarnings();
    const { url } = await startApp();
    await send(`${url}/wx/login`, "{}", forwarded);
    expect(await warnings()).to.deep.equal([]);
  });

  for (const [name, ip, expected] of [
    ["is told on node:http", undefined, told],
    ["is not told on node:http where the host says the address", "203.0.113.9", []],
  ] as const) {
    it(name, async () => {
      const warnings = collectWarnings();
      const wechat = await startWechat();
      const account = { appId: APP_ID, secret: SECRET, baseUrl: wechat.baseUrl, keyPrefix: ownPrefix() };
      const login = wechatLogin({ ...account, findUser: () => undefined, saveUser: () => {} });
      const server = createServer((req, res) =>
        login(ip === undefined ? req : Object.assign(req, { ip }), res, () => res.end()),
      );
      const url = await listen(server);
      for (const _time of [1, 2]) await send(`${url}/login`, "{}", forwarded);
      expect(await warnings()).to.deep.equal(expected);
    });
  }
});
