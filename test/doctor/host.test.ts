import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import express, { type Express } from "express";
import { failureOf } from "../../lib/doctor/load-host.ts";
import { wechatLogin } from "../../lib/index.ts";
import {
  APP_ID,
  atEnd,
  listen,
  ownPrefix,
  redis,
  SECRET,
  startWechat,
  userTable,
} from "../support/login-app.ts";
import { freePort } from "../support/redis-server.ts";
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
    expect((await examine({ url })).row("trust proxy")).to.deep.equal([
      "skip",
      "not checked: no RateLimit header",
    ]);
    const counts = [9, 0, 5, 99, 99];
    const renewed = await startHost((app) =>
      app.use((_req, res) => {
        res.set("RateLimit", `"wechat-login"; r=${counts.shift()}; t=60`).status(400);
        res.json({ error: { code: "invalid_request" } });
      }),
    );
    expect((await examine({ url: renewed })).row("trust proxy")[1]).to.match(/new window/);
  });

  it("tells a proxy's limit of the body, and another application", async () => {
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
  });

  it("gives no advice about the proxy where no login answers", async () => {
    const host = `127.0.0.1:${await freePort()}`;
    const nobody = await examine({ url: `http://${host}/wx` });
    expect(nobody.row("public URL")).to.deep.equal(["bad", `nothing listens at ${host}: ECONNREFUSED`]);
    const unknown = await examine({ url: "http://no.such.host.invalid/wx" });
    expect(unknown.row("public URL")[1]).to.match(/^out of reach: (ENOTFOUND|EAI_AGAIN)$/);
    const other = await examine({ url: await listen(createServer((_req, res) => res.end("hello"))) });
    for (const { row, printed } of [nobody, unknown, other]) {
      expect(row("public URL")[0]).to.equal("bad");
      for (const name of ["trust proxy", "body size"]) {
        expect(row(name)).to.deep.equal(["skip", "not checked: the login does not answer there"]);
      }
      expect(printed).to.not.include("nginx");
    }
  });

  it("tells a connection that is cut under an avatar", async () => {
    const url = await startHost((app) =>
      app.use((req, _res, next) => {
        if (Number(req.headers["content-length"]) > 1_000_000) req.socket.destroy();
        else next();
      }),
    );
    const { row } = await examine({ url });
    expect(row("body size")[0]).to.equal("bad");
    expect(row("body size")[1]).to.match(/^an avatar of 2 MB does not reach the login: [\w ]+$/);
  });
});

describe("the doctor on a module that cannot be loaded", () => {
  for (const [file, cure] of [
    ["users.unknown", "Give a JavaScript module that node can run: .js, .mjs or .cjs."],
    ["lacking.mjs", "npm install what is missing; give the compiled file if it is TypeScript."],
    ["throwing.mjs", "Run node test/doctor/hosts/throwing.mjs, to see why."],
  ] as const) {
    it(`names the cure for ${file}`, async () => {
      const { rows, printed } = await examine({ host: `test/doctor/hosts/${file}` });
      expect(rows.at(-1)?.cure).to.equal(cure);
      expect(printed).to.not.include("db-password");
    });
  }

  it("tells what is wrong with the text of a module, and does not quote it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "doctor-"));
    atEnd(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, "users.mjs"), 'export const password = "db-password" users;\n');
    const { rows, printed } = await examine({ host: "users.mjs", folder });
    expect(rows.at(-1)?.found).to.match(
      /^users\.mjs (cannot be loaded: Unexpected identifier|throws while it loads)/,
    );
    expect(printed).to.not.include("db-password").and.not.include(folder);
  });

  // The errors of Node.js 20 and 22; whether this process can load TypeScript depends on how the tests are run.
  for (const [code, message] of [
    ["ERR_UNKNOWN_FILE_EXTENSION", 'Unknown file extension ".ts" for /shop/src/users.ts'],
    ["ERR_UNKNOWN_FILE_EXTENSION", 'Unknown file extension ".mts" for /shop/src/users.mts'],
    ["ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX", "TypeScript enum is not supported in strip-only mode"],
  ] as const) {
    it(`tells how TypeScript is run: ${message}`, () => {
      const error = Object.assign(new TypeError(message), { code });
      expect(failureOf(error, "src/users.ts", "/shop")).to.deep.equal({
        level: "bad",
        found: `src/users.ts cannot be loaded: ${message.replace("/shop/", "")}`,
        cure: `Node.js ${process.versions.node} does not run it: compile it and give the .js file, or: npm install tsx, then NODE_OPTIONS="--import tsx" npx express-wechat-login doctor …`,
      });
    });
  }

  it("does without the place of an error that has none", () => {
    const error = Object.assign(new Error("db-password"), { stack: undefined });
    expect(failureOf(error, "users.js", "/shop").found).to.equal("users.js throws while it loads: Error");
  });
});

