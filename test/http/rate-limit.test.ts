import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import express from "express";
import { Redis } from "ioredis";
import sinon from "sinon";
import { type WechatLoginError, type WechatLoginOptions, wechatLogin } from "../../lib/index.ts";
import { errorBody } from "../support/error-body.ts";
import {
  ask,
  atEnd,
  listen,
  ownPrefix,
  redis,
  startApp,
  startWechat,
  userTable,
} from "../support/login-app.ts";
import { startWebApp } from "../support/web-app.ts";

/** A host behind a proxy that it trusts or not, with a limit of three. */
async function startLimited(options: object = {}, trustProxy: unknown = 1) {
  const account = { appId: "wxlimited", secret: "s" };
  const wechat = await startWechat(account);
  const { findUser, saveUser } = userTable();
  const errors: WechatLoginError[] = [];
  const keyPrefix = ownPrefix();
  const app = express();
  app.set("trust proxy", trustProxy);
  const login = () =>
    wechatLogin({
      ...{ ...account, baseUrl: wechat.baseUrl, redis: redis(), keyPrefix, findUser, saveUser },
      rateLimit: { limit: 3, window: 60 },
      onError: (error) => void errors.push(error),
      ...options,
    } as WechatLoginOptions<object, readonly ["unionid"]>);
  app.use("/wx", login());
  app.use("/another-process", login());
  app.use((_error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    res.status(500).json({ host: "error" });
  });
  const url = await listen(createServer(app));
  const post = (from: string, path = "/wx/login") => {
    const headers = { "Content-Type": "application/json", "X-Forwarded-For": from };
    const body = JSON.stringify(wechat.phone({ unionid: "u1" }).login());
    return ask(url + path, { method: "POST", headers, body });
  };
  return { wechat, post, errors, keyPrefix };
}

