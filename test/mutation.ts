import { spawn } from "node:child_process";
import { once } from "node:events";
import { startRedis } from "./support/redis-server.ts";

// Stryker runs the tests without mocha's global set-up: a Redis for them has to be there before.
const redis = process.env.REDIS_URL ? undefined : await startRedis();
const args = ["run", ".stryker.json", ...process.argv.slice(2)];
const env = { REDIS_URL: redis?.url, ...process.env };
const stryker = spawn("stryker", args, { stdio: "inherit", env });
const [code] = await once(stryker, "exit");
await redis?.stop();
process.exitCode = code ?? 1;
