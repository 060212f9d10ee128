import { Redis } from "ioredis";
import { accessToken } from "../../lib/index.ts";

/**
 * A process of its own that needs an access_token many times at once: `node … <redis url> <options as JSON> <calls>`.
 * It says "ready", begins when it hears something, and prints the tokens that it got, or the error.
 */
const [redisUrl = "", options = "{}", calls = "1"] = process.argv.slice(2);
const redis = new Redis(redisUrl);
const token = accessToken({ ...JSON.parse(options), redis });
await redis.ping();
console.log("ready");
await new Promise((resolve) => process.stdin.once("data", resolve));
const began = Date.now();
const results = await Promise.allSettled(Array.from({ length: Number(calls) }, () => token.get()));
const tokens = new Set(
  results.map((result) => (result.status === "fulfilled" ? result.value : String(result.reason))),
);
console.log(JSON.stringify({ tokens: [...tokens], ms: Date.now() - began }));
process.exit();