describe("the rate limit", () => {
  for (const place of ["Redis", "the process"]) {
    it(`answers 429 to an address that sends too much, and to no other, counted in ${place}`, async () => {
      const options = place === "Redis" ? {} : { redis: undefined };
      const { post, errors, wechat } = await startLimited(options);
      for (let count = 1; count <= 3; count++) {
        const { status, headers } = await post("10.0.0.1");
        expect(status).to.equal(200);
        expect(headers.get("ratelimit-policy")).to.match(/^"wechat-login"; q=3; w=60; pk=:[\w+/=]+:$/);
        expect(headers.get("ratelimit")).to.match(new RegExp(`^"wechat-login"; r=${3 - count}; t=(60|59)$`));
      }
      const asked = wechat.requests.length;
      const refused = await post("10.0.0.1");
      expect([refused.status, refused.body]).to.deep.equal([
        429,
        errorBody("rate_limited", "Too many requests from this address: try again later."),
      ]);
      expect(Number(refused.headers.get("retry-after"))).to.be.within(55, 60);
      expect(refused.headers.get("cache-control")).to.equal("no-store");
      expect(wechat.requests).to.have.length(asked);
      expect((await post("10.0.0.2")).status).to.equal(200);
      expect(errors.map(({ code }) => code)).to.deep.equal(["rate_limited"]);
      expect(causeOf(errors)).to.equal("more requests than rateLimit allows");
    });
  }

  it("is one for all processes on a Redis, and for all routes of a router but /logout", async () => {
    const { post } = await startLimited();
    await post("10.0.0.1", "/wx/login");
    await post("10.0.0.1", "/another-process/login");
    await post("10.0.0.1", "/wx/login/complete");
    for (const path of ["/wx/login", "/another-process/login", "/wx/profile"]) {
      expect((await post("10.0.0.1", path)).status).to.equal(429);
    }
    // To end a session costs no more than to count the request.
    expect((await post("10.0.0.1", "/wx/logout")).status).to.equal(401);
  });

  it("begins anew after its window", async () => {
    const { post, keyPrefix } = await startLimited();
    for (let count = 0; count < 4; count++) await post("10.0.0.1");
    const [key = ""] = await redis().keys(`${keyPrefix}wxlimited:rate:*`);
    expect(key).to.match(/:rate:[\w-]{22}$/);
    expect(await redis().pttl(key)).to.be.within(50_000, 60_000);
    await redis().pexpire(key, 0);
    expect((await post("10.0.0.1")).status).to.equal(200);
  });

  it("counts an IPv6 network (/56) as one address", async () => {
    const { post } = await startLimited();
    for (const net of ["1", "2", "3"]) await post(`2001:db8:0:${net}::1`);
    expect((await post("2001:db8:0:ff::1")).status).to.equal(429);
    expect((await post("2001:db8:0:100::1")).status).to.equal(200);
  });

  for (const [name, addresses, other] of [
    [
      "an IPv4 address",
      ["203.0.113.9:51000", "203.0.113.9:51001", "203.0.113.9", "203.0.113.9:"],
      "203.0.113.10:51000",
    ],
    [
      "an IPv6 address",
      ["[2001:db8::1]:51000", "[2001:db8::2]:51001", "2001:db8::3", "[2001:db8::4]"],
      "[2001:db9::1]:51000",
    ],
    [
      "an IPv4 address written as IPv6",
      ["[::ffff:203.0.113.9]:1", "::ffff:203.0.113.9", "203.0.113.9:2", "[::ffff:203.0.113.9]"],
      "[::ffff:203.0.113.10]:1",
    ],
    [
      "a link-local address",
      ["fe80::1%eth0", "fe80::1%eth0/64", "[fe80::1%25eth0]:80", "fe80::2"],
      "fe80:0:0:100::1%eth0",
    ],
  ] as const) {
    it(`counts ${name} as one, whatever port a load balancer writes behind it`, async () => {
      const { post } = await startLimited();
      const statuses = [];
      for (const address of addresses) statuses.push((await post(address)).status);
      expect(statuses).to.deep.equal([200, 200, 200, 429]);
      expect((await post(other)).status).to.equal(200);
    });
  }

  it("counts what is no address as the connection, and never fails", async () => {
    const { post } = await startLimited();
    const junk = [
      "unknown",
      "_hidden:1",
      "[::1",
      "]:80",
      "1.2.3.4.5:80",
      "999.1.1.1",
      "::1]:80",
      "%",
      "a".repeat(5000),
      ":",
      "[]:80",
    ];
    const statuses = [];
    for (const address of junk) statuses.push((await post(address)).status);
    expect(statuses).to.deep.equal([200, 200, 200, ...Array(junk.length - 3).fill(429)]);
    expect((await post("10.0.0.1")).status).to.equal(200);
  });

  it("tells numbers where the host's Redis client gives strings, as ioredis does with stringNumbers", async () => {
    const client = new Redis(String(process.env.REDIS_URL), { stringNumbers: true });
    atEnd(() => client.disconnect());
    const { post } = await startLimited({ redis: client });
    for (let count = 1; count <= 3; count++) {
      const { status, headers } = await post("10.0.0.1");
      expect(status).to.equal(200);
      expect(headers.get("ratelimit")).to.match(new RegExp(`^"wechat-login"; r=${3 - count}; t=(60|59)$`));
    }
    const { status, headers } = await post("10.0.0.1");
    expect([status, Number(headers.get("retry-after")) >= 55]).to.deep.equal([429, true]);
    expect(headers.get("ratelimit")).to.match(/^"wechat-login"; r=0; t=\d+$/);
  });

  for (const [name, reply] of Object.entries<unknown[]>({
    BigInt: [4n, 30_000n],
    "a count without a time": ["4", null],
    "a time that is over": [4, -1],
    "a time that is no number": [4, "soon"],
    "a time without end": [4, "Infinity"],
  })) {
    it(`tells numbers where the host's Redis client gives ${name}`, async () => {
      const { post } = await startLimited({ redis: answering(reply) });
      const { status, headers } = await post("10.0.0.1");
      expect(status).to.equal(429);
      expect(headers.get("retry-after")).to.equal(name === "BigInt" ? "30" : "60");
      expect(headers.get("ratelimit")).to.match(/^"wechat-login"; r=0; t=(60|59|30|29)$/);
    });
  }

  it("lets a request in that the host's Redis client has counted as nothing", async () => {
    for (const count of [null, "many", undefined]) {
      const { post } = await startLimited({ redis: answering([count, 1000]) });
      const { status, headers } = await post("10.0.0.1");
      expect([status, headers.get("ratelimit")]).to.deep.equal([200, '"wechat-login"; r=2; t=1']);
    }
  });

  it("believes X-Forwarded-For only where the app trusts its proxy, and tells the operator, but prints nothing", async () => {
    const print = sinon.stub(console, "error");
    atEnd(() => print.restore());
    const { post, errors } = await startLimited({}, false);
    for (const host of ["1", "2", "3"]) expect((await post(`10.0.0.${host}`)).status).to.equal(200);
    expect((await post("10.0.0.4")).status).to.equal(429);
    expect(causeOf(errors)).to.match(/allows: X-Forwarded-For is there, but .*"trust proxy"/);
    expect(print.called).to.equal(false);
  });

  it("counts all as one who come by a socket without an address, and lets them in", async () => {
    const folder = await mkdtemp(join(tmpdir(), "socket-"));
    atEnd(() => rm(folder, { recursive: true }));
    const wechat = await startWechat({ appId: "wxsocket", secret: "s" });
    const app = express();
    const account = { appId: "wxsocket", secret: "s", baseUrl: wechat.baseUrl, keyPrefix: ownPrefix() };
    const { findUser, saveUser } = userTable();
    app.use("/wx", wechatLogin({ ...account, redis: redis(), findUser, saveUser, rateLimit: { limit: 2 } }));
    const socketPath = join(folder, "socket");
    const server = createServer(app).listen(socketPath);
    await once(server, "listening");
    atEnd(() => server.close());
    const login = async () => {
      const options = { socketPath, path: "/wx/login", method: "POST", agent: false };
      const asked = request(options).end(JSON.stringify(wechat.phone({ unionid: "u1" }).login()));
      const [response] = await once(asked, "response");
      response.resume();
      return response.statusCode;
    };
    expect([await login(), await login(), await login()]).to.deep.equal([200, 200, 429]);
  });

  it("tells no operator of a proxy where there is none", async () => {
    const { browser, errors } = await startWebApp({ rateLimit: { limit: 1 } });
    for (const _time of [1, 2]) await browser().open("/web");
    expect(causeOf(errors)).to.equal("more requests than rateLimit allows");
  });

  it("is generous by default, and can be turned off", async () => {
    const generous = await startLimited({ rateLimit: undefined });
    const policy = (await generous.post("10.0.0.1")).headers.get("ratelimit-policy");
    expect(policy).to.match(/^"wechat-login"; q=1000; w=60;/);
    const off = await startLimited({ rateLimit: false });
    for (let count = 0; count < 5; count++) {
      const { status, headers } = await off.post("10.0.0.1");
      expect([status, headers.get("ratelimit")]).to.deep.equal([200, null]);
    }
  });

  it("gives an error of Redis to the host", async () => {
    const broken = { ...brokenRedis() };
    const { post, errors } = await startLimited({ redis: broken });
    const { status, body } = await post("10.0.0.1");
    expect([status, body, errors]).to.deep.equal([500, { host: "error" }, []]);
  });

  it("costs one Redis command", async () => {
    const client = redis().duplicate();
    await client.ping();
    const spy = sinon.spy(client, "sendCommand");
    try {
      const count = async (rateLimit: object | false) => {
        const { post } = await startLimited({ redis: client, rateLimit });
        spy.resetHistory();
        await post("10.0.0.1");
        return spy.callCount;
      };
      const [without, withLimit] = [await count(false), await count({})];
      expect(withLimit).to.equal(without + 1);
    } finally {
      client.disconnect();
    }
  });

  it("holds for the web login, too", async () => {
    const { browser } = await startWebApp({ rateLimit: { limit: 2 } });
    const statuses = [];
    for (let count = 0; count < 3; count++) statuses.push((await browser().open("/web")).status);
    expect(statuses).to.deep.equal([302, 302, 429]);
  });
});

/** A Redis client that answers the script of the limit in its own way. */
function answering(reply: unknown[]) {
  const { set, get, getdel } = redis();
  const client = redis();
  const answer = async () => reply;
  return {
    ...{ set: set.bind(client), get: get.bind(client), getdel: getdel.bind(client) },
    ...{ eval: answer, evalsha: answer },
  };
}

describe("a temporary token", () => {
  it("is put back twenty times at the most", async () => {
    const { wechat, post } = await startApp({ require: ["unionid", "phoneNumber"] });
    const phone = wechat.phone({ unionid: "u1" });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    const codes = [];
    for (let count = 0; count < 21; count++) {
      const { body } = await post("/wx/login/complete", { temporaryToken, phoneCode: `wrong${count}` });
      codes.push(body.error.code);
    }
    expect(codes).to.deep.equal([...Array(20).fill("invalid_phone_code"), "invalid_temporary_token"]);
  });
});

/** A client whose every command fails. */
function brokenRedis() {
  const fail = async () => {
    throw new Error("Redis is down");
  };
  return { set: fail, get: fail, getdel: fail, eval: fail, evalsha: fail };
}

function causeOf([error]: WechatLoginError[]): string | undefined {
  return (error?.cause as Error | undefined)?.message;
}