describe("the doctor on findUser and saveUser", () => {
  for (const [file, cure] of [
    ["broken", /^It threw Error ECONNREFUSED: run it by hand for an unknown openid, and look at the error\./],
    ["list", /^Return one row: return rows\[0\];$/],
    ["bound", /^Look by unionid only where it is given/],
    ["misspelt", /The module is imported, and so run/],
  ] as const) {
    it(`names the cure for ${file}`, async () => {
      const { rows } = await examine({ host: `test/doctor/hosts/${file}.mjs` });
      expect(rows.at(-1)?.cure).to.match(cure);
    });
  }

  for (const [file, level, found] of [
    ["good", "ok", /saveUser is not called$/],
    ["anyone", "bad", /^findUser finds someone for a stranger: object$/],
    ["bound", "bad", /^findUser finds someone for a stranger: object$/],
    ["list", "bad", /^findUser finds someone for a stranger: array$/],
    ["broken", "bad", /^findUser throws for a stranger: Error ECONNREFUSED$/],
    ["odd", "bad", /^findUser throws for a stranger: Error$/],
    ["hanging", "bad", /^findUser does not answer$/],
    ["half", "bad", /^there is no saveUser\.$/],
    ["other-half", "bad", /^there is no findUser\.$/],
    ["misspelt", "bad", /^there is no findUser: did you mean "findUsers"\? saveUser is no function\.$/],
    ["nothing", "bad", /^there is no findUser\. there is no saveUser\.$/],
    [
      "throwing",
      "bad",
      /^test\/doctor\/hosts\/throwing\.mjs throws while it loads: TypeError at test\/doctor\/hosts\/throwing\.mjs:1$/,
    ],
    [
      "parsing",
      "bad",
      /^test\/doctor\/hosts\/parsing\.mjs throws while it loads: SyntaxError at test\/doctor\/hosts\/parsing\.mjs:2$/,
    ],
    ["rejecting", "bad", /^test\/doctor\/hosts\/rejecting\.mjs throws while it loads: no Error$/],
    ["endless", "bad", /^test\/doctor\/hosts\/endless\.mjs does not finish loading$/],
    ["missing", "bad", /^there is no file test\/doctor\/hosts\/missing\.mjs$/],
    [
      "lacking",
      "bad",
      /cannot be loaded: Cannot find (module|package) '.*no-such-package'.* imported from test\/doctor\/hosts\/lacking\.mjs$/,
    ],
    [
      "misnaming",
      "bad",
      /cannot be loaded: The requested module '.\/good.mjs' does not provide an export named 'pool'$/,
    ],
  ] as const) {
    it(`judges ${file}`, async () => {
      const { row, printed } = await examine({ host: `test/doctor/hosts/${file}.mjs`, timeout: 300 });
      expect(row("findUser")[0]).to.equal(level);
      expect(row("findUser")[1]).to.match(found);
      expect(printed).to.not.include("db-password");
    });
  }
});
