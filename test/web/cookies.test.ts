import { expect } from "chai";
import { cookieOf } from "../../lib/web/cookies.ts";
import { startWebApp } from "../support/web-app.ts";

/** Every byte that a header can carry; Node reads headers as Latin-1. */
const BYTES = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).filter((char) =>
  /[\t -~\x80-\xff]/.test(char),
);
const BLANKS = ["\t", " "];

/** A website behind HTTPS, and a browser that is signed in there and has begun another login. */
async function startSignedIn() {
  const app = await startWebApp({ callbackUrl: "https://shop.example/web/callback", require: [] });
  const tab = app.browser();
  const back = async () => new URL(app.wechat.phone({ unionid: "u1" }).authorize(await tab.start()));
  const { pathname, search } = await back();
  await tab.open(pathname + search);
  const [[browserName = "", browser = ""] = [], , [sessionName = "", session = ""] = []] = [...tab.cookies];
  /** Whether a `Cookie` header signs somebody in. */
  async function signsIn(Cookie: string): Promise<boolean> {
    return (await fetch(`${app.url}/me`, { headers: { Cookie } })).status === 200;
  }
  /** Whether a `Cookie` header makes a callback of this browser good. */
  async function completes(Cookie: string): Promise<boolean> {
    const callback = await back();
    const init: RequestInit = { headers: { Cookie }, redirect: "manual" };
    const response = await fetch(app.url + callback.pathname + callback.search, init);
    return response.headers.get("location") === "/";
  }
  return { signsIn, completes, session: [sessionName, session], browser: [browserName, browser] } as const;
}

/** What a subdomain or plain HTTP can make a browser send beside or in place of `name=value`. */
function planted(name: string, value: string): string[] {
  const honest = `${name}=${value}`;
  return [
    ...BYTES.filter((char) => !BLANKS.includes(char) && char !== ";").map((char) => char + honest),
    ...BYTES.filter((char) => char !== "=").map((char) => `${name}${char}=${value}`),
    ...["\xa0 ", " \xa0", "\xa0\t", "\xa0\xa0", "\xc2\xa0", "\xe2\x80\x83", "\xef\xbb\xbf"].map(
      (front) => front + honest,
    ),
    ...[`=${honest}`, `a=${honest}`, `a,${honest}`, `"${honest}"`, `"${name}"=${value}`, `a=1, ${honest}`],
    ...[`${name}="${value}"`, `${name}=${value}\xa0`, `${name}=\xa0${value}`, `${name}==${value}`],
    ...[`${name}=${value} x`, `${name}=${value}=`, `${name}: ${value}`, `${name} ${value}`, name],
    ...[honest.toUpperCase(), name.toLowerCase() + honest.slice(name.length), encodeURIComponent(honest)],
    ...[honest.replace("__Host-", ""), honest.replace("__Host-", "__Secure-")],
  ];
}

/** The same cookie as other programs than browsers write it. */
function spelled(name: string, value: string): string[] {
  const honest = `${name}=${value}`;
  return [
    ...[honest, ` ${honest} `, `\t${honest}\t`, `a=1;${honest}`, `a=1; \t ${honest} \t;b=2`, `${honest};`],
    ...[`;;${honest}`, `=a; ${honest}`, `\xa0${honest}; ${honest}`, `${honest}; ${name}x=1; x${name}=2`],
  ];
}

describe("the cookies of the web login", () => {
  it("are read by their exact names: no byte before or behind one makes a planted cookie ours", async function () {
    this.timeout(60_000);
    const { signsIn, completes, session, browser } = await startSignedIn();
    for (const cookie of planted(...session))
      expect(await signsIn(cookie), JSON.stringify(cookie)).to.equal(false);
    for (const cookie of planted(...browser))
      expect(await completes(cookie), JSON.stringify(cookie)).to.equal(false);
  });

  it("are found beside others, with the blanks that HTTP knows around them", async () => {
    const { signsIn, completes, session, browser } = await startSignedIn();
    for (const cookie of spelled(...session))
      expect(await signsIn(cookie), JSON.stringify(cookie)).to.equal(true);
    for (const cookie of spelled(...browser))
      expect(await completes(cookie), JSON.stringify(cookie)).to.equal(true);
  });

  it("are looked for in no time, however many blanks a header has", () => {
    const { read } = cookieOf("wechat-browser", true);
    const blanks = " ".repeat(100_000);
    const started = performance.now();
    for (const cookie of [`a${blanks}b`, `__Host-wechat-browser=a${blanks}b`, `${blanks}a`]) {
      expect(read({ headers: { cookie } } as never)).to.equal(undefined);
    }
    expect(performance.now() - started).to.be.lessThan(100);
  });
});
