import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { extname, join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { atEnd } from "../support/login-app.ts";
import { listening, quickStart, quickStartServer } from "../support/quick-start.ts";
import { freePort } from "../support/redis-server.ts";

/** Tests and lib are both TypeScript, or both compiled. */
const ENDING = extname(import.meta.filename);
const LIB = join(import.meta.dirname, "../../lib");
const NODE_ARGS = ENDING === ".ts" ? ["--import=tsx"] : [];
const CACHE = "node_modules/.cache";

/** A folder in which `express-wechat-login` is this checkout, and its peers are those that are installed here. */
async function strangersFolder(): Promise<string> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, "quick-start-"));
  atEnd(() => rm(folder, { recursive: true }));
  const exports = { ".": `./index${ENDING}`, "./simulator": `./simulator${ENDING}` };
  const meta = { name: "express-wechat-login", private: true, type: "module", exports };
  await writeFile(join(folder, "package.json"), JSON.stringify(meta));
  for (const [name, file] of Object.entries({ index: "index", simulator: "simulator/index" })) {
    const address = pathToFileURL(join(LIB, file + ENDING)).href;
    await writeFile(join(folder, name + ENDING), `export * from ${JSON.stringify(address)};`);
  }
  return folder;
}

describe("the README's quick start", () => {
  for (const isThere of [true, false]) {
    it(`signs in ${isThere ? "with" : "without"} a Redis, as it stands there`, async function () {
      this.timeout(30_000);
      const env = { ...process.env, REDIS_URL: isThere ? process.env.REDIS_URL : undefined };
      await quickStart(await strangersFolder(), env, NODE_ARGS);
    });
  }

  it("answers within seconds if its Redis cannot be reached, and prints why", async function () {
    this.timeout(30_000);
    const env = { ...process.env, REDIS_URL: `redis://127.0.0.1:${await freePort()}` };
    const ports = { 3000: await freePort(), 3001: await freePort() };
    const server = await quickStartServer(await strangersFolder(), env, NODE_ARGS, ports);
    const printed = text(server.stderr);
    try {
      await listening(`http://127.0.0.1:${ports[3000]}/`);
      const response = await fetch(`http://127.0.0.1:${ports[3000]}/wx/login`, {
        method: "POST",
        body: "{}",
        signal: AbortSignal.timeout(5000),
      });
      expect(response.status).to.equal(500);
      expect(await response.json()).to.deep.equal({ error: { message: "Internal Server Error" } });
    } finally {
      server.kill();
    }
    expect(await printed).to.match(/^Redis: connect ECONNREFUSED/m);
  });

  it("listens on PORT and says where, and what an answer does not say is in its log", async function () {
    this.timeout(30_000);
    const ports = { 3000: await freePort(), 3001: await freePort() };
    const env = { ...process.env, REDIS_URL: undefined, PORT: String(await freePort()) };
    const server = await quickStartServer(await strangersFolder(), env, NODE_ARGS, ports);
    const printed = Promise.all([text(server.stdout), text(server.stderr)]);
    try {
      await listening(`http://127.0.0.1:${env.PORT}/`);
      await fetch(`http://127.0.0.1:${env.PORT}/wx/login`, { method: "POST", body: '{"code":"c"}' });
    } finally {
      server.kill();
    }
    const [output, log] = await printed;
    expect(output).to.equal(`Serving http://localhost:${env.PORT}: POST /wx/login, GET /me\n`);
    // Nothing listens where its WeChat should be.
    expect(log).to.match(/^\/wx\/login wechat_unavailable {2}WeChat cannot be reached.* ECONNREFUSED/m);
  });

  it("ends with the reason if the port is in use", async function () {
    this.timeout(30_000);
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, () => resolve((taken.address() as AddressInfo).port));
    });
    atEnd(() => taken.close());
    const ports = { 3000: port, 3001: await freePort() };
    const env = { ...process.env, REDIS_URL: undefined };
    const server = await quickStartServer(await strangersFolder(), env, NODE_ARGS, ports);
    expect(await text(server.stderr)).to.include("EADDRINUSE");
    expect(await text(server.stdout)).to.equal("");
  });
});
