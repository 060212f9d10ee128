import { createServer, get } from "node:http";
import { posix } from "node:path";
import { expect } from "chai";
import express from "express";
import sinon from "sinon";
import { wechatWebLogin } from "../../lib/index.ts";
import { listen, redis } from "../support/login-app.ts";
import { blocksOf, filesOf, pageNames } from "./pages.ts";

/** The paths that the page's nginx keeps from the outside, as a pattern of JavaScript. */
function closedPaths(file: string): RegExp {
  const code = blocksOf(file).find(({ language }) => language === "nginx")?.code ?? "";
  const [, isBlind, pattern = ""] = /location ~(\*?) (\S+) \{\s+allow [^;]+;\s+deny +all;/.exec(code) ?? [];
  return new RegExp(pattern, isBlind ? "i" : "");
}

/** What may reach a route of Express, and what may not. */
function spellingsOf(path: string): string[] {
  const [, name = ""] = path.split("/");
  const upper = `/${name.toUpperCase()}`;
  const capital = `/${name[0]?.toUpperCase()}${name.slice(1)}`;
  return [
    ...[path, upper, capital, `${path}/`, `${upper}/`, `${path}//`, `/${path}`, `${path}?a=b`, `${path}/?a`],
    ...[`${path}/a`, `${path};a`, `${path}.`, `${path}%2f`, `${path}%20`, `${path}%00`, `${path}%0a`],
    ...[`/%${name.charCodeAt(0).toString(16)}${name.slice(1)}`, `/a/..${path}`, `/.${path}`, `${path}#a`],
    // Node's old parser of URLs, which Express asks where there is a #, takes a backslash for a slash.
    ...[
      `${path}\\`,
      `${path}\\#`,
      `${upper}\\#a`,
      `${path}\\?a#`,
      `${path}/\\#`,
      `/\\${path}#`,
      `/a/..\\${name}#`,
    ],
  ];
}

/** As nginx does before it compares: decoded, slashes merged, dots resolved. A backslash is a letter to it. */
function normalised(target: string): string {
  const [path = ""] = target.split(/[?#]/, 1);
  return posix.normalize(decodeURIComponent(path));
}

/** As nginx hands it on: in the spelling of the client, which fetch would change. */
function statusOf(url: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    get({ hostname, port, path }, (res) => resolve(res.resume().statusCode)).on("error", reject);
  });
}

for (const file of filesOf("docs/deployment")) {
  describe(`the reverse proxy of ${file}`, () => {
    it("keeps from the outside whatever Express takes for one of its routes", async () => {
      const closed = closedPaths(file);
      const app = express();
      const names = ["/healthz", "/readyz", "/metrics"];
      for (const name of names) app.get(name, (_req, res) => res.json("inside"));
      const url = await listen(createServer(app));
      let inside = 0;
      for (const target of names.flatMap(spellingsOf)) {
        if ((await statusOf(url, target)) !== 200) continue;
        inside++;
        expect(closed.test(normalised(target)), target).to.equal(true);
      }
      expect(inside).to.be.greaterThan(20);
      for (const open of ["/", "/wx/login", "/me", "/metricsandmore", "/web/readyz"]) {
        expect(closed.test(open), open).to.equal(false);
      }
    });

    it("has browsers come by HTTPS only, and writes no query into its log", () => {
      const code = blocksOf(file).find(({ language }) => language === "nginx")?.code ?? "";
      expect(code).to.match(/add_header Strict-Transport-Security "max-age=\d{8}" always;/);
      const [, name, format] = /log_format (\w+) '([^']*)';/.exec(code) ?? [];
      expect(code).to.match(new RegExp(`access_log \\S+ ${name};`));
      // At lower levels it writes the whole request line of what the process does not answer.
      expect(code).to.match(/error_log +\S+ crit;/);
      expect(format)
        .to.include("$uri")
        .and.not.match(/\$(request|request_uri|args|query_string|http_referer|is_args)\b/);
    });
  });
}

describe("the lines of a log that the pages recommend", () => {
  it("hold no code of a callback", async () => {
    for (const file of filesOf("docs/troubleshooting")) {
      const [{ code = "" } = {}] = blocksOf(file).filter((block) => block.code.includes("onError"));
      const [, line = ""] = /const onError = (.*);\n/.exec(code) ?? [];
      const warn = sinon.spy();
      const web = wechatWebLogin({
        website: { appId: "wx1", secret: "s" },
        callbackUrl: "https://shop.example/web/callback",
        redis: redis(),
        findUser: () => null,
        saveUser: () => {},
        onError: new Function("console", `return ${line};`)({ warn }),
      });
      const url = await listen(createServer(express().use("/web", web)));
      await fetch(`${url}/web/callback?code=STILLGOOD&state=STATE`, { redirect: "manual" });
      expect(warn.args).to.deep.equal([
        [
          "/web/callback",
          "invalid_state",
          "",
          "The state is unknown, used, expired, or another browser's: start the login again.",
          "",
        ],
      ]);
    }
  });

  it("name no address with its query", () => {
    for (const file of pageNames().flatMap(filesOf)) {
      for (const { code, line } of blocksOf(file)) {
        expect(code, `${file}:${line}`).to.not.match(/originalUrl|(log|warn|error|info)\([^)]*req\.url/);
      }
    }
  });
});
