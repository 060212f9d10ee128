import { createServer } from "node:http";
import { runInNewContext } from "node:vm";
import { expect } from "chai";
import express from "express";
import { WechatLoginError, type WechatLoginOptions, wechatLogin } from "../../lib/index.ts";
import { APP_ID, listen, ownPrefix, redis, SECRET, startApp, startWechat } from "../support/login-app.ts";
import { startWebApp } from "../support/web-app.ts";

const revoked = Proxy.revocable({}, {});
revoked.revoke();

/** What JavaScript can throw that is no Error. */
const NO_ERRORS: [name: string, thrown: unknown][] = [
  ["undefined", undefined],
  ["null", null],
  ["an empty string", ""],
  ["0", 0],
  ["NaN", Number.NaN],
  ["false", false],
  ["true", true],
  ['"route"', "route"],
  ['"router"', "router"],
  ["a symbol", Symbol("x")],
  ["a bigint", 0n],
  ["an object", { status: 404 }],
  ["an object without a prototype", Object.create(null)],
  ["a function", () => {}],
  ["a proxy that was revoked", revoked.proxy],
];

const throwing = (thrown: unknown) => () => {
  throw thrown;
};

type Options = Partial<WechatLoginOptions<{ unionid?: string }, readonly ["unionid"]>>;

/** A route behind the guard, by two routers and with a second handler, on Express or on node:http. */
async function startGuarded(on: "Express" | "node:http", options: Options) {
  const wechat = await startWechat();
  const errors: unknown[] = [];
  const login = wechatLogin({
    appId: APP_ID,
    secret: SECRET,
    redis: redis(),
    keyPrefix: ownPrefix(),
    baseUrl: wechat.baseUrl,
    rateLimit: false,
    findUser: () => undefined,
    saveUser: () => {},
    ...options,
  });
  const router = express.Router();
  router.use(login.requireLogin);
  router.get("/me", (_req, res) => void res.end("let in"));
  const onHostError: express.ErrorRequestHandler = (error, _req, res, _next) => {
    errors.push(error);
    res.status(500).end("host's error");
  };
  const app = express()
    .use("/wx", login)
    .get("/me", login.requireLogin, (_req, res) => void res.end("let in"))
    .use("/router", router)
    .use((_req, res) => void res.end("let in"))
    .use(onHostError);
  const url = await listen(
    on === "Express"
      ? createServer(app)
      : createServer((req, res) => {
          const isLogin = req.url?.startsWith("/wx");
          req.url = req.url?.replace("/wx", "");
          (isLogin ? login : login.requireLogin)(req, res, (...given) => {
            if (given.length > 0) errors.push(given[0]);
            res.end(given[0] ? "host's error" : "let in");
          });
        }),
  );
  return { wechat, url, errors };
}

function expectWrapped(error: unknown, thrown: unknown, where: string): void {
  expect(error).to.be.instanceOf(Error);
  const { message, cause } = error as Error;
  expect(message).to.match(new RegExp(`^wechatLogin: ${where} threw something that is no Error \\(\\w+\\)`));
  expect(Object.is(cause, thrown ?? undefined)).to.equal(true);
}

