import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { expect } from "chai";
import sinon from "sinon";
import { accessToken, WechatLoginError } from "../../lib/index.ts";
import type { WechatSimulator } from "../../lib/simulator/index.ts";
import { errorBody } from "../support/error-body.ts";
import { APP_ID, atEnd, ownPrefix, redis, SECRET, startApp, startWechat } from "../support/login-app.ts";
import { until } from "../support/until.ts";

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const isRefresh = ({ path }: { path: string }) => path === "/cgi-bin/stable_token";
const refreshes = ({ requests }: WechatSimulator) => requests.filter(isRefresh).length;

/** A WeChat, and hosts that share its access_token by one Redis. */
async function start() {
  const wechat = await startWechat();
  const keyPrefix = ownPrefix();
  const account = { appId: APP_ID, secret: SECRET, keyPrefix, baseUrl: wechat.baseUrl };
  const host = (more: object = {}) => accessToken({ ...account, redis: redis(), ...more });
  const key = `${keyPrefix}${APP_ID}:{access-token}`;
  return { wechat, account, host, key, lock: `${key}lock` };
}

const MESSAGES = {
  misconfigured:
    "The server's WeChat configuration is refused by WeChat; its operator finds the details in onError, or on stderr.",
  rate_limited: "Too many requests for WeChat's limits: try again later.",
  wechat_error: "WeChat's answer makes no sense: access_token is missing.",
  wechat_unavailable: "WeChat cannot be reached: try again later.",
};

