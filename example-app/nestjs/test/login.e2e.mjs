// Starts the compiled example against a WeChat of the test's own, and logs people in over HTTP.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { wechatSimulator } from "express-wechat-login/simulator";

const website = { appId: "wxwebsite", secret: "s2" };
let wechat;
let example;
let url;

before(async () => {
  wechat = await wechatSimulator({ appId: "wxmini", secret: "s1", website });
  const port = await freePort();
  url = `http://localhost:${port}/api`;
  const env = { ...process.env, ...environment(), PORT: String(port) };
  example = spawn(process.execPath, ["dist/main.js"], { env, stdio: ["ignore", "pipe", "inherit"] });
  for await (const chunk of example.stdout) if (String(chunk).includes("Ctrl+C")) return;
  throw new Error("the example ended");
});

after(async () => {
  example?.kill("SIGKILL");
  await wechat?.close();
});

test("accounts are never made up in production, or beside a real one", async () => {
  for (const [env, name] of [
    [{ NODE_ENV: "production" }, "WECHAT"],
    [{ WECHAT_APP_ID: "wxmini" }, "WECHAT"],
    [{ WECHAT_APP_ID: "wxmini", WECHAT_SECRET: "s1" }, "WEBSITE"],
  ]) {
    const child = spawn(process.execPath, ["dist/main.js"], {
      env: { ...process.env, PORT: "0", ...env },
      timeout: 10_000,
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
    const [code] = await once(child, "close");
    assert.notEqual(code, 0);
    assert.match(output, new RegExp(`Set ${name}_APP_ID and ${name}_SECRET`));
  }
});

test("scenario 1: asks for the unionid once, by the button, and never again", async () => {
  const phone = wechat.phone({ unionid: "u1", unionidAtLogin: false });
  const asked = await post("/wx/login", phone.login());
  assert.deepEqual(asked.body.missing, ["unionid"]);
  const { temporaryToken } = asked.body;
  const refused = await post("/wx/login/complete", { temporaryToken, ...phone.refuse() });
  assert.deepEqual([refused.status, refused.body.error.code], [400, "authorization_denied"]);
  const done = await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
  assert.equal(done.body.status, "signed_in");
  const again = await post("/wx/login", phone.login());
  assert.equal(again.body.status, "signed_in");
});

test("the guard: a session token opens the controller, anything else is answered 401", async () => {
  const { sessionToken } = (await post("/wx/login", wechat.phone({ unionid: "u2" }).login())).body;
  const me = await get("/me", { Authorization: `Bearer ${sessionToken}` });
  assert.deepEqual([me.status, me.body.unionid], [200, "u2"]);
  for (const headers of [{}, { Authorization: "Bearer x" }]) {
    const refused = await get("/me", headers);
    assert.deepEqual([refused.status, refused.body.error.code], [401, "login_required"]);
  }
});

test("one person, one account: the website knows the user of the Mini Program, and shares the guard", async () => {
  const phone = wechat.phone({ unionid: "u3", nickName: "小明" });
  const { sessionToken } = (await post("/wx/login", phone.login())).body;
  const mini = await get("/me", { Authorization: `Bearer ${sessionToken}` });
  const start = await open(`${url}/web?returnTo=/orders`);
  const back = await open(phone.authorize(start.location), start.cookie);
  assert.equal(back.location, "/orders");
  const web = await get("/me", { Cookie: back.cookie });
  assert.deepEqual([web.status, web.body.id], [200, mini.body.id]);

  const foreign = await post(
    "/me/sign-out-everywhere",
    {},
    { Cookie: back.cookie, Origin: "https://evil.example" },
  );
  assert.equal(foreign.status, 401);
  const own = await post("/me/sign-out-everywhere", {}, { Cookie: back.cookie, Origin: new URL(url).origin });
  assert.equal(own.body.status, "signed_out");
  for (const headers of [{ Cookie: back.cookie }, { Authorization: `Bearer ${sessionToken}` }]) {
    assert.equal((await get("/me", headers)).status, 401);
  }
});

test("the guard answers nothing: a catch-all filter sees Nest's own exception, and lets nobody pass by a failure", async () => {
  Object.assign(process.env, environment());
  await import("reflect-metadata");
  const { NestFactory } = await import("@nestjs/core");
  const { AppModule } = await import("../dist/app.module.js");
  const { UsersService } = await import("../dist/users.service.js");
  const { WX } = await import("../dist/wechat.module.js");
  let isUp = true;
  const { find } = UsersService.prototype;
  UsersService.prototype.find = function (identity) {
    return isUp ? find.call(this, identity) : Promise.reject();
  };
  const app = await NestFactory.create(AppModule, { logger: false });
  const caught = [];
  app.useGlobalFilters({
    catch(exception, host) {
      const res = host.switchToHttp().getResponse();
      caught.push([exception.constructor.name, res.headersSent]);
      res.status(500).json({ filter: "all" });
    },
  });
  app.use("/wx", app.get(WX));
  await app.listen(0, "127.0.0.1");
  after(() => app.close());
  const place = await app.getUrl();
  const me = async (token) =>
    json(await fetch(`${place}/me`, { headers: { Authorization: `Bearer ${token}` } }));

  assert.deepEqual((await me("x")).body, { filter: "all" });
  const init = { method: "POST", body: JSON.stringify(wechat.phone({ unionid: "u4" }).login()) };
  const { sessionToken } = await (await fetch(`${place}/wx/login`, init)).json();
  assert.equal((await me(sessionToken)).body.unionid, "u4");
  isUp = false;
  assert.deepEqual((await me(sessionToken)).body, { filter: "all" });
  assert.deepEqual(caught, [
    ["UnauthorizedException", false],
    ["Error", false],
  ]);
});

test("a broken body is answered in the contract's form, also with Nest's body parser on", async () => {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${url}/wx/login`, { method: "POST", headers, body: "{" });
  assert.deepEqual([response.status, (await response.json()).error.code], [400, "invalid_request"]);
});

function environment() {
  const account = {
    WECHAT_APP_ID: "wxmini",
    WECHAT_SECRET: "s1",
    WECHAT_BASE_URL: wechat.baseUrl,
    WECHAT_AUTHORIZE_BASE_URL: wechat.baseUrl,
  };
  return { ...account, WEBSITE_APP_ID: website.appId, WEBSITE_SECRET: website.secret };
}

async function post(path, body, headers = {}) {
  const init = { method: "POST", headers: { "Content-Type": "application/json", ...headers } };
  return await json(await fetch(url + path, { ...init, body: JSON.stringify(body) }));
}

async function get(path, headers) {
  return await json(await fetch(url + path, { headers }));
}

async function json(response) {
  return { status: response.status, body: await response.json() };
}

/** A browser's request that follows no redirect. */
async function open(target, cookie = "") {
  const { headers } = await fetch(target, { headers: { Cookie: cookie }, redirect: "manual" });
  return { location: headers.get("location"), cookie: String(headers.getSetCookie()[0]).split(";")[0] };
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
