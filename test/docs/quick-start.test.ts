import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { atEnd } from "../support/login-app.ts";
import { quickStart } from "../support/quick-start.ts";

/** Tests and lib are both TypeScript, or both compiled. */
const ENDING = extname(import.meta.filename);
const LIB = join(import.meta.dirname, "../../lib");
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
      await quickStart(await strangersFolder(), env, ENDING === ".ts" ? ["--import=tsx"] : []);
    });
  }
});