describe("accessToken", () => {
  it("asks stable_token, by POST, without a forced refresh", async () => {
    const { wechat, host } = await start();
    const token = await host().get();
    expect(token).to.match(/^[\w-]{91}$/);
    const body = { grant_type: "client_credential", appid: APP_ID, secret: SECRET, force_refresh: false };
    expect(wechat.requests).to.deep.equal([
      { method: "POST", path: "/cgi-bin/stable_token", query: {}, body },
    ]);
  });

  it("keeps the token in the process and in Redis, for as long as it lives", async () => {
    const { wechat, host, key, lock } = await start();
    const one = host();
    const token = await one.get();
    expect([await one.get(), await host().get()]).to.deep.equal([token, token]);
    expect(refreshes(wechat)).to.equal(1);
    expect(await redis().ttl(key)).to.be.within(7190, 7200);
    expect(await redis().exists(lock)).to.equal(0);
  });

  it("is fetched once for any number of simultaneous calls", async () => {
    const { wechat, host } = await start();
    const hosts = [host(), host(), host()];
    const tokens = await Promise.all(Array.from({ length: 100 }, (_, i) => hosts[i % 3]?.get()));
    expect(new Set(tokens).size).to.equal(1);
    expect(refreshes(wechat)).to.equal(1);
  });

  it("is shared with wechatLogin on the same Redis", async () => {
    const app = await startApp({ require: ["phoneNumber"] });
    const account = { appId: APP_ID, secret: SECRET, keyPrefix: app.keyPrefix, baseUrl: app.wechat.baseUrl };
    await accessToken({ ...account, redis: redis() }).get();
    const phone = app.wechat.phone();
    const { temporaryToken } = (await app.post("/wx/login", phone.login())).body;
    await app.post("/wx/login/complete", { temporaryToken, phoneCode: phone.getPhoneNumber().code });
    expect(refreshes(app.wechat)).to.equal(1);
    expect(app.users).to.have.length(1);
  });

  it("is refreshed ahead of its end, when WeChat has the next one, and both are good", async () => {
    const { wechat, host, key } = await start();
    const clock = sinon.useFakeTimers({ now: Date.now(), toFake: ["Date", "performance"] });
    atEnd(() => clock.restore());
    const one = host();
    const first = await one.get();
    await redis().expire(key, 271);
    clock.tick((7200 - 271) * 1000);
    expect(await one.get()).to.equal(first);
    await redis().expire(key, 269);
    clock.tick(2000);
    const second = await one.get();
    expect(second).to.not.equal(first);
    expect([await one.get(), refreshes(wechat)]).to.deep.equal([second, 2]);
  });

  for (const hours of [-1, 3]) {
    it(`is good for as long as Redis says, for a process whose clock is ${hours} h away`, async () => {
      const { wechat, host, key } = await start();
      const clock = sinon.useFakeTimers({ now: Date.now() + hours * 3600_000, toFake: ["Date"] });
      atEnd(() => clock.restore());
      const text = (token: string) =>
        JSON.stringify({ token, expiresAt: Date.now() - hours * 3600_000 + 7200_000 });
      await redis().set(key, text("theirs"), "EX", 7200);
      expect([await host().get(), refreshes(wechat)]).to.deep.equal(["theirs", 0]);
      // It is nearly over, whatever this clock says.
      await redis().set(key, text("old"), "EX", 100);
      expect(await host().get()).to.match(/^[\w-]{91}$/);
    });

    it(`is good as long as ever where this process's clock is set by ${hours} h`, async () => {
      const { wechat, host } = await start();
      const one = host();
      const token = await one.get();
      const clock = sinon.useFakeTimers({ now: Date.now() + hours * 3600_000, toFake: ["Date"] });
      atEnd(() => clock.restore());
      expect([await one.get(), refreshes(wechat)]).to.deep.equal([token, 1]);
    });
  }

  it("does not wait an hour for another process where the clock is set back meanwhile", async () => {
    const { host, lock } = await start();
    await redis().set(lock, "a process that hangs");
    const getting = host({ timeout: 100 })
      .get()
      .catch((reason) => reason);
    await wait(100);
    const clock = sinon.useFakeTimers({ now: Date.now() - 3600_000, toFake: ["Date"] });
    atEnd(() => clock.restore());
    expect(await getting).to.include({ code: "wechat_unavailable" });
  });

  it("serves what is still good while someone else fetches the next one", async () => {
    const { host, lock, key } = await start();
    await redis().set(key, JSON.stringify({ token: "old" }), "EX", 60);
    await redis().set(lock, "another process", "EX", 10);
    expect(await host().get()).to.equal("old");
  });

  it("serves what is still good where the next one cannot be fetched", async () => {
    const { host, key, lock, wechat } = await start();
    await redis().set(key, JSON.stringify({ token: "old" }), "EX", 60);
    wechat.bendNext({ errcode: 45009 });
    const one = host();
    expect(await one.get()).to.equal("old");
    expect([refreshes(wechat), await redis().exists(lock)]).to.deep.equal([1, 0]);
    expect(await one.get()).to.match(/^[\w-]{91}$/);
  });

  it("waits for who holds the lock, and takes over when the holder is dead", async () => {
    const { host, lock, wechat } = await start();
    await redis().set(lock, "a dead process", "PX", 300);
    const before = Date.now();
    await host().get();
    expect(Date.now() - before).to.be.within(250, 600);
    expect(refreshes(wechat)).to.equal(1);
  });

  it("takes what the holder of the lock brings", async () => {
    const { host, lock, key, wechat } = await start();
    await redis().set(lock, "another process", "EX", 10);
    const waiting = host().get();
    await wait(100);
    await redis().set(key, JSON.stringify({ token: "theirs" }), "EX", 7200);
    expect(await waiting).to.equal("theirs");
    expect(refreshes(wechat)).to.equal(0);
  });

  it("takes what was stored between its look and its lock", async () => {
    const { host, key, wechat } = await start();
    const theirs = JSON.stringify({ token: "theirs" });
    const client = {
      set: async (...args: Parameters<ReturnType<typeof redis>["set"]>) => {
        await redis().set(key, theirs, "EX", 7200);
        return await redis().set(...args);
      },
      get: (name: string) => redis().get(name),
      getdel: (name: string) => redis().getdel(name),
      eval: (...args: Parameters<ReturnType<typeof redis>["eval"]>) => redis().eval(...args),
      evalsha: (...args: Parameters<ReturnType<typeof redis>["evalsha"]>) => redis().evalsha(...args),
    };
    expect(await host({ redis: client }).get()).to.equal("theirs");
    expect(refreshes(wechat)).to.equal(0);
  });

  it("a holder that was too slow stores nothing over what another has stored, and leaves its lock alone", async () => {
    const { host, lock, key, wechat } = await start();
    wechat.bendNext({ delay: 300 });
    const slow = host().get();
    await wait(100);
    await redis().set(lock, "another process", "EX", 10);
    await redis().set(key, "theirs", "EX", 10);
    expect(await slow).to.match(/^[\w-]{91}$/);
    expect(await redis().mget(lock, key)).to.deep.equal(["another process", "theirs"]);
  });

  it("the lock lives a little longer than a request with its retry can take", async () => {
    const { host, lock, wechat } = await start();
    wechat.bendNext({ delay: 200 });
    const getting = host({ timeout: 1500 }).get();
    await wait(100);
    expect(await redis().pttl(lock)).to.be.within(3500, 4000);
    await getting;
  });

  it("gives up with wechat_unavailable where nobody brings one", async () => {
    const { host, lock } = await start();
    await redis().set(lock, "a process that hangs");
    const before = Date.now();
    const error = await host({ timeout: 100 })
      .get()
      .catch((reason) => reason);
    expect(error)
      .to.be.instanceOf(WechatLoginError)
      .and.include({ code: "wechat_unavailable", retryAfter: 5 });
    expect(error.cause.message).to.equal("no process has brought an access_token in time");
    // The lock's life of 2 s, and a request with its retry.
    expect(Date.now() - before).to.be.within(2150, 2700);
  });

  for (const [name, bend, code] of [
    ["a wrong secret", { errcode: 40125 }, "misconfigured"],
    ["40001", { errcode: 40001 }, "misconfigured"],
    ["40002", { errcode: 40002 }, "misconfigured"],
    ["41008", { errcode: 41008 }, "misconfigured"],
    ["a limit", { errcode: 45009 }, "rate_limited"],
    ["an IP that is not on the whitelist", { errcode: 40164 }, "misconfigured"],
    ["no token", { body: '{"expires_in":7200}' }, "wechat_error"],
    ["an empty token", { body: '{"access_token":"","expires_in":7200}' }, "wechat_error"],
    ["a token that is none", { body: '{"access_token":5,"expires_in":7200}' }, "wechat_error"],
    ["no life", { body: '{"access_token":"a"}' }, "wechat_error"],
    ["a life of 0", { body: '{"access_token":"a","expires_in":0}' }, "wechat_error"],
    ["a gateway's HTML", { body: "<html>" }, "wechat_unavailable"],
  ] as const) {
    it(`${name}: ${code} for all who wait, and the next call need not wait for the lock`, async () => {
      const { host, wechat, lock } = await start();
      const one = host();
      wechat.bendNext(bend);
      const errors = await Promise.all([one.get(), one.get()].map((get) => get.catch((error) => error)));
      for (const error of errors) {
        expect(error).to.be.instanceOf(WechatLoginError).and.include({ code });
        expect(error.message).to.equal(MESSAGES[code]);
      }
      expect(await redis().exists(lock)).to.equal(0);
      expect(await one.get()).to.match(/^[\w-]{91}$/);
    });
  }

  it("never shows the secret", async () => {
    const { host, wechat } = await start();
    wechat.bendNext({ body: JSON.stringify({ errcode: 40125, errmsg: `invalid secret ${SECRET}` }) });
    const error = await host()
      .get()
      .catch((reason) => reason);
    expect(String(error.cause)).to.equal("Error: WeChat: errcode 40125, invalid secret ***");
  });

  it("tells Redis's own error untouched, and its first error where the lock cannot be ended either", async () => {
    const { host, wechat } = await start();
    const fault = new Error("READONLY");
    // Nothing is stored, the lock is free, and it cannot be ended.
    const script = async (_text: string, _keys: number, name: string | number) =>
      String(name).endsWith("lock") ? Promise.reject(fault) : null;
    const client = {
      set: async () => "OK",
      get: async () => null,
      getdel: async () => null,
      eval: script,
      evalsha: script,
    };
    expect(
      await host({ redis: client })
        .get()
        .catch((error: unknown) => error),
    ).to.equal(fault);
    wechat.bendNext({ errcode: 40125 });
    const error = await host({ redis: client })
      .get()
      .catch((reason: unknown) => reason);
    expect(error).to.include({ code: "misconfigured" });
  });

  it("replace gives another token than the one that was refused", async () => {
    const { host, wechat } = await start();
    const one = host();
    const first = await one.get();
    wechat.endAccessTokens();
    const second = await one.replace(first);
    expect(second).to.not.equal(first);
    expect([await one.get(), await host().get(), await one.replace(first)]).to.deep.equal([
      second,
      second,
      second,
    ]);
    expect(refreshes(wechat)).to.equal(2);
  });

  for (const [wrong, sentence] of [
    [{ appId: undefined }, '"appId" must be a string of letters and digits.'],
    [{ secret: undefined }, '"secret" must be a string of letters and digits.'],
    [{ redis: undefined }, '"redis" must be an ioredis client, version 5 or 6 (Redis or Cluster).'],
    [{ redis: {} }, '"redis" must be an ioredis client, version 5 or 6 (Redis or Cluster).'],
    [{ timeout: "5" }, '"timeout" must be a whole number of milliseconds above 0 and below 2147483648.'],
    [{ keyPrefix: 5 }, '"keyPrefix" must be a string.'],
    [{ fetch: 1 }, '"fetch" must be a function.'],
    [{ baseUrl: "" }, '"baseUrl" must be an http or https URL without a user name, a query and a fragment.'],
    [{ timeOut: 1 }, 'there is no option "timeOut": did you mean "timeout"?'],
  ] as const) {
    it(`refuses ${Object.keys(wrong)} ${Object.values(wrong)}: ${sentence}`, () => {
      const options = { appId: APP_ID, secret: SECRET, redis: redis(), ...wrong };
      expect(() => accessToken(options as never)).to.throw(TypeError, `accessToken: ${sentence}`);
    });
  }

  it("asks api.weixin.qq.com, under wechat-login:, where nothing is said", async () => {
    const fetch = sinon
      .stub()
      .resolves({ status: 200, text: async () => '{"access_token":"a","expires_in":9}' });
    const set = sinon.stub().resolves("OK");
    const none = async () => null;
    const client = { set, get: none, getdel: none, eval: none, evalsha: none };
    await accessToken({ appId: APP_ID, secret: SECRET, redis: client, fetch }).get();
    expect(fetch.firstCall.args[0]).to.equal("https://api.weixin.qq.com/cgi-bin/stable_token?");
    const { method, headers, body } = fetch.firstCall.args[1];
    expect({ method, headers }).to.deep.equal({
      method: "POST",
      headers: { "Content-Type": "application/json" },
    });
    expect(body).to.be.a("string"); // so that node-fetch sends a Content-Length
    const [key, , , seconds] = set.firstCall.args;
    expect([key, seconds]).to.deep.equal([`wechat-login:${APP_ID}:{access-token}lock`, 11]);
  });
});

