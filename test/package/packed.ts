// Installs the packed tarball into empty hosts, as a user would: each logs someone in, and the TypeScript one compiles.
import { spawn } from "node:child_process";
import { access, copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wechatSimulator } from "../../lib/simulator/index.ts";
import { install, run } from "../support/commands.ts";
import { listening, quickStart, quickStartCommands } from "../support/quick-start.ts";
import { freePort, startRedis } from "../support/redis-server.ts";

const folder = await mkdtemp(join(tmpdir(), "packed-"));
const redis = process.env.REDIS_URL ? undefined : await startRedis();
const env = { ...process.env, REDIS_URL: process.env.REDIS_URL || redis?.url };
try {
  const [{ filename }] = JSON.parse(
    await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder]),
  );
  // As the README says it, but with the file that is not yet on npm.
  const commands = (await quickStartCommands()).replace(
    /(npm install.*) express-wechat-login/,
    `$1 ./${filename}`,
  );
  await run("sh", ["-ec", commands], { cwd: folder });
  await install(folder, ["typescript@6", "@types/express", "@types/node@20"]);

  for (const app of ["server.cjs", "server.mjs"]) {
    await plainJavaScript(app);
    await refusesProduction(app);
  }
  await quickStart(folder, env);
  await quickStart(folder, { ...env, REDIS_URL: undefined });
  console.log("README quick start: signed in");
  // What docs/clients.md says to copy, where it says it.
  for (const name of ["wechat-login.js", "wechat-login.d.ts"]) {
    await access(join(folder, "node_modules/express-wechat-login/example-app/miniprogram", name));
  }
  console.log("The client to copy: there");
  await doctor();
  await copyFile(join(import.meta.dirname, "app.ts"), join(folder, "app.ts"));
  const strict = [
    "--strict",
    "--module",
    "nodenext",
    "--target",
    "es2023",
    "--types",
    "node",
    "--noEmit",
    "app.ts",
  ];
  await run("npx", ["tsc", ...strict], { cwd: folder });
  console.log("app.ts: compiled");
} finally {
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
}

/** The example of this name logs someone in, whose code it gives itself. */
async function plainJavaScript(app: string): Promise<void> {
  await copyFile(join("example-app/javascript", app), join(folder, app));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = spawn(process.execPath, [app], {
    cwd: folder,
    env: { ...env, PORT: String(port) },
    stdio: "inherit",
  });
  try {
    await listening(url);
    const init = { method: "POST", headers: { "Content-Type": "application/json" } };
    const body = await (await fetch(`${url}/code`)).text();
    const login = await fetch(`${url}/wx/login`, { ...init, body });
    const { sessionToken } = (await login.json()) as { sessionToken: string };
    const me = await fetch(`${url}/me`, { headers: { Authorization: `Bearer ${sessionToken}` } });
    const answer = await me.text();
    if (answer !== '{"unionid":"u1"}') throw new Error(`${app} answered: ${answer}`);
    console.log(`${app}: signed in`);
  } finally {
    server.kill();
  }
}

/** Without an appid, and with one that has no secret: a real login is never served with what is made up. */
async function refusesProduction(app: string): Promise<void> {
  for (const more of [{ NODE_ENV: "production" }, { WECHAT_APP_ID: "wx1" }]) {
    const settings = { ...env, PORT: "0", ...more };
    const ended = run(process.execPath, [app], { cwd: folder, env: settings, timeout: 10_000 });
    const told = await ended.catch(({ message }) => message);
    if (!/TypeError: wechatLogin: "(appId|secret)" must be/.test(told))
      throw new Error(`${app} said: ${told}`);
  }
}

/** The command that npx finds: it explains itself, and is content with a simulated WeChat and this Redis. */
async function doctor(): Promise<void> {
  const help = await run("npx", ["express-wechat-login", "doctor", "--help"], { cwd: folder });
  if (!help.startsWith("express-wechat-login doctor: ")) throw new Error(`doctor --help printed: ${help}`);
  const wechat = await wechatSimulator({ appId: "wx1", secret: "s3cret" });
  try {
    const app = { WECHAT_APP_ID: "wx1", WECHAT_SECRET: "s3cret", WECHAT_BASE_URL: wechat.baseUrl };
    const output = await run("npx", ["express-wechat-login", "doctor"], {
      cwd: folder,
      env: { ...env, ...app },
    });
    if (!/✓ Redis +\w+ \d/.test(output)) throw new Error(`doctor printed: ${output}`);
    console.log("npx express-wechat-login doctor: nothing is red");
  } finally {
    await wechat.close();
  }
}
