import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { expect } from "chai";
import express from "express";
import { openAvatars } from "../../example-app/avatars.ts";
import { openStage } from "../../example-app/stage/stage.ts";
import { wechatSimulator } from "../../lib/simulator/index.ts";
import { findProgram } from "../support/commands.ts";
import { atEnd, listen } from "../support/login-app.ts";
import { PICTURES } from "../support/pictures.ts";

const ACCOUNTS = {
  miniProgram: { appId: "wxmini", secret: "secret-of-the-mini-program" },
  website: { appId: "wxweb", secret: "secret-of-the-website" },
};
const SECRET_FIELDS = ["session_key", "access_token", "refresh_token"];

/** A WeChat whose every secret is known to the test: it stands between the server and the simulator, and reads along. */
async function openWechat(secrets: Set<string>) {
  const { miniProgram, website } = ACCOUNTS;
  const simulator = await wechatSimulator({ ...miniProgram, website });
  atEnd(() => simulator.close());
  async function passOn(req: IncomingMessage): Promise<string> {
    const body = req.method === "POST" ? { body: await textOf(req) } : {};
    const response = await fetch(`${simulator.baseUrl}${req.url}`, { method: String(req.method), ...body });
    const answer = await response.text();
    const fields = JSON.parse(answer) as Record<string, string>;
    for (const name of SECRET_FIELDS) if (fields[name] !== undefined) secrets.add(fields[name]);
    return answer;
  }
  // One that hangs is cut off at the end of the test.
  const between = createServer((req, res) => {
    passOn(req).then(
      (answer) => res.end(answer),
      () => res.destroy(),
    );
  });
  return { ...ACCOUNTS, baseUrl: await listen(between), authorizeBaseUrl: simulator.baseUrl, simulator };
}

/** The stage, and all that a page receives of it. */
async function startStage(redisUrl: string | undefined) {
  const secrets = new Set(Object.values(ACCOUNTS).map(({ secret }) => secret));
  const app = express();
  const url = await listen(createServer(app));
  const stage = await openStage({
    ...{ accounts: await openWechat(secrets), publicUrl: url, redisUrl },
    avatars: openAvatars(join(tmpdir(), "stage-avatars"), `${url}/avatars`, "secret"),
  });
  let closed: Promise<void> | undefined;
  const close = () => (closed ??= stage.close());
  atEnd(close);
  app.use(stage.router);
  const received: string[] = [];
  const stream = await fetch(`${url}/stage/messages`);
  const reading = (async () => {
    for await (const chunk of stream.body as ReadableStream<Uint8Array>)
      received.push(Buffer.from(chunk).toString());
  })();
  let cookies: string[] = [];
  async function ask(path: string, init: RequestInit = {}) {
    const headers = { Cookie: cookies.join("; "), ...init.headers };
    const response = await fetch(`${url}/stage${path}`, { redirect: "manual", ...init, headers });
    const text = await response.text();
    received.push(text);
    cookies = [...cookies, ...response.headers.getSetCookie().map((cookie) => String(cookie.split(";")[0]))];
    return text.startsWith("{") ? JSON.parse(text) : {};
  }
  const post = (path: string, body: object = {}, headers: Record<string, string> = {}) =>
    ask(path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", ...headers },
    });
  return {
    secrets,
    received,
    ask,
    post,
    cookies: () => cookies,
    stop: () => close().then(() => reading),
  };
}

/** The ways in which the bytes of a secret are written. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret, "base64");
  const others = /==$/.test(secret)
    ? [bytes.toString("hex"), bytes.toString("base64url"), secret.slice(0, -2)]
    : [];
  return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), ...others];
}

describe("the stage of the phone page", () => {
  const { PATH } = process.env;
  afterEach(() => {
    process.env.PATH = PATH;
  });

  const ownRedis = findProgram("redis-server") ?? findProgram("valkey-server");
  for (const [place, kind] of [
    ["a given Redis", "given"],
    ["a Redis of its own where one is on the PATH", ownRedis ? "own" : "process"],
    ["the in-process store", "process"],
  ]) {
    it(`tells no session_key, AppSecret, access_token or cookie to the page, with ${place}`, async () => {
      if (place === "the in-process store") process.env.PATH = "";
      const stage = await startStage(place === "a given Redis" ? process.env.REDIS_URL : undefined);
      const { post, ask } = stage;
      expect((await ask("/scene")).redis.kind).to.equal(kind);
      const phone = async (action: string) => await post(`/phone/button/${action}`);

      let asked = await post("/wx-phone-number/login", await phone("login"));
      await post("/wx-phone-number/login/complete", { ...asked, ...(await phone("getUserInfoRefused")) });
      asked = await post("/wx-phone-number/login/complete", { ...asked, ...(await phone("getUserInfo")) });
      await ask("/scene");
      const { code: phoneCode } = await phone("getPhoneNumber");
      const { temporaryToken } = asked;
      const signedIn = await post("/wx-phone-number/login/complete", { temporaryToken, phoneCode });
      expect(signedIn).to.include({ status: "signed_in", userId: 1 });
      await ask("/scene");

      const form = new FormData();
      form.append("temporaryToken", (await post("/wx-profile/login", await phone("login"))).temporaryToken);
      form.append("nickName", "小红");
      form.append("avatar", new Blob([new Uint8Array(PICTURES.png)]));
      expect(await ask("/wx-profile/login/complete", { method: "POST", body: form })).to.include({
        userId: 1,
      });
      await post("/wx-unionid/login", { code: "unknown" });
      await post("/wechat/hangs");
      const hung = await post("/wx-unionid/login", await phone("login"));
      expect(hung.error.code).to.equal("wechat_unavailable");
      await post("/wechat/answers");

      const embedded = new URLSearchParams(await ask("/web/embed?returnTo=/stage/me"));
      const { location } = await post(`/scan/button/allow?${embedded}`);
      const { pathname, search } = new URL(location);
      await ask(pathname.replace("/stage", "") + search);
      expect(await ask("/me")).to.include({ id: 1, nickName: "小红" });
      await ask("/scene");
      await stage.stop();

      const text = stage.received.join("\n");
      const shown = ["signed_in", "jscode2session", "getuserphonenumber", "saveUser", "wechat_unavailable"];
      const locked = ["AppSecret", "session_key", "access_token", "refresh_token", "cookie"];
      for (const word of [...shown, ...locked.map((name) => `‹locked: ${name}›`)])
        expect(text).to.include(word);
      const tokens = stage.cookies().map((cookie) => String(cookie.split("=")[1]));
      const secrets = [...stage.secrets, ...tokens];
      // Three logins that WeChat answered, the access_tokens of app and web, two AppSecrets, two cookies.
      expect(secrets.length).to.be.at.least(8);
      for (const form of secrets.flatMap(formsOf)) expect(text).to.not.include(form);
    });
  }

  it("takes nothing from another website's page", async () => {
    const stage = await startStage(undefined);
    const foreign = { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" };
    for (const path of ["/forget", "/wechat/hangs", "/phone/button/login", "/wx-unionid/login"]) {
      expect(await stage.post(path, {}, foreign)).to.deep.equal({
        error: { code: "foreign", message: "Only the page itself may do this." },
      });
    }
    expect(await stage.ask("/scene")).to.include({ isHanging: false });
    await stage.stop();
  });
});