describe("an access_token that WeChat refuses", () => {
  async function pending() {
    const app = await startApp({ require: ["phoneNumber"] });
    const phone = app.wechat.phone();
    const { temporaryToken } = (await app.post("/wx/login", phone.login())).body;
    const complete = () =>
      app.post("/wx/login/complete", { temporaryToken, phoneCode: phone.getPhoneNumber().code });
    return { ...app, complete };
  }

  for (const errcode of [40001, 40014, 42001]) {
    it(`with ${errcode}: it is replaced once, and the call repeated`, async () => {
      const { complete, wechat } = await pending();
      for (const bend of [{}, { errcode }]) wechat.bendNext(bend);
      expect((await complete()).body).to.deep.equal({ status: "signed_in" });
      expect(wechat.requests.slice(1).map(({ path }) => path.split("/").at(-1))).to.deep.equal([
        "stable_token",
        "getuserphonenumber",
        "stable_token",
        "getuserphonenumber",
      ]);
    });
  }

  it("because someone else has forced a refresh: the next call brings the new one", async () => {
    const { complete, wechat, post, users } = await pending();
    await complete();
    wechat.endAccessTokens();
    const phone = wechat.phone();
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    const phoneCode = phone.getPhoneNumber().code;
    expect((await post("/wx/login/complete", { temporaryToken, phoneCode })).status).to.equal(200);
    expect(users).to.have.length(2);
  });

  it("twice is an error, without a third try and without the token in it", async () => {
    const { complete, wechat, hostErrors } = await pending();
    for (const bend of [{}, { errcode: 40001 }, {}, { errcode: 40001 }]) wechat.bendNext(bend);
    expect((await complete()).body).to.deep.equal(
      errorBody("wechat_error", "WeChat answered with errcode 40001.", 40001),
    );
    expect(wechat.requests).to.have.length(5);
    expect(hostErrors).to.deep.equal([]);
  });

  it("is told to nobody: what WeChat quotes of it is blotted out", async () => {
    const onError = sinon.spy();
    const app = await startApp({
      require: ["phoneNumber"],
      checkContent: true,
      session: undefined,
      onError,
    });
    const token = accessToken({
      appId: APP_ID,
      secret: SECRET,
      redis: redis(),
      keyPrefix: app.keyPrefix,
      baseUrl: app.wechat.baseUrl,
    });
    const body = JSON.stringify({ errcode: 48001, errmsg: `not allowed for ${await token.get()} code-1` });
    const phone = app.wechat.phone();
    const { temporaryToken } = (await app.post("/wx/login", phone.login())).body;
    app.wechat.bendNext({ body });
    await app.post("/wx/login/complete", { temporaryToken, phoneCode: "code-1" });
    app.wechat.bendNext({ body });
    await app.post("/wx/login/complete", { temporaryToken, nickName: "Ada" });
    const causes = onError.args.map(([error]) => (error as { cause: Error }).cause.message);
    expect(causes).to.deep.equal([
      "WeChat: errcode 48001, not allowed for *** ***",
      "WeChat: errcode 48001, not allowed for *** code-1",
    ]);
  });

  it("with anything else: it is not replaced", async () => {
    const { complete, wechat } = await pending();
    for (const bend of [{}, { errcode: 41001 }]) wechat.bendNext(bend);
    await complete();
    expect(refreshes(wechat)).to.equal(1);
  });
});

