import { expect } from "chai";
import fc from "fast-check";
import { cookieOf } from "../../lib/web/cookies.ts";
import { pathOf, withError } from "../../lib/web/return-to.ts";
import { startWebApp } from "../support/web-app.ts";
import { corpus } from "./corpus.ts";
import { RUNS, runs } from "./runs.ts";

const ORIGIN = "https://shop.example";

/** Texts made of what redirects are attacked with. */
const tricky = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ..."/\\.:@?#%&=\t\n ".split(""),
        "//",
        "..",
        "%2f",
        "%5C",
        "%25",
        "%09",
        "%2e",
        "\u200d",
        "https:",
        "evil.example",
      ),
      fc.string({ maxLength: 3, unit: "binary" }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => `/${parts.join("")}`);

describe("for any input: the web login", () => {
  it("a returnTo that is taken stays on the own origin, however often it is decoded", () => {
    const property = fc.property(tricky, (returnTo) => {
      const path = pathOf(returnTo, ORIGIN);
      if (path === undefined) return;
      for (const location of [path, withError(path, "code")]) {
        let layer = location;
        for (let depth = 0; depth < 5; depth++) {
          expect(new URL(layer, ORIGIN).origin, returnTo).to.equal(ORIGIN);
          expect(layer).to.match(/^\/(?![/\\])/);
          expect(new URL(layer, ORIGIN).pathname, returnTo).to.match(/^\/(?!\/)/);
          const [encoded = "", rest = ""] = splitPath(layer);
          try {
            layer = decodeURIComponent(encoded) + rest;
          } catch {
            break;
          }
        }
      }
      expect(pathOf(path, ORIGIN)).to.equal(path);
      expect(new URL(withError(path, "code"), ORIGIN).searchParams.getAll("error")).to.deep.equal(["code"]);
    });
    fc.assert(property, { ...runs(10), examples: corpus.returnTo.map((text) => [text]) });
  });

  it("a cookie is read as it was set, or not at all", () => {
    const { read, keep } = cookieOf("wechat-browser", false);
    const header = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string().map((text) => `wechat-browser=${text}; ${text}`),
    );
    const property = fc.property(header, (cookie) => {
      const value = read({ headers: { cookie } } as never);
      if (value !== undefined) expect(cookie).to.include(`wechat-browser=${value}`);
      const token = keep("A".repeat(43)).split(";")[0];
      expect(read({ headers: { cookie: `a=${"x".repeat(3)}; ${token}` } } as never)).to.equal("A".repeat(43));
    });
    fc.assert(property, { ...runs(10), examples: corpus.cookies.map((text) => [text]) });
  });

  it("any query and any cookie on any route is answered by a redirect to the own origin or WeChat, or by the contract", async function () {
    this.timeout(RUNS * 200);
    const { url, wechat, hostErrors, users } = await startWebApp();
    const name = fc.constantFrom("state", "code", "returnTo", "error", "__proto__");
    const pairs = fc.array(
      fc.tuple(name, fc.oneof(tricky, fc.string({ unit: "grapheme" }), fc.stringMatching(/^[0-9a-f]{64}$/))),
    );
    const route = fc.constantFrom("/web", "/web/", "/web/callback", "/web/embed");
    const cookie = fc.stringMatching(/^[ -~]*$/);
    await fc.assert(
      fc.asyncProperty(route, pairs, cookie, async (path, query, Cookie) => {
        const target = `${url}${path}?${new URLSearchParams(query)}`;
        const response = await fetch(target, { redirect: "manual", headers: { Cookie } });
        const text = await response.text();
        const location = response.headers.get("location");
        if (response.status === 302) {
          expect([url, wechat.baseUrl]).to.include(new URL(String(location), url).origin);
        } else if (response.status === 200) {
          expect(JSON.parse(text)).to.have.all.keys("appid", "scope", "redirect_uri", "state");
        } else {
          expect([response.status, JSON.parse(text).error.code]).to.deep.equal([400, "invalid_request"]);
        }
        expect([hostErrors, users]).to.deep.equal([[], []]);
      }),
      runs(),
    );
  });
});

function splitPath(location: string): [string, string] {
  const at = location.search(/[?#]/);
  return at < 0 ? [location, ""] : [location.slice(0, at), location.slice(at)];
}
