// Installs the packed tarball into empty hosts, as a user would: each logs someone in, and the TypeScript one compiles.
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { install, run } from "../support/commands.ts";
import { startRedis } from "../support/redis-server.ts";

const folder = await mkdtemp(join(tmpdir(), "packed-"));
const redis = process.env.REDIS_URL ? undefined : await startRedis();
const env = { ...process.env, REDIS_URL: process.env.REDIS_URL ?? redis?.url };
try {
  const [{ filename }] = JSON.parse(
    await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder]),
  );
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  await install(folder, [
    `./${filename}`,
    "express",
    "ioredis",
    "typescript@6",
    "@types/express",
    "@types/node@20",
  ]);

  for (const app of ["app.cjs", "app.mjs"]) {
    await copyFile(join(import.meta.dirname, app), join(folder, app));
    const output = await run(process.execPath, [app], { cwd: folder, env });
    if (output !== "signed_in u1 function\n") throw new Error(`${app} printed: ${output}`);
    console.log(`${app}: signed in`);
  }
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