describe("the access_token of four processes on one Redis", function () {
  this.timeout(60_000);

  /** Processes that wait for the word to begin. */
  async function processes(count: number, options: object, calls: number) {
    const script = new URL(`../support/access-token-process${import.meta.url.slice(-3)}`, import.meta.url);
    const children = Array.from({ length: count }, () => {
      const args = [script.pathname, String(process.env.REDIS_URL), JSON.stringify(options), String(calls)];
      const child = spawn(process.execPath, [...process.execArgv, ...args], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      atEnd(() => child.kill("SIGKILL"));
      return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
    });
    for (const { lines } of children) expect((await lines.next()).value).to.equal("ready");
    return children;
  }

  type Result = { tokens: string[]; ms: number };
  const begin = ({ child }: { child: ChildProcess }) => child.stdin?.write("go\n");
  const resultOf = async ({ lines }: { lines: AsyncIterator<string> }): Promise<Result> =>
    JSON.parse((await lines.next()).value);

  it("400 concurrent calls make exactly one request", async () => {
    const { wechat, account } = await start();
    wechat.bendNext({ delay: 200 });
    const children = await processes(4, account, 100);
    children.forEach(begin);
    const results = await Promise.all(children.map(resultOf));
    const tokens = new Set(results.flatMap((result) => result.tokens));
    expect(tokens.size).to.equal(1);
    expect([...tokens][0]).to.match(/^[\w-]{91}$/);
    expect(refreshes(wechat)).to.equal(1);
  });

  it("killing the one that refreshes delays the others by no more than the lock's life, and none fails", async () => {
    const { wechat, account, lock } = await start();
    const [victim, ...others] = await processes(4, { ...account, timeout: 1000 }, 100);
    if (!victim) throw new Error("no process");
    wechat.bendNext({ fault: "hang" });
    begin(victim);
    await until(() => refreshes(wechat) > 0);
    victim.child.kill("SIGKILL");
    const lockMs = await redis().pttl(lock);
    expect(lockMs).to.be.within(1000, 3000);
    others.forEach(begin);
    const results = await Promise.all(others.map(resultOf));
    const tokens = new Set(results.flatMap((result) => result.tokens));
    expect([...tokens].map((token) => token.length)).to.deep.equal([91]);
    expect(refreshes(wechat)).to.equal(2);
    for (const { ms } of results) expect(ms).to.be.within(lockMs - 200, lockMs + 700);
  });
});
