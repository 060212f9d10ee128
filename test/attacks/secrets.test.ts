import { channel } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { expect } from "chai";
import { Redis } from "ioredis";
import nodeFetch from "node-fetch";
import sinon from "sinon";
import type { Fetch, WechatLoginError } from "../../lib/index.ts";
import { IN_WECHAT } from "../support/browser.ts";
import { atEnd, redis, SECRET, startApp } from "../support/login-app.ts";
import { monitor } from "../support/monitor.ts";
import { PICTURES } from "../support/pictures.ts";
import { startRedis } from "../support/redis-server.ts";
import { OFFICIAL_ACCOUNT, startWebApp, WEBSITE } from "../support/web-app.ts";

/** Names under which WeChat answers with secrets. */
const SECRET_FIELDS = ["session_key", "access_token", "refresh_token"];

/** Everything that is seen of the process from outside, and every secret that it was told. */
function witness() {
  const seen: unknown[] = [];
  const secrets = new Set([SECRET, OFFICIAL_ACCOUNT.secret, WEBSITE.secret]);
  const fetch: Fetch = async (url, init) => {
    const response = await nodeFetch(url, init as Parameters<typeof nodeFetch>[1]);
    const text = await response.text();
    const answer = text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {};
    for (const name of SECRET_FIELDS) if (typeof answer[name] === "string") secrets.add(String(answer[name]));
    return { status: response.status, text: async () => text };
  };
  for (const kind of ["wechat", "store", "host"]) {
    for (const event of ["start", "end", "asyncStart", "asyncEnd", "error"]) {
      const name = `tracing:express-wechat-login:${kind}:${event}`;
      const hear = (message: unknown) => void seen.push(name, message);
      channel(name).subscribe(hear);
      atEnd(() => channel(name).unsubscribe(hear));
    }
  }
  for (const method of ["log", "info", "warn", "error", "debug"] as const) {
    const spy = sinon.stub(console, method).callsFake((...args) => void seen.push(args));
    atEnd(() => spy.restore());
  }
  const onError = (error: WechatLoginError) =>
    void seen.push(error, error.cause, error.stack, error.toJSON());
  return { seen, secrets, fetch, onError };
}

const everything = (seen: unknown[]) =>
  inspect(seen, { depth: null, maxStringLength: null, maxArrayLength: null, showHidden: true });

