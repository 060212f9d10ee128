import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { expect } from "chai";
import express from "express";
import session from "express-session";
import { jwtVerify, SignJWT } from "jose";
import { type WechatLoginOptions, wechatLogin } from "../../lib/index.ts";
import {
  APP_ID,
  ask,
  listen,
  ownPrefix,
  redis,
  SECRET,
  startWechat,
  userTable,
} from "../support/login-app.ts";

const LOGIN_REQUIRED = { error: { code: "login_required", message: "Log in again." } };

/** Runs the README's recipe of this name in a host, as it stands there; its imports are given as they are called. */
async function host(recipe: string) {
  const code = new RegExp(`\`\`\`js\\n// recipe: ${recipe}\\n([\\s\\S]*?)\`\`\``).exec(
    readFileSync("README.md", "utf8"),
  )?.[1];
  if (!code) throw new Error(`README.md has no recipe ${recipe}`);
  const wechat = await startWechat();
  const { findUser, saveUser } = userTable();
  const account = {
    appId: APP_ID,
    secret: SECRET,
    redis: redis(),
    baseUrl: wechat.baseUrl,
    keyPrefix: ownPrefix(),
  };
  const options: WechatLoginOptions<object, readonly ["unionid"]> = { ...account, findUser, saveUser };
  const app = express();
  const env = { JWT_SECRET: "0123456789abcdef0123456789abcdef", SESSION_SECRET: "keyboard" };
  const given = { app, options, wechatLogin, session, jwtVerify, SignJWT, process: { env } };
  const body = code.replaceAll(/^import .*\n/gm, "");
  new Function(...Object.keys(given), `"use strict";${body}`)(...Object.values(given));
  const url = await listen(createServer(app));
  const login = (headers: Record<string, string> = {}) =>
    ask(`${url}/wx/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(wechat.phone({ unionid: "u1" }).login()),
    });
  const me = (headers: Record<string, string>) => ask(`${url}/me`, { headers });
  return { login, me };
}

describe("the README's recipes", () => {
  it("jwt: a token of the host's own, and no session of ours", async () => {
    const { login, me } = await host("jwt");
    const { body } = await login();
    expect(body).to.have.all.keys("status", "token");
    expect((await me({ Authorization: `Bearer ${body.token}` })).body).to.deep.equal({ unionid: "u1" });
    const [head, payload] = String(body.token).split(".");
    const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.`;
    for (const forged of ["", "x", none, `${head}.${payload}.AAAA`]) {
      const answer = await me({ Authorization: `Bearer ${forged}` });
      expect([answer.status, answer.body]).to.deep.equal([401, LOGIN_REQUIRED]);
    }
  });

  it("express-session: a cookie, under an id that is new with the login", async () => {
    const { login, me } = await host("express-session");
    const { body, headers } = await login();
    expect(body).to.deep.equal({ status: "signed_in" });
    const cookie = String(headers.get("set-cookie")).split(";")[0] ?? "";
    expect((await me({ Cookie: cookie })).body).to.deep.equal({ unionid: "u1" });
    expect((await me({})).body).to.deep.equal(LOGIN_REQUIRED);
    const again = await login({ Cookie: cookie });
    expect(String(again.headers.get("set-cookie")).split(";")[0]).to.not.equal(cookie);
    expect((await me({ Cookie: cookie })).status).to.equal(401);
  });
});
