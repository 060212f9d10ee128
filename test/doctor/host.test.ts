import { createServer } from "node:http";
import { expect } from "chai";
import express, { type Express } from "express";
import { wechatLogin } from "../../lib/index.ts";
import { APP_ID, listen, ownPrefix, redis, SECRET, startWechat, userTable } from "../support/login-app.ts";
import { examine } from "./examine.ts";

/** A host with the login at /wx; `before` comes first, as a proxy would. */
async function startHost(
  before: (app: Express) => unknown = () => {},
  options: object = {},
): Promise<string> {
  const { baseUrl } = await startWechat();
  const app = express();
  before(app);
  const { findUser, saveUser } = userTable();
  const given = { appId: APP_ID, secret: SECRET, baseUrl, redis: redis(), keyPrefix: ownPrefix() };
  app.use("/wx", wechatLogin({ ...given, findUser, saveUser, ...options }));
  return `${await listen(createServer(app))}/wx`;
}

describe("the doctor on the host's address", () => {
  it("finds the login, its limit that nobody escapes, and room for an avatar", async () => {
    const { row } = await examine({ url: await startHost() });
    expect(row("public URL")).to.deep.equal(["warn", "the login answers, without HTTPS"]);
    expect(row("trust proxy")[0]).to.equal("ok");
    expect(row("body size")).to.deep.equal(["ok", "an avatar of 2 MB reaches the login"]);
  });

  it("is content with HTTPS", async () => {
    const url = await startHost();
    const original = globalThis.fetch;
    // What stands in front and speaks TLS, as a reverse proxy does.
    globalThis.fetch = (target, init) =>
      original(String(target).replace("https://shop.example/wx", url), init);
    try {
      expect((await examine({ url: "https://shop.example/wx" })).row("public URL")[0]).to.equal("ok");
    } finally {
      globalThis.fetch = original;
    }
  });

  it("finds out that a forged X-Forwarded-For is believed", async () => {
    const { row } = await examine({ url: await startHost((app) => app.set("trust proxy", true)) });
    expect(row("trust proxy")[0]).to.equal("bad");
  });

  it("says so where there are no RateLimit headers, or a window ends in between", async () => {
    const url = await startHost(undefined, { rateLimit: false });
    expect((await examine({ url })).row("trust proxy")[0]).to.equal("warn");
    const counts = [9, 0, 5, 99, 99];
    const renewed = await startHost((app) =>
      app.use((_req, res) => {
        res.set("RateLimit", `"wechat-login"; r=${counts.shift()}; t=60`).status(400);
        res.json({ error: { code: "invalid_request" } });
      }),
    );
    expect((await examine({ url: renewed })).row("trust proxy")[1]).to.match(/new window/);
  });

  it("tells a proxy's limit of the body, another application, and nobody at all", async () => {
    const small = await startHost((app) =>
      app.use((req, res, next) => {
        if (Number(req.headers["content-length"]) > 1_000_000) res.status(413).send("<html>413</html>");
        else next();
      }),
    );
    expect((await examine({ url: small })).row("body size")).to.deep.equal([
      "bad",
      "an avatar of 2 MB does not reach the login: HTTP 413",
    ]);
    const other = await listen(createServer((_req, res) => res.writeHead(404).end("<html>no</html>")));
    expect((await examine({ url: other })).row("public URL")).to.deep.equal([
      "bad",
      "HTTP 404, not the login's 400 invalid_request",
    ]);
    for (const [status, code] of [
      [400, "another"],
      [200, "invalid_request"],
    ] as const) {
      const like = await listen(
        createServer((_req, res) => res.writeHead(status).end(JSON.stringify({ error: { code } }))),
      );
      expect((await examine({ url: like })).row("public URL")).to.deep.equal([
        "bad",
        `HTTP ${status}, not the login's 400 invalid_request`,
      ]);
    }
    const { row } = await examine({ url: "http://127.0.0.1:1" });
    for (const name of ["public URL", "body size"]) expect(row(name)[0]).to.equal("bad");
  });
});

describe("the doctor on findUser and saveUser", () => {
  for (const [file, level, found] of [
    ["good", "ok", /saveUser is not called$/],
    ["anyone", "bad", /^findUser finds someone for a stranger: object$/],
    ["bound", "bad", /^findUser finds someone for a stranger: object$/],
    ["list", "bad", /^findUser finds someone for a stranger: array$/],
    ["broken", "bad", /^findUser throws for a stranger: Error ECONNREFUSED$/],
    ["odd", "bad", /^findUser throws for a stranger: Error$/],
    ["hanging", "bad", /^findUser does not answer$/],
    ["half", "bad", /^findUser or saveUser is no function$/],
    ["nothing", "bad", /^findUser or saveUser is no function$/],
    ["throwing", "bad", /^the module throws: TypeError$/],
    ["missing", "bad", /^the module throws: Error ERR_MODULE_NOT_FOUND$/],
  ] as const) {
    it(`judges ${file}`, async () => {
      const { row, printed } = await examine({ host: `test/doctor/hosts/${file}.mjs`, timeout: 300 });
      expect(row("findUser")[0]).to.equal(level);
      expect(row("findUser")[1]).to.match(found);
      expect(printed).to.not.include("db-password");
    });
  }
});