describe("secrets, with all that a host can do", () => {
  it("are in no answer, header, error, cause, trace, log line, key or process title; in Redis only where they wait", async () => {
    const { seen, secrets, fetch, onError } = witness();
    const commands = await monitor();
    const app = await startApp({
      ...{ fetch, onError, session: {}, rateLimit: {}, keepSessionKey: true, checkContent: true },
      require: ["unionid", "nickName", "avatarUrl", "phoneNumber"],
      saveAvatar: (picture, identity) => {
        seen.push(picture.mediaType, identity);
        return "https://cdn/1";
      },
      onLogin: (user, { identity }) => void seen.push(user, identity),
    });
    const handed = new Set<string>();
    const see = <Answer extends { status: number; headers: Headers; body: Record<string, unknown> }>(
      answer: Answer,
    ) => {
      for (const name of ["temporaryToken", "sessionToken"]) {
        // What is handed to the client is not to be seen anywhere else.
        if (typeof answer.body[name] === "string") handed.add(String(answer.body[name]));
        delete answer.body[name];
      }
      seen.push(answer.status, [...answer.headers], answer.body);
      return answer;
    };
    const post = async (path: string, body: object, sessionToken?: string) => {
      const answer = await app.post(path, body, sessionToken);
      const { temporaryToken, sessionToken: session } = answer.body;
      see(answer);
      return { ...answer.body, temporaryToken, sessionToken: session };
    };

    const phone = app.wechat.phone({ unionid: "u1", unionidAtLogin: false });
    const asked = await post("/wx/login", phone.login());
    const more = await post("/wx/login/complete", { ...asked, ...phone.getUserInfo() });
    const wrong = { temporaryToken: more.temporaryToken, phoneCode: "wrong" };
    await post("/wx/login/complete", wrong);
    const form = new FormData();
    form.set("temporaryToken", more.temporaryToken);
    form.set("nickName", "小明");
    form.set("phoneCode", phone.getPhoneNumber().code);
    form.set("avatar", new Blob([new Uint8Array(PICTURES.png)]));
    const uploaded = await app.upload("/wx/login/complete", form);
    const { sessionToken } = uploaded.body;
    expect(see(uploaded).body).to.include({ status: "signed_in" });
    await post("/wx/profile", { nickName: "红红" }, sessionToken);
    see(await app.me(sessionToken));
    await app.wx.sessionKeys.checkSessionKey({ openid: phone.openid });
    await app.wx.sessionKeys.resetUserSessionKey({ openid: phone.openid });
    app.wechat.endAccessTokens();
    await post("/wx/profile", { nickName: "小红" }, sessionToken);
    for (const bend of [
      { errcode: 40125 },
      { errcode: 40029 },
      { fault: "reset" },
      { body: "<" },
      { errcode: -1 },
    ] as const) {
      for (const _time of [1, 2]) app.wechat.bendNext(bend);
      await post("/wx/login", phone.login());
      app.wechat.bendNext({});
      await post("/wx/login", { code: "unknown" });
    }
    await post("/wx/login/complete", { temporaryToken: "A".repeat(43), encryptedData: "AAAA", iv: "AAAA" });
    await app.wx.signOutEverywhere({ openid: phone.openid });
    see(await app.me(sessionToken));
    seen.push(app.hostErrors, app.findUser.args, app.saveUser.args, process.title, process.argv);

    const web = await startWebApp({ fetch, onError, session: {}, rateLimit: {} });
    const [tab, inside] = [web.browser(), web.browser(IN_WECHAT)];
    for (const browser of [tab, inside]) {
      const visitor = web.wechat.phone({ unionid: "u1" });
      const away = await browser.start();
      const state = String(new URL(away).searchParams.get("state"));
      const back = await browser.open(visitor.authorize(away));
      seen.push(back.status, back.location, back.body);
      handed
        .add(state)
        .add(String(browser.sessionToken()))
        .add(String([...browser.cookies.values()][0]));
      web.wechat.bendNext({});
      web.wechat.bendNext({ errcode: 1 });
      const again = await browser.open(web.wechat.phone().authorize(await browser.start()));
      seen.push(again.status, again.location, again.body);
      seen.push((await browser.me()).body);
    }

    const text = everything(seen);
    expect([secrets.size, handed.size]).to.satisfy(([s, h]: number[]) => Number(s) > 8 && Number(h) > 6);
    for (const word of [
      "signed_in",
      "saved",
      "misconfigured",
      "invalid_phone_code",
      "asyncEnd",
      "/sns/userinfo",
      "wechat_error",
    ]) {
      expect(text).to.include(word);
    }
    for (const secret of [...secrets, ...handed]) expect(text).to.not.include(secret);

    const sent = await commands();
    const whole = sent.map((command) => command.join(" ")).join("\n");
    // A session's token ends in a handle of its user, which is part of the key.
    for (const token of handed) expect(whole).to.not.include(token.slice(0, 43));
    for (const secret of secrets) {
      const places = sent
        .filter((command) => command.join(" ").includes(secret))
        .map((command) => command.join(" "));
      for (const place of places) expect(place).to.match(/:pending:|access-token/);
      for (const command of sent) expect(command[1] ?? "").to.not.include(secret);
    }
    for (const secret of [SECRET, WEBSITE.secret, OFFICIAL_ACCOUNT.secret])
      expect(whole).to.not.include(secret);
    for (const key of await redis().keys("*"))
      for (const secret of secrets) expect(key).to.not.include(secret);
  });

  for (const [what, fault, message] of [
    ["is full", ["CONFIG", "SET", "maxmemory", "1"], /^OOM /],
    ["may not be written to (a failover)", ["REPLICAOF", "127.0.0.1", "1"], /^READONLY /],
  ] as const) {
    it(`are not in the error that the host is given where Redis ${what}`, async () => {
      const server = await startRedis();
      atEnd(() => server.stop());
      const client = new Redis(server.url);
      atEnd(() => client.disconnect());
      const { secrets, fetch } = witness();
      const app = await startApp({ redis: client, fetch, session: {} });
      const [, ...args] = fault;
      await client.call(fault[0], ...args);
      const phone = app.wechat.phone({ unionid: "u1", unionidAtLogin: false });
      expect((await app.post("/wx/login", phone.login())).status).to.equal(500);
      const text = everything(app.hostErrors);
      expect((app.hostErrors[0] as Error).message).to.match(message);
      expect(text).to.include("command: { name: 'set' }");
      expect(secrets.size).to.equal(4);
      for (const secret of secrets) expect(text).to.not.include(secret);
    });
  }
});
