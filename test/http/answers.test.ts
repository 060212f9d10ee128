import { createServer, type RequestListener } from "node:http";
import { expect } from "chai";
import express, { type ErrorRequestHandler } from "express";
import { type WechatLoginOptions, wechatLogin } from "../../lib/index.ts";
import { APP_ID, listen, ownPrefix, redis, SECRET, startWechat } from "../support/login-app.ts";

/** Ends each request after a moment, as a timeout in front of the login does. */
const HOST_TIMEOUT_MS = 50;

/** A host that answers before the login does; gives the error that the login hands on. */
async function startHost(
  on: "Express" | "node:http",
  options: Partial<WechatLoginOptions<{ unionid?: string }, readonly ["unionid"]>>,
) {
  const wechat = await startWechat();
  const wx = wechatLogin({
    appId: APP_ID,
    secret: SECRET,
    redis: redis(),
    keyPrefix: ownPrefix(),
    baseUrl: wechat.baseUrl,
    timeout: 4 * HOST_TIMEOUT_MS,
    findUser: () => undefined,
    saveUser: () => {},
    ...options,
  });
  let tell: (error: unknown) => void;
  const handedOn = new Promise((resolve) => {
    tell = resolve;
  });
  const late: RequestListener = (_req, res) => {
    setTimeout(() => res.headersSent || res.writeHead(503).end(), HOST_TIMEOUT_MS);
  };
  const onHostError: ErrorRequestHandler = (error, _req, _res, _next) => tell(error);
  const app = express()
    .use((req, res, next) => {
      late(req, res);
      next();
    })
    .use(wx, onHostError);
  const bare: RequestListener = (req, res) => {
    late(req, res);
    wx(req, res, tell);
  };
  return { wechat, handedOn, url: await listen(createServer(on === "Express" ? app : bare)) };
}

const login = (url: string, body: string) => fetch(`${url}/login`, { method: "POST", body });

describe("an answer", () => {
  for (const on of ["Express", "node:http"] as const) {
    for (const [limit, rateLimit] of [
      ["with the limit", undefined],
      ["without a limit", false],
    ] as const) {
      it(`that comes after the host's own goes to the host and ends nothing, on ${on}, ${limit}`, async () => {
        const { wechat, handedOn, url } = await startHost(on, { rateLimit });
        wechat.bendNext({ fault: "hang" });
        expect((await login(url, '{"code":"x"}')).status).to.equal(503);
        expect(await handedOn).to.include({ code: "wechat_unavailable" });
      });
    }
  }

  it("that onError has given is left as it is", async () => {
    const { handedOn, url } = await startHost("Express", {
      onError: (_error, req) => void req.res?.status(418).end(),
    });
    expect((await login(url, "{")).status).to.equal(418);
    expect(await handedOn).to.include({ code: "invalid_request" });
  });
});
