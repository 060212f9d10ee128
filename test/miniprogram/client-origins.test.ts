import { createServer } from "node:http";
import { expect } from "chai";
import type { WxLike } from "../../example-app/miniprogram/wechat-login.js";
import { listen } from "../support/login-app.ts";
import { errorOf, startClient } from "./support/client.ts";
import { createLogin } from "./support/load.ts";
import type { Callbacks } from "./support/wx.ts";

type Sent = Callbacks & { url: string; header: Record<string, string> };

/** A phone that is signed in and has a network of its own: gives the address and the token of each request. */
function signedIn(url: string, origins?: string[]) {
  const sent: [url: string, authorization: string | undefined][] = [];
  const request = ({ url: address, header, success }: Sent) => {
    sent.push([address, header.Authorization]);
    success?.({ statusCode: 200, data: { status: "fine" } });
  };
  const wx = {
    ...{ login() {}, uploadFile() {}, setStorageSync() {}, removeStorageSync() {} },
    ...{ getStorageSync: () => "secret", request },
  } as WxLike;
  return { sent, login: createLogin({ wx, url, ...(origins && { origins }) }) };
}

const OWN = "https://example.com/wx";

describe("the session token of a Mini Program", () => {
  for (const url of [
    "https://example.com",
    "https://example.com/me",
    "https://example.com?page=1",
    "https://example.com#top",
    "HTTPS://EXAMPLE.com/me",
    "https://example.com:443/me",
    "https://example.com/sale@home\\now",
    "https://example.com/?next=https://evil.example/",
  ]) {
    it(`goes to the login's own origin: ${url}`, async () => {
      const { login, sent } = signedIn(OWN);
      await login.request({ url });
      expect(sent).to.deep.equal([[url, "Bearer secret"]]);
    });
  }

  for (const url of [
    "https://evil.example/",
    "http://example.com/me",
    "https://example.com:444/me",
    "https://api.example.com/me",
    "https://example.com.evil.example/",
    "https://example.com@evil.example/",
    "https://example.com:443@evil.example/",
    "https://user:password@example.com/me",
    "https://evil.example\\@example.com/",
    "https://example.com\\@evil.example/",
    "https://example.com\\.evil.example/",
    "https:\\\\evil.example/",
    "https:/\\example.com@evil.example/",
    "https:///evil.example/",
    "https:evil.example/",
    "https://evil.example#@example.com/",
    "https://evil.example?https://example.com/",
    "https://evil.example/https://example.com/",
    "https://example.com\t.evil.example/",
    "https://example.com\n@evil.example/",
    "https://example.com\u0000.evil.example/",
    "https://example.com%2eevil.example/",
    "https://example.com%40evil.example/",
    "https://example.com。evil.example/",
    "https://ex\u0430mple.com/",
    "https://example.com./",
    "https://example.com:/",
    "https://[::1]/",
    " https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "/\n/evil.example/",
    "javascript:https://example.com/",
    "ftp://example.com/",
    "me",
    "",
  ]) {
    it(`goes nowhere else: ${JSON.stringify(url)}`, async () => {
      for (const own of [OWN, "/wx"]) {
        const { login, sent } = signedIn(own);
        await login.request({ url, method: "POST", header: { "X-Own": "1" } });
        expect(sent).to.deep.equal([[url, undefined]]);
      }
    });
  }

  it("a letter that becomes another in lower case is another host", async () => {
    const { login, sent } = signedIn("https://kiwi.example/wx");
    await login.request({ url: "https://\u212Aiwi.example/me" });
    expect(sent).to.deep.equal([["https://\u212Aiwi.example/me", undefined]]);
  });

  it("goes to a path of the login's own server", async () => {
    const { login, sent } = signedIn("https://Example.com:8443/wx");
    await login.request({ url: "/me?page=1" });
    await login.request({ url: "/" });
    expect(sent).to.deep.equal([
      ["https://Example.com:8443/me?page=1", "Bearer secret"],
      ["https://Example.com:8443/", "Bearer secret"],
    ]);
  });

  it("goes to paths only if the login's url is one, which a wrapper of wx completes", async () => {
    const { login, sent } = signedIn("/wx");
    for (const url of ["/me", "https://example.com/me"]) await login.request({ url });
    await login.updateProfile({ nickName: "小红" });
    expect(sent).to.deep.equal([
      ["/me", "Bearer secret"],
      ["https://example.com/me", undefined],
      ["/wx/profile", "Bearer secret"],
    ]);
  });

  it("goes to the routes of a login whose url ends with a slash", async () => {
    for (const [url, own] of [
      ["https://example.com/wx/", "https://example.com"],
      ["/wx//", ""],
    ] as const) {
      const { login, sent } = signedIn(url);
      await login.updateProfile({ nickName: "小红" });
      await login.request({ url: "/me" });
      expect(sent).to.deep.equal([
        [`${own}/wx/profile`, "Bearer secret"],
        [`${own}/me`, "Bearer secret"],
      ]);
    }
  });

  it("goes to other servers that are named", async () => {
    const { login, sent } = signedIn(OWN, [
      "https://API.example.com",
      "http://10.0.0.1:3000/",
      "http://[::1]",
    ]);
    const urls = ["https://api.example.com/orders", "http://10.0.0.1:3000/x", "http://[::1]:80/", OWN];
    for (const url of urls) await login.request({ url });
    expect(sent).to.deep.equal(urls.map((url) => [url, "Bearer secret"]));
    await login.request({ url: "http://10.0.0.1/x" });
    expect(sent.at(-1)).to.deep.equal(["http://10.0.0.1/x", undefined]);
  });

  it("a url or an origin that is none is told when the login is created", () => {
    for (const url of [
      "example.com/wx",
      "https://",
      "https://me@example.com/wx",
      "//example.com/wx",
      undefined,
    ]) {
      expect(() => signedIn(url as string)).to.throw(
        TypeError,
        /^createLogin: "url" is .*https:\/\/example\.com\/wx/,
      );
    }
    for (const origin of ["api.example.com", "https://api.example.com/v1", "https://a.example?b", "*"]) {
      expect(() => signedIn(OWN, [origin])).to.throw(TypeError, `createLogin: "origins" has ${origin}`);
    }
  });

  it("no other server begins a login; one that wants the token is told apart from an expired session", async () => {
    const received: (string | undefined)[] = [];
    const answers: [number, object][] = [
      [401, { error: { code: "login_required", message: "Nobody is signed in." } }],
      [401, { error: { code: "bad_key", message: "The key of the weather is wrong." } }],
    ];
    const other = createServer((req, res) => {
      received.push(req.headers.authorization);
      const [status, body] = answers.shift() ?? [200, {}];
      res.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    });
    const { login, stored, wxLogin } = await startClient({ unionid: "u1" });
    const url = await listen(other);
    const foreign = await errorOf(login.request({ url }));
    expect(foreign).to.include({ code: "foreign_origin", statusCode: 401 });
    expect(foreign.message).to.include(url).and.to.include('"origins"');
    expect((await errorOf(login.request({ url }))).code).to.equal("bad_key");
    expect(await login.request({ url, header: { Authorization: "Key 1" } })).to.deep.equal({});
    expect(received).to.deep.equal([undefined, undefined, "Key 1"]);
    expect([wxLogin.callCount, stored.size]).to.deep.equal([0, 0]);
  });
});