describe("a callback that throws what is no Error", () => {
  for (const on of ["Express", "node:http"] as const) {
    for (const [name, thrown] of NO_ERRORS) {
      it(`lets nobody pass without a token: onError, ${name}, on ${on}`, async () => {
        for (const onError of [throwing(thrown), () => Promise.reject(thrown)]) {
          const { url, errors } = await startGuarded(on, { onError });
          for (const path of ["/me", "/router/me"]) {
            expect(await (await fetch(url + path)).text()).to.equal("host's error");
          }
          expect(errors).to.have.length(2);
          for (const error of errors) expectWrapped(error, thrown, "onError");
        }
      });

      it(`lets nobody pass whom it does not find: findUser, ${name}, on ${on}`, async () => {
        let isUp = true;
        const findUser = () => (isUp ? { unionid: "u1" } : Promise.reject(thrown));
        const { wechat, url, errors } = await startGuarded(on, { findUser });
        const body = JSON.stringify(wechat.phone({ unionid: "u1" }).login());
        const post = () => fetch(`${url}/wx/login`, { method: "POST", body });
        const { sessionToken } = (await (await post()).json()) as { sessionToken: string };
        const headers = { Authorization: `Bearer ${sessionToken}` };
        expect(await (await fetch(`${url}/me`, { headers })).text()).to.equal("let in");
        isUp = false;
        for (const path of ["/me", "/router/me"]) {
          expect(await (await fetch(url + path, { headers })).text()).to.equal("host's error");
        }
        expect(errors).to.have.length(2);
        for (const error of errors) expectWrapped(error, thrown, "findUser");
      });
    }
  }

  for (const callback of ["findUser", "saveUser", "onLogin"] as const) {
    it(`is told to the host's error handler from each request: ${callback}`, async () => {
      for (const [, thrown] of NO_ERRORS) {
        const { wechat, post, hostErrors } = await startApp({ [callback]: throwing(thrown) });
        expect((await post("/wx/login", wechat.phone({ unionid: "u1" }).login())).status).to.equal(500);
        expect(hostErrors).to.have.length(1);
        expectWrapped(hostErrors[0], thrown, callback);
      }
    });

    it(`is told to the host's error handler from the web login: ${callback}`, async () => {
      for (const [, thrown] of NO_ERRORS) {
        const { wechat, browser, hostErrors } = await startWebApp({ [callback]: throwing(thrown) });
        const tab = browser();
        const back = await tab.open(wechat.phone({ unionid: "u1" }).authorize(await tab.start()));
        expect([back.status, back.setCookies]).to.deep.equal([500, []]);
        expectWrapped(hostErrors[0], thrown, callback);
      }
    });
  }

  it("is told to the host's error handler where a page is to show the error: onError", async () => {
    const { browser, hostErrors } = await startWebApp({ onError: throwing(undefined) });
    expect((await browser().open("/web/callback?state=x")).status).to.equal(500);
    expectWrapped(hostErrors[0], undefined, "onError");
  });

  it("lets no request go on that could not be counted: Redis", async () => {
    for (const [, thrown] of NO_ERRORS) {
      const fail = () => Promise.reject(thrown);
      const broken = { set: fail, get: fail, getdel: fail, eval: fail, evalsha: fail };
      const { post, hostErrors, wechat } = await startApp({ redis: broken, rateLimit: undefined });
      expect((await post("/wx/login", wechat.phone().login())).body).to.deep.equal({ host: "error" });
      expect(wechat.requests).to.deep.equal([]);
      expect(hostErrors[0]).to.be.instanceOf(Error);
    }
  });
});

describe("an Error of a callback", () => {
  class Legacy {}
  Object.setPrototypeOf(Legacy.prototype, Error.prototype);

  for (const [name, fault] of [
    ["an Error", new Error("mine")],
    ["one of another realm", runInNewContext("new Error('mine')")],
    ["a DOMException", new DOMException("mine")],
    ["one of an old class", new Legacy()],
    ["a proxy of one", new Proxy(new Error("mine"), {})],
  ] as const) {
    it(`reaches the host's error handler as the object that it is: ${name}`, async () => {
      for (const callback of ["findUser", "saveUser", "onLogin"] as const) {
        const { wechat, post, hostErrors } = await startApp({ [callback]: throwing(fault) });
        expect((await post("/wx/login", wechat.phone({ unionid: "u1" }).login())).status).to.equal(500);
        expect(hostErrors[0]).to.equal(fault);
      }
      const { url, errors } = await startGuarded("Express", { onError: throwing(fault) });
      expect(await (await fetch(`${url}/me`)).text()).to.equal("host's error");
      expect(errors[0]).to.equal(fault);
    });
  }

  it("that looks like ours and cannot be answered goes to the host's error handler", async () => {
    const findUser = () => {
      throw Reflect.construct(WechatLoginError, ["banned", "You are banned."]);
    };
    const { wechat, post, hostErrors } = await startApp({ findUser });
    const answer = await post("/wx/login", wechat.phone().login());
    expect([answer.status, answer.body]).to.deep.equal([500, { host: "error" }]);
    expect(hostErrors[0]).to.be.instanceOf(RangeError);
  });
});
