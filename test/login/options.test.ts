import { createServer } from "node:http";
import { expect } from "chai";
import express, { type ErrorRequestHandler } from "express";
import { Cluster, Redis } from "ioredis";
import sinon from "sinon";
import { accessToken, wechatLogin } from "../../lib/index.ts";
import { ask, atEnd, listen, redis, startApp } from "../support/login-app.ts";

const APP = { appId: "wx0123456789abcdef", secret: "0f1e2d3c4b5a69788796a5b4c3d2e1f0" };
const GOOD = {
  ...APP,
  findUser: () => undefined,
  saveUser: () => undefined,
};

/** As a JavaScript host would call it. */
const create = (options: unknown) => wechatLogin(options as Parameters<typeof wechatLogin>[0]);

describe("options, checked at creation", () => {
  const wrong: [object, string][] = [
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
    it(`refuses ${JSON.stringify(bad)}`, () => {
      expect(() => create({ ...GOOD, ...bad })).to.throw(TypeError, `wechatLogin: ${sentence}`);
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

  const UNSET = 'is the environment variable set? Node reads a .env file only with "node --env-file=.env".';
  const AROUND = "It has blanks, quotes or a line break around it: remove them.";
  const SWAPPED = "It looks like an AppID: are appId and secret swapped?";
  const mistakes: [what: string, options: object, cure: string][] = [
    ["a variable that is not set", { appId: undefined }, `It is undefined: ${UNSET}`],
    ["a variable that is empty", { secret: "" }, `It is empty: ${UNSET}`],
    ["a variable that String() was called with", { secret: String(undefined) }, `It is undefined: ${UNSET}`],
    ["a template with a variable that is null", { appId: `${null}` }, `It is undefined: ${UNSET}`],
    ["a line break behind the secret", { secret: `${GOOD.secret}\r\n` }, AROUND],
    ["a blank in front of the appId", { appId: ` ${GOOD.appId}` }, AROUND],
    ["quotes of a .env file", { secret: `"${GOOD.secret}"` }, AROUND],
    ["curly quotes of a document", { secret: `“${GOOD.secret}”` }, AROUND],
    ["a byte order mark", { appId: `\uFEFF${GOOD.appId}` }, AROUND],
    ["an invisible blank", { appId: `${GOOD.appId}\u200B` }, AROUND],
    ["a comma", { secret: `${GOOD.secret},` }, AROUND],
    ["appId and secret swapped", { appId: GOOD.secret, secret: GOOD.appId }, SWAPPED],
    ["the appId in both places", { secret: GOOD.appId.toUpperCase() }, SWAPPED],
    ["findUser forgotten", { findUser: undefined }, "It is missing."],
    [
      "a callback that was called",
      { saveUser: (async () => {})() },
      "It is a promise: pass the function itself, without calling it.",
    ],
    ["a requirement that is no array", { require: "unionid" }, 'Write an array: ["unionid"].'],
    ["a requirement in other letters", { require: "UnionID" }, 'Write an array: ["unionid"].'],
    ["a requirement of the user data", { require: ["nickName", "unionId"] }, 'Did you mean "unionid"?'],
    ["a requirement in Go's letters", { require: ["avatarURL"] }, 'Did you mean "avatarUrl"?'],
    ["session: true", { session: true }, "Leave it out: it is on by default."],
    ["seconds in place of a session", { session: 3600 }, "Write an object: { ttl: <number> }."],
    ["a ttl in other letters", { session: { TTL: 60 } }, 'There is no "TTL" in it: did you mean "ttl"?'],
    ["a cookie's age", { session: { maxAge: 60 } }, 'There is no "maxAge" in it.'],
    [
      "the window of another library",
      { rateLimit: { windowMs: 60_000 } },
      'There is no "windowMs" in it: did you mean "window"?',
    ],
    ["a ttl from the environment", { session: { ttl: "60" } }, "ttl is a string: write 60."],
    ["a ttl with a unit", { session: { ttl: "30d", name: "shop" } }, "ttl is a string: write a number."],
    ["a ttl that is empty", { session: { ttl: "" } }, "ttl is a string: write a number."],
    ["a limit from the environment", { rateLimit: { limit: "1000" } }, "limit is a string: write 1000."],
    ["a window from the environment", { rateLimit: { window: " 60\n" } }, "window is a string: write 60."],
    ["seconds from the environment", { temporaryTokenTtl: "300" }, "It is a string: write 300."],
    ["milliseconds from the environment", { timeout: "5000" }, "It is a string: write 5000."],
    ["bytes with a unit", { avatarMaxBytes: "2mb" }, "It is a string: write a number."],
    ["a host name", { baseUrl: "api2.weixin.qq.com" }, "Begin it with http:// or https://."],
    ["a base URL that is empty", { baseUrl: "" }, `It is empty: ${UNSET}`],
    ["a base URL with a blank", { baseUrl: "https://api2.weixin.qq.com? " }, AROUND],
  ];
  for (const [what, options, cure] of mistakes) {
    it(`names the cure for ${what}`, () => {
      expect(() => create({ ...GOOD, ...options }))
        .to.throw(TypeError)
        .with.property("message")
        .that.satisfies((message: string) => message.endsWith(`. ${cure}`), cure)
        .and.does.not.include(GOOD.secret.slice(1));
    });
  }

  it("adds nothing where it has nothing to say", () => {
    for (const [options, end] of [
      [{ appId: "a:b" }, "of letters and digits."],
      [{ baseUrl: 5 }, "and a fragment."],
      [{ baseUrl: "https://user@host" }, "and a fragment."],
      [{ findUser: 5 }, "a function."],
      [{ require: 5 }, '"phoneNumber".'],
      [{ require: [5] }, '"phoneNumber".'],
      [{ require: "everything" }, '"phoneNumber".'],
      [{ session: "long" }, "letters and digits."],
      [{ rateLimit: [60] }, "above 0."],
      [{ redis: {} }, "(Redis or Cluster)."],
      [{ redis: null }, "(Redis or Cluster)."],
    ] as const) {
      expect(() => create({ ...GOOD, ...options }))
        .to.throw(TypeError)
        .with.property("message")
        .that.satisfies((message: string) => message.endsWith(end), end);
    }
  });

  it("takes unusual appids and secrets", () => {
    for (const options of [{ appId: "my-app" }, { appId: GOOD.secret }, { secret: "s" }, { secret: "wx1" }]) {
      expect(() => create({ ...GOOD, ...options })).not.to.throw();
    }
  });

  for (const [given, end] of [
    ["saveuser", ': did you mean "saveUser"?'],
    ["findUsers", ': did you mean "findUser"?'],
    ["saevUser", ': did you mean "saveUser"?'],
    ["appid", ': did you mean "appId"?'],
    ["AppID", ': did you mean "appId"?'],
    ["appSecret", ': did you mean "secret"?'],
    ["redisClient", ': did you mean "redis"?'],
    ["required", ': did you mean "require"?'],
    ["onSuccess", "."],
    ["ttl", ": write session: { ttl }."],
    ["limit", ": write rateLimit: { limit }."],
    ["window", ": write rateLimit: { window }."],
    ["toString", "."],
  ] as const) {
    it(`refuses the option "${given}", which does not exist, since it would have no effect`, () => {
      expect(() => create({ ...GOOD, [given]: 1 }))
        .to.throw(TypeError)
        .with.property("message", `wechatLogin: there is no option "${given}"${end}`);
    });
  }

  it("sends nobody to an option that another factory has", () => {
    const options = { ...APP, redis: redis(), ttl: 60 } as Parameters<typeof accessToken>[0];
    expect(() => accessToken(options)).to.throw(TypeError, /^accessToken: there is no option "ttl"\.$/);
  });

  for (const options of [undefined, null, "wx0123456789abcdef", [GOOD]]) {
    it(`wants one object of options, and not ${JSON.stringify(options)}`, () => {
      const message = "wechatLogin: it takes one object with the options: wechatLogin({ … }).";
      expect(() => create(options))
        .to.throw(TypeError)
        .with.property("message", message);
    });
  }

  it("says what is wrong where the factory itself was mounted, and answers", async () => {
    const app = express();
    app.use("/wx", wechatLogin as unknown as express.RequestHandler);
    const tell: ErrorRequestHandler = (error, _req, res, _next) => {
      res.status(500).json({ message: error.message });
    };
    app.use(tell);
    const answer = await ask(`${await listen(createServer(app))}/wx/login`, { method: "POST" });
    expect([answer.status, answer.body]).to.deep.equal([
      500,
      {
        message:
          'wechatLogin: it got a request in place of the options. Call it: app.use("/wx", wechatLogin({ … })).',
      },
    ]);
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

describe("the option redis, checked at creation", () => {
  const none = () => {};
  const functions = { set: none, get: none, getdel: none, eval: none, evalsha: none };
  const inPlaceOf = "pass a client, new Redis(url) of ioredis.";
  // The members by which these clients differ from ioredis, as @upstash/redis 1.38, redis 3.1, 4.7 and 5.12 have them.
  const others: [what: string, client: unknown, cure: string][] = [
    ["a URL", "redis://:redis-password@127.0.0.1", `It is a string: ${inPlaceOf}`],
    ["the class", Redis, `It is the class: ${inPlaceOf}`],
    ["the module", { Redis }, `It is the class: ${inPlaceOf}`],
    ["a promise", (async () => {})(), "It is a promise: await it first."],
    [
      "settings",
      { host: "127.0.0.1", port: 6379, password: "redis-password" },
      "It holds settings: pass a client, new Redis(settings) of ioredis.",
    ],
    [
      "Upstash's HTTP client",
      { ...functions, createScript: none, scriptLoad: none },
      "It is the HTTP client of Upstash: pass new Redis(url) of ioredis, with the rediss:// URL of the same database.",
    ],
    ...(
      [
        ["node-redis 5", { set: none, get: none, eval: none, getDel: none, evalSha: none }],
        ["node-redis 4 in its legacyMode", { ...functions, getDel: none, options: { legacyMode: true } }],
        ["node-redis 3", { ...functions, internal_send_command: none }],
      ] as const
    ).map(([what, client]): [string, unknown, string] => [
      what,
      client,
      "It is a client of node-redis (npm install redis): pass new Redis(url) of ioredis.",
    ]),
  ];
  for (const [what, client, cure] of others) {
    it(`refuses ${what}, and says what to pass`, () => {
      const message = `"redis" must be an ioredis client, version 5 or 6 (Redis or Cluster). ${cure}`;
      expect(() => create({ ...GOOD, redis: client }))
        .to.throw(TypeError)
        .with.property("message", `wechatLogin: ${message}`);
      expect(() => accessToken({ ...APP, redis: client as Redis }))
        .to.throw(TypeError)
        .with.property("message", `accessToken: ${message}`);
    });
  }

  it("takes Redis, Cluster, a wrapper of the host's own, and one that answers every name with a function", () => {
    const [single, cluster] = [new Redis({ lazyConnect: true }), new Cluster([], { lazyConnect: true })];
    atEnd(() => single.disconnect());
    atEnd(() => cluster.disconnect());
    const lazy = new Proxy({}, { get: (_target, name) => (name === "then" ? undefined : none) });
    for (const client of [single, cluster, functions, { ...functions, createScript: none }, lazy]) {
      expect(() => create({ ...GOOD, redis: client })).not.to.throw();
    }
  });
});
