import { AsyncLocalStorage } from "node:async_hooks";
import { channel, tracingChannel } from "node:diagnostics_channel";
import { expect } from "chai";
import type { Traced, TracedKind } from "../lib/index.ts";
import { atEnd, SECRET, startApp } from "./support/login-app.ts";
import { startWebApp } from "./support/web-app.ts";

const KINDS: TracedKind[] = ["wechat", "store", "host"];

interface Told {
  kind: TracedKind;
  event: string;
  message: Traced;
}

/** Everything that is published until the test ends, copied at the moment it is. */
function listen(): Told[] {
  const told: Told[] = [];
  for (const kind of KINDS) {
    for (const event of ["start", "end", "asyncStart", "asyncEnd", "error"]) {
      const name = `tracing:express-wechat-login:${kind}:${event}`;
      const hear = (message: unknown) => void told.push({ kind, event, message: { ...(message as Traced) } });
      channel(name).subscribe(hear);
      atEnd(() => channel(name).unsubscribe(hear));
    }
  }
  return told;
}

const ended = (told: Told[]) => told.filter(({ event }) => event === "asyncEnd");
const outcomes = (told: Told[]) =>
  ended(told).map(({ kind, message }) => `${kind} ${message.name} ${message.outcome}`);

describe("tracing", () => {
  it("tells requests to WeChat, store commands and callbacks, with outcome and duration", async () => {
    const { wechat, post, url } = await startApp({ session: {}, onLogin: () => ({}) });
    const told = listen();
    const phone = wechat.phone({ unionid: "u1", unionidAtLogin: false });
    wechat.bendNext({ delay: 100 });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    const { sessionToken } = (await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() }))
      .body;
    await fetch(`${url}/me`, { headers: { Authorization: `Bearer ${sessionToken}` } });
    expect(outcomes(told)).to.deep.equal([
      "wechat /sns/jscode2session ok",
      "host findUser ok",
      "store set ok",
      "store takeTimed ok",
      "host findUser ok",
      "host saveUser ok",
      "host findUser ok",
      "host onLogin ok",
      "store setMember ok",
      "store renewMember ok",
      "host findUser ok",
    ]);
    for (const { message } of ended(told)) expect(message.duration).to.be.within(0, 5000);
    expect(ended(told)[0]?.message.duration).to.be.at.least(95);
    const starts = told.filter(({ event }) => event === "start");
    expect(starts.map(({ message }) => Object.keys(message))).to.deep.equal(starts.map(() => ["name"]));
    expect(told.some(({ event }) => event === "error")).to.equal(false);
  });

  it("tells avatars, reviews and the refresh of the access_token", async () => {
    const suggest = { errcode: 0, result: { suggest: "review", label: 100 } };
    const app = await startApp({
      require: ["unionid", "nickName", "avatarUrl"],
      checkContent: true,
      onReview: () => true,
      saveAvatar: () => "https://cdn/1",
    });
    const { wechat, post, upload } = app;
    const told = listen();
    const { temporaryToken } = (await post("/wx/login", wechat.phone({ unionid: "u1" }).login())).body;
    for (const bend of [{}, { body: JSON.stringify(suggest) }]) wechat.bendNext(bend);
    const form = new FormData();
    form.set("temporaryToken", temporaryToken);
    form.set("nickName", "小明");
    form.set("avatar", new Blob([Buffer.from("89504e470d0a1a0a", "hex")]));
    expect((await upload("/wx/login/complete", form)).body.status).to.equal("signed_in");
    for (const name of ["wechat /cgi-bin/stable_token", "host onReview", "host saveAvatar", "store unlock"]) {
      expect(outcomes(told)).to.include(`${name} ok`);
    }
  });

  it("tells how things fail", async () => {
    const { wechat, post } = await startApp({
      findUser: () => {
        throw new Error("the database is down");
      },
    });
    const told = listen();
    const phone = wechat.phone({ unionid: "u1" });
    await post("/wx/login", phone.login());
    await post("/wx/login", { code: "unknown" });
    wechat.bendNext({ status: 502 });
    await post("/wx/login", phone.login());
    expect(outcomes(told)).to.deep.equal([
      "wechat /sns/jscode2session ok",
      "host findUser error",
      "wechat /sns/jscode2session ok",
      "wechat /sns/jscode2session wechat_unavailable",
    ]);
    expect(ended(told).map(({ message }) => message.errcode)).to.deep.equal([
      undefined,
      undefined,
      40029,
      undefined,
    ]);
  });

  it("tells no secret: neither arguments nor results nor errors", async () => {
    const { browser, wechat, post } = await startWebApp({ miniProgram: true });
    const told = listen();
    const phone = wechat.phone({ unionid: "union-secret", unionidAtLogin: false });
    const { code } = phone.login();
    const { temporaryToken } = (await post("/wx/login", { code })).body;
    const done = await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
    const tab = browser();
    await tab.open(phone.authorize(await tab.start()));
    const text = JSON.stringify(told);
    expect(told.length).to.be.greaterThan(20);
    for (const secret of [
      SECRET,
      code,
      temporaryToken,
      done.body.sessionToken,
      phone.openid,
      "union-secret",
    ]) {
      expect(text).to.not.include(secret);
    }
    const allowed = ["name", "outcome", "duration", "errcode", "result"];
    for (const { message } of told) expect(allowed).to.include.members(Object.keys(message));
    for (const { message } of told) expect((message as { result?: unknown }).result).to.equal(undefined);
  });

  it("carries a context from start through to the host's callback", async () => {
    const storage = new AsyncLocalStorage<string>();
    const { start } = tracingChannel("express-wechat-login:host");
    start.bindStore(storage, (message) => `in ${(message as Traced).name}`);
    atEnd(() => start.unbindStore(storage));
    const seen: unknown[] = [];
    const { wechat, post } = await startApp({
      findUser: () => void seen.push(storage.getStore()),
      require: [],
    });
    await post("/wx/login", wechat.phone().login());
    expect(seen).to.deep.equal(["in findUser"]);
  });
});
