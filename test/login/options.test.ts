import { expect } from "chai";
import sinon from "sinon";
import { wechatLogin } from "../../lib/index.ts";
import { atEnd, redis, startApp } from "../support/login-app.ts";

const GOOD = {
  appId: "wx0123456789abcdef",
  secret: "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
  findUser: () => undefined,
  saveUser: () => undefined,
};

/** As a JavaScript host would call it. */
const create = (options: unknown) => wechatLogin(options as Parameters<typeof wechatLogin>[0]);

describe("options, checked at creation", () => {
  const wrong: [object | undefined, string][] = [
    [undefined, '"appId" must be a string of letters and digits.'],
    [{ appId: undefined }, '"appId" must be a string of letters and digits.'],
    [{ appId: "" }, '"appId" must be a string of letters and digits.'],
    [{ appId: "wx1\n" }, '"appId" must be a string of letters and digits.'],
    [{ appId: "a:b" }, '"appId" must be a string of letters and digits.'],
    [{ secret: " x" }, '"secret" must be a string of letters and digits.'],
    [{ secret: 5 }, '"secret" must be a string of letters and digits.'],
    [{ findUser: undefined }, '"findUser" must be a function.'],
    [{ saveUser: {} }, '"saveUser" must be a function.'],
    [{ onLogin: "x" }, '"onLogin" must be a function.'],
    [{ onError: 1 }, '"onError" must be a function.'],
    [{ fetch: {} }, '"fetch" must be a function.'],
    [{ redis: null }, '"redis" must be an ioredis client, version 5 or 6 (Redis or Cluster).'],
    [{ redis: { set() {} } }, '"redis" must be an ioredis client, version 5 or 6 (Redis or Cluster).'],
    [
      { redis: { set() {}, get() {}, getdel() {} } },
      '"redis" must be an ioredis client, version 5 or 6 (Redis or Cluster).',
    ],
    [
      { require: "unionid" },
      '"require" must be an array of "unionid", "nickName", "avatarUrl", "phoneNumber".',
    ],
    [
      { require: ["unionId"] },
      '"require" must be an array of "unionid", "nickName", "avatarUrl", "phoneNumber".',
    ],
    [{ temporaryTokenTtl: 0 }, '"temporaryTokenTtl" must be a whole number of seconds above 0.'],
    [{ temporaryTokenTtl: 1.5 }, '"temporaryTokenTtl" must be a whole number of seconds above 0.'],
    [{ userDataMaxAge: "300" }, '"userDataMaxAge" must be a whole number of seconds above 0.'],
    [{ timeout: -1 }, '"timeout" must be a whole number of milliseconds above 0 and below 2147483648.'],
    [
      { timeout: Number.POSITIVE_INFINITY },
      '"timeout" must be a whole number of milliseconds above 0 and below 2147483648.',
    ],
    [{ timeout: 2 ** 31 }, '"timeout" must be a whole number of milliseconds above 0 and below 2147483648.'],
    [{ timeout: 0 }, '"timeout" must be a whole number of milliseconds above 0 and below 2147483648.'],
    [{ saveAvatar: "x" }, '"saveAvatar" must be a function.'],
    [{ onReview: "x" }, '"onReview" must be a function.'],
    [{ avatarMaxBytes: 0 }, '"avatarMaxBytes" must be a whole number of bytes above 0.'],
    [{ checkContent: 1 }, '"checkContent" must be true or false.'],
    [{ keepSessionKey: "yes" }, '"keepSessionKey" must be true or false.'],
    [
      { rateLimit: true },
      '"rateLimit" must be false, or an object with a limit and a window in seconds, both whole numbers above 0.',
    ],
    [
      { rateLimit: null },
      '"rateLimit" must be false, or an object with a limit and a window in seconds, both whole numbers above 0.',
    ],
    [
      { rateLimit: { limit: 0 } },
      '"rateLimit" must be false, or an object with a limit and a window in seconds, both whole numbers above 0.',
    ],
    [
      { rateLimit: { window: 1.5 } },
      '"rateLimit" must be false, or an object with a limit and a window in seconds, both whole numbers above 0.',
    ],
    [
      { rateLimit: { max: 5 } },
      '"rateLimit" must be false, or an object with a limit and a window in seconds, both whole numbers above 0.',
    ],
    [
      { session: true },
      '"session" must be false, or an object of at most a ttl in whole seconds above 0 and a name of letters and digits.',
    ],
    [
      { session: { name: "a:b" } },
      '"session" must be false, or an object of at most a ttl in whole seconds above 0 and a name of letters and digits.',
    ],
    [
      { session: null },
      '"session" must be false, or an object of at most a ttl in whole seconds above 0 and a name of letters and digits.',
    ],
    [
      { session: { ttl: 0 } },
      '"session" must be false, or an object of at most a ttl in whole seconds above 0 and a name of letters and digits.',
    ],
    ...[{ maxAge: 60 }, { ttl: 60, tll: 60 }, [60]].map((session): [object, string] => [
      { session },
      '"session" must be false, or an object of at most a ttl in whole seconds above 0 and a name of letters and digits.',
    ]),
    ...["user@host", "user:password@host", "host?query=1", "host/#hash", "host/path#"].map(
      (rest): [object, string] => [
        { baseUrl: `https://${rest}` },
        '"baseUrl" must be an http or https URL without a user name, a query and a fragment.',
      ],
    ),
    [{ keyPrefix: 5 }, '"keyPrefix" must be a string.'],
    [
      { baseUrl: "api.weixin.qq.com" },
      '"baseUrl" must be an http or https URL without a user name, a query and a fragment.',
    ],
    [
      { baseUrl: "ftp://host" },
      '"baseUrl" must be an http or https URL without a user name, a query and a fragment.',
    ],
    [
      { baseUrl: "https://" },
      '"baseUrl" must be an http or https URL without a user name, a query and a fragment.',
    ],
    [{ baseUrl: 5 }, '"baseUrl" must be an http or https URL without a user name, a query and a fragment.'],
  ];
  for (const [bad, sentence] of wrong) {
    it(`refuses ${JSON.stringify(bad) ?? "none at all"}`, () => {
      const options = bad && { ...GOOD, ...bad };
      expect(() => create(options)).to.throw(TypeError, `wechatLogin: ${sentence}`);
    });
  }

  for (const [name, bad, good] of [
    ["temporaryTokenTtl", 315_360_001, 315_360_000],
    ["userDataMaxAge", 1e11, 315_360_000],
    ["session", { ttl: 1e11 }, { ttl: 315_360_000 }],
    ["session", { ttl: Number.MAX_SAFE_INTEGER, name: "shop" }, { ttl: 315_360_000, name: "shop" }],
    ["rateLimit", { window: 315_360_001 }, { window: 315_360_000, limit: 1e12 }],
  ] as const) {
    it(`takes no more than ten years for ${name}, and says so`, () => {
      const tooLong = new RegExp(
        `^wechatLogin: "${name}" must be .* The longest (time|ttl|window) is 315360000 seconds, ten years\\.$`,
      );
      expect(() => create({ ...GOOD, [name]: bad })).to.throw(TypeError, tooLong);
      expect(() => create({ ...GOOD, [name]: good })).to.not.throw();
    });
  }

  it("refuses an option that does not exist, because a typing error would be silent", () => {
    expect(() => create({ ...GOOD, appid: "x" })).to.throw(
      TypeError,
      'wechatLogin: there is no option "appid".',
    );
    expect(() => create({ ...GOOD, toString: 1 })).to.throw(TypeError, 'there is no option "toString".');
  });

  it("never shows a value, which may be the secret", () => {
    expect(() => create({ ...GOOD, secret: "my secret" }))
      .to.throw()
      .with.property("message")
      .that.does.not.include("my");
  });

  it("takes an undefined option as left out", () => {
    expect(() => create({ ...GOOD, timeout: undefined, nonsense: undefined })).not.to.throw();
  });

  it("needs Redis in production", () => {
    process.env.NODE_ENV = "production";
    atEnd(() => delete process.env.NODE_ENV);
    const message =
      'wechatLogin: "redis" is needed in production; the in-process store is for trying out only.';
    expect(() => create(GOOD)).to.throw(TypeError, message);
    expect(() => create({ ...GOOD, redis: redis() })).not.to.throw();
  });

  it("works without Redis elsewhere", async () => {
    const { wechat, post } = await startApp({ redis: undefined });
    const phone = wechat.phone({ unionid: "u1", unionidAtLogin: false });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    const complete = () => post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
    expect((await complete()).body).to.deep.equal({ status: "signed_in" });
    expect((await complete()).body.error.code).to.equal("invalid_temporary_token");
  });

  it("temporaryTokenTtl is how long a token lives", async () => {
    const { wechat, post, keys } = await startApp({ temporaryTokenTtl: 7 });
    expect((await post("/wx/login", wechat.phone().login())).body).to.include({ expiresIn: 7 });
    expect(await redis().ttl((await keys())[0] ?? "")).to.be.within(6, 7);
  });

  it("userDataMaxAge is how old user data may be", async () => {
    const { wechat, post } = await startApp({ userDataMaxAge: 100_000, require: ["nickName"] });
    const phone = wechat.phone({ client: "old" });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    const watermark = { appid: GOOD.appId, timestamp: Math.floor(Date.now() / 1000) - 99_000 };
    const answer = await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo({ watermark }) });
    expect(answer.body).to.deep.equal({ status: "signed_in" });
  });

  it("keyPrefix is wechat-login: where nothing is said", async () => {
    const set = sinon.stub().resolves();
    const { wechat, post } = await startApp({
      redis: {
        set,
        get: async () => null,
        getdel: async () => null,
        eval: async () => null,
        evalsha: async () => null,
      },
      keyPrefix: undefined,
    });
    await post("/wx/login", wechat.phone().login());
    expect(set.firstCall.args[0]).to.match(new RegExp(`^wechat-login:${GOOD.appId}:pending:[\\w-]{22}$`));
  });
});
