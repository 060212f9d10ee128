// Figures for docs/faults.md: a million pending logins in a Redis of its own; memory of each, and the latency of a login with
// and without them. By hand: npm run million
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express from "express";
import { Redis } from "ioredis";
import { wechatLogin } from "../../lib/index.ts";
import type { PendingLogin } from "../../lib/login/login-flow.ts";
import { wechatSimulator } from "../../lib/simulator/index.ts";
import { oneTimeTokens } from "../../lib/storage/one-time-tokens.ts";
import { redisStore } from "../../lib/storage/redis-store.ts";
import { startRedis } from "../support/redis-server.ts";

const COUNT = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 1000;
const ACCOUNT = { appId: "wx0123456789abcdef", secret: "secret" };
const BATCH = 1000;
const server = await startRedis();
const redis = new Redis(server.port, "127.0.0.1", { enableAutoPipelining: true });
const tokens = oneTimeTokens<PendingLogin>(
  redisStore(redis),
  "wechat-login:wx0123456789abcdef:pending:",
  3600,
);
const pending = (number: number): PendingLogin => ({
  openid: `oGZUI0egBJY1zhBYw2K${String(number).padStart(9, "0")}`,
  sessionKey: "HyVFkGl5F5OQWJZZaNzBBg==",
  known: {},
});

const used = async () => Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);

/** A whole login that asks, over HTTP, with a session in the end; the next one when it is done. */
async function latency(): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const phone = wechat.phone({ unionid: "u1", unionidAtLogin: false });
    const begun = performance.now();
    const { temporaryToken } = await post("/login", phone.login());
    const { status } = await post("/login/complete", { temporaryToken, ...phone.getUserInfo() });
    times.push(performance.now() - begun);
    if (status !== "signed_in") throw new Error(`a login ended with ${status}`);
  }
  return times;
}

const wechat = await wechatSimulator(ACCOUNT);
const app = express();
const options = { ...ACCOUNT, redis, baseUrl: wechat.baseUrl, rateLimit: false } as const;
app.use("/wx", wechatLogin({ ...options, findUser: () => null, saveUser: () => {} }));
const listening = app.listen(0, "127.0.0.1");
await once(listening, "listening");
const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}/wx`;

async function post(path: string, body: object): Promise<Record<string, string>> {
  const init = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  return (await (await fetch(url + path, init)).json()) as Record<string, string>;
}

const shown = (times: number[]) => {
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)]?.toFixed(2);
  return `median ${at(0.5)} ms, 99 % ${at(0.99)} ms`;
};

await latency();
const before = await used();
for (let number = 0; number < COUNT; number += BATCH) {
  await Promise.all(Array.from({ length: BATCH }, (_value, index) => tokens.issue(pending(number + index))));
}
const after = await used();
// Both in the same warm process, the one right after the other.
const full = await latency();
await redis.flushall();
const empty = await latency();
console.table({
  "pending logins": COUNT.toLocaleString("en"),
  "bytes for each": ((after - before) / COUNT).toFixed(0),
  "MB in all": ((after - before) / 1e6).toFixed(0),
  "a login, with them": shown(full),
  "a login, without": shown(empty),
});
redis.disconnect();
listening.close();
await Promise.all([wechat.close(), server.stop()]);
