import { createServer } from "node:http";
import { expect } from "chai";
import { APP_ID, listen, SECRET, startWechat } from "../support/login-app.ts";
import { freePort } from "../support/redis-server.ts";
import { examine, examineWith } from "./examine.ts";

const HTML = { body: "<html>Access denied by proxy</html>" };

/** A server that answers like WeChat, with this header Date, or none. */
async function wechatAt(date: string | undefined): Promise<string> {
  return await listen(
    createServer((_req, res) => {
      res.sendDate = false;
      if (date !== undefined) res.setHeader("Date", date);
      res.end('{"errcode":41002,"errmsg":"appid missing"}');
    }),
  );
}

describe("the doctor on WeChat", () => {
  it("is content where WeChat answers, and never uses /cgi-bin/token nor a forced refresh", async () => {
    const { row, wechat } = await examineWith([]);
    expect(row("WeChat API")[1]).to.match(/^127\.0\.0\.1:\d+ answers in \d+ ms$/);
    expect(row("clock")[0]).to.equal("ok");
    expect(row("AppID")).to.deep.equal(["ok", "WeChat accepts them"]);
    expect(row("IP whitelist")).to.deep.equal(["ok", "this server's IP is accepted"]);
    expect(wechat.requests.map(({ path }) => path)).to.deep.equal([
      "/sns/jscode2session",
      "/cgi-bin/stable_token",
    ]);
    expect(wechat.requests[0]?.query).to.deep.equal({});
    expect(wechat.requests[1]?.body?.force_refresh).to.equal(false);
  });

  for (const [what, bend, found] of [
    ["a proxy's HTML", HTML, /^HTTP 200 without WeChat's JSON/],
    ["JSON of someone else", { body: '"hello"' }, /^HTTP 200 without WeChat's JSON/],
    ["a gateway's 502", { ...HTML, status: 502 }, /^HTTP 502 without WeChat's JSON/],
    ["silence", { fault: "hang" }, /no answer within 300 ms$/],
    ["a cut connection", { fault: "reset" }, /ECONNRESET$|UND_ERR_SOCKET$/],
  ] as const) {
    it(`says that it is out of reach, for ${what}, and checks no clock by it`, async () => {
      const { row } = await examineWith([bend], { timeout: 300 });
      expect(row("WeChat API")[0]).to.equal("bad");
      expect(row("WeChat API")[1]).to.match(found);
      expect(row("clock")[0]).to.equal("skip");
    });
  }

  it("tells a refused connection, DNS and TLS apart, each with its cure", async () => {
    const plain = (await startWechat()).baseUrl.replace("http:", "https:");
    for (const [baseUrl, reason, cure] of [
      ["http://127.0.0.1:1", /network error|ECONNREFUSED/, /firewall/],
      ["http://no.such.host.invalid", /ENOTFOUND|EAI_AGAIN/, /DNS/],
      [plain, /SSL/, /TLS/],
    ] as const) {
      const { rows } = await examine({ baseUrl });
      expect(rows[1]?.found).to.match(reason);
      expect(rows[1]?.cure).to.match(cure);
    }
  });

  it("says that nothing listens there, and looks at no firewall first", async () => {
    const host = `127.0.0.1:${await freePort()}`;
    const { rows } = await examine({ baseUrl: `http://${host}` });
    expect(rows[1]).to.deep.equal({
      name: "WeChat API (微信接口)",
      level: "bad",
      found: `nothing listens at ${host}: ECONNREFUSED`,
      cure: "Correct WECHAT_BASE_URL, or start what shall listen there; if it is WeChat's own host, a firewall refuses.",
    });
  });

  for (const baseUrl of [
    "api2.weixin.qq.com",
    "localhost:3999",
    "ftp://host",
    "https://",
    "//host",
    "https:/host",
  ]) {
    it(`wants a URL in WECHAT_BASE_URL, and not ${baseUrl}`, async () => {
      const { rows } = await examine({ baseUrl });
      expect(rows[1]).to.deep.equal({
        name: "WeChat API (微信接口)",
        level: "bad",
        found: "WECHAT_BASE_URL is no URL that begins with http:// or https://",
        cure: "Set it to https://api2.weixin.qq.com, say, or leave it out for https://api.weixin.qq.com.",
      });
      expect(rows.map(({ cure }) => cure)).to.not.include("Please report it.");
    });
  }

  for (const [what, secret] of [
    ["one letter", "s"],
    ["quotes", `"${SECRET}"`],
    ["an AppID", APP_ID],
    ["a digit too few", SECRET.slice(1)],
  ] as const) {
    it(`says that the secret looks wrong where WeChat refuses ${what}`, async () => {
      const odd = "; WECHAT_SECRET looks wrong: an AppSecret has 32 characters, 0 to 9 and a to f";
      const { row, printed } = await examineWith([], { secret });
      expect(row("AppID")).to.deep.equal(["bad", `WeChat refuses: errcode 40125${odd}`]);
      expect(printed).to.include(`errcode 40125${odd}`);
      const unanswered = await examineWith([{}, HTML], { secret });
      expect(unanswered.row("AppID")).to.deep.equal(["skip", `not checked: WeChat does not answer${odd}`]);
    });
  }

  it("says that the appid looks wrong where WeChat refuses it", async () => {
    const { row } = await examineWith([], { appId: "gh_0123456789ab" });
    expect(row("AppID")).to.deep.equal([
      "bad",
      "WeChat refuses: errcode 40013; WECHAT_APP_ID looks wrong: an AppID is wx and 16 characters, 0 to 9 and a to f",
    ]);
  });

  it("is content with a secret of another form that WeChat accepts", async () => {
    const wechat = await startWechat({ appId: APP_ID, secret: "s" });
    const { row } = await examine({ baseUrl: wechat.baseUrl, secret: "s" });
    expect(row("AppID")).to.deep.equal(["ok", "WeChat accepts them"]);
  });

  it("follows no redirect", async () => {
    const wechat = await startWechat();
    const redirecting = createServer((_req, res) => res.writeHead(302, { Location: wechat.baseUrl }).end());
    const { row } = await examine({ baseUrl: await listen(redirecting) });
    expect(row("WeChat API")[1]).to.match(/^HTTP 302 without WeChat's JSON/);
    expect(wechat.requests).to.deep.equal([]);
  });

  it("says that WeChat is slow", async () => {
    expect((await examineWith([{ delay: 1100 }])).row("WeChat API")[0]).to.equal("warn");
  });

  for (const [seconds, level, found] of [
    [0, "ok", /^\d s/],
    [20, "ok", /^(19|20|21) s behind/],
    [40, "warn", /^(39|40|41) s behind/],
    [-290, "warn", /^29\d s ahead of/],
    [-310, "bad", /^31\d s ahead of/],
    [60, "warn", /^(59|60|61) s behind/],
    [-3600, "bad", /^3\d\d\d s ahead of/],
  ] as const) {
    it(`compares the clocks: ${seconds} s is ${level}`, async () => {
      const date = new Date(Date.now() + seconds * 1000).toUTCString();
      const { row } = await examine({ baseUrl: await wechatAt(date) });
      expect(row("clock")[0]).to.equal(level);
      expect(row("clock")[1]).to.match(found);
    });
  }

  it("compares no clocks where WeChat tells no time", async () => {
    expect((await examine({ baseUrl: await wechatAt(undefined) })).row("clock")[0]).to.equal("skip");
  });

  for (const [errcode, cure] of [
    [40013, /^Correct WECHAT_APP_ID/],
    [40001, /^Correct WECHAT_SECRET, or reset/],
    [40125, /^Correct WECHAT_SECRET, or reset/],
    [50002, /is limited/],
    [40243, /unfreeze it/],
    [41002, /^Set WECHAT_APP_ID\.$/],
    [41004, /^Set WECHAT_SECRET\.$/],
    [45009, /调用超限\): wait\.$/],
    [50007, /账号冻结/],
    [99999, /返回码/],
  ] as const) {
    it(`tells errcode ${errcode}, with its cure`, async () => {
      const { rows, row } = await examineWith([{}, { errcode }]);
      expect(row("AppID")).to.deep.equal(["bad", `WeChat refuses: errcode ${errcode}`]);
      expect(rows.find(({ name }) => name.startsWith("AppID"))?.cure).to.match(cure);
      expect(row("IP whitelist")[0]).to.equal("skip");
    });
  }

  it("shows the IP that WeChat refuses, where WeChat shows it", async () => {
    const refusal = (errmsg: string) => ({ body: JSON.stringify({ errcode: 40164, errmsg }) });
    const told = await examineWith([
      {},
      refusal("invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist"),
    ]);
    expect(told.row("IP whitelist")).to.deep.equal(["bad", "WeChat refuses 203.0.113.9 (40164)"]);
    expect(told.row("AppID")).to.deep.equal(["skip", "not checked: WeChat refuses the IP first"]);
    const untold = await examineWith([{}, refusal("not in whitelist")]);
    expect(untold.row("IP whitelist")).to.deep.equal(["bad", "WeChat refuses this server's IP (40164)"]);
  });

  it("checks neither where WeChat does not answer, or nothing is set", async () => {
    const silent = await examineWith([{}, { fault: "hang" }], { timeout: 300 });
    expect(silent.row("AppID")).to.deep.equal(["skip", "not checked: WeChat does not answer"]);
    expect(silent.row("IP whitelist")[0]).to.equal("skip");
    const html = await examineWith([{}, HTML]);
    expect(html.row("AppID")[0]).to.equal("skip");
    expect(html.row("IP whitelist")[0]).to.equal("skip");
    for (const unset of [{ appId: "" }, { secret: "" }]) {
      const { row, wechat } = await examineWith([], { ...unset, code: "c" });
      expect([row("AppID")[0], row("IP whitelist")[0], row("unionid")[0]]).to.deep.equal([
        "bad",
        "skip",
        "skip",
      ]);
      expect(wechat.requests).to.have.length(1);
    }
  });
});

describe("the doctor on the unionid", () => {
  it("shows beginnings of openid and unionid, or that there is none, and says how to get a code", async () => {
    const wechat = await startWechat();
    const examined = async (code?: string) =>
      (await examine({ baseUrl: wechat.baseUrl, code })).row("unionid");
    const bound = wechat.phone({ openid: "oABCDEFGH", unionid: "uIJKLMNOP" });
    expect(await examined(bound.login().code)).to.deep.equal(["ok", "openid oABC…, unionid uIJK…"]);
    const unbound = wechat.phone({ openid: "oABCDEFGH" });
    expect(await examined(unbound.login().code)).to.deep.equal(["warn", "openid oABC…, no unionid"]);
    expect((await examined("used"))[0]).to.equal("bad");
    expect(await examined()).to.deep.equal(["skip", "not checked: no --code"]);
    const blocked = wechat.phone({ blocked: true });
    expect(await examined(blocked.login().code)).to.deep.equal(["bad", "WeChat refuses: errcode 40226"]);
  });

  it("checks nothing where WeChat does not answer", async () => {
    for (const bend of [HTML, { fault: "hang" }] as const) {
      const { row } = await examineWith([{}, {}, bend], { code: "c", timeout: 300 });
      expect(row("unionid")).to.deep.equal(["skip", "not checked: WeChat does not answer"]);
    }
  });
});

describe("the doctor on Node.js", () => {
  it("knows the versions that are supported", async () => {
    for (const [version, level] of [
      ...[
        ["18.20.4", "bad"],
        ["20.18.3", "bad"],
        ["20.19.0", "ok"],
        ["21.7.3", "bad"],
        ["22.11.0", "bad"],
      ],
      ...[
        ["22.12.0", "ok"],
        ["24.0.0", "ok"],
      ],
    ] as [string, string][]) {
      expect((await examine({}, version)).row("Node.js")).to.deep.equal([level, version]);
    }
    expect((await examine({})).row("Node.js")).to.deep.equal(["ok", process.versions.node]);
  });
});
