// npm run soak -- <seconds>: the example under mixed traffic and random faults. Fails on an answer outside the contract, on a
// leak of memory, handles or Redis keys, on a user saved twice, and where service does not return. Figures: README.md.
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import Database from "libsql";
import { wechatSimulator } from "../../lib/simulator/index.ts";
import { freePort, startRedis } from "../support/redis-server.ts";
import { faults } from "./faults.ts";
import { traffic } from "./traffic.ts";

const SECONDS = Number(process.argv[2] ?? 60);
const WORKERS = 12;
const PEOPLE = 500;
/** What a warm process may still gain: caches, compiled code. */
const MAX_GROWTH_MB = 15;
/** Than before the load; under it there are some thirty. */
const MAX_MORE_HANDLES = 10;
/** Idle connections are gone by then. */
const QUIET_MS = 16_000;
const ACCOUNTS = {
  ...{ appId: "wxminiprogram", secret: "s1" },
  officialAccount: { appId: "wxofficial", secret: "s2" },
  website: { appId: "wxwebsite", secret: "s3" },
};

const folder = await mkdtemp(join(tmpdir(), "soak-"));
const wechat = await wechatSimulator(ACCOUNTS);
const [redisServer, port] = [await startRedis(), await freePort()];
const host = fork(join(import.meta.dirname, "host.ts"), {
  execArgv: ["--expose-gc", "--import=tsx"],
  stdio: ["ignore", "pipe", "ignore", "ipc"],
  env: {
    ...process.env,
    ...{ WECHAT_BASE_URL: wechat.baseUrl, WECHAT_APP_ID: ACCOUNTS.appId, WECHAT_SECRET: ACCOUNTS.secret },
    ...{ WECHAT_OFFICIAL_APP_ID: "wxofficial", WECHAT_OFFICIAL_SECRET: "s2" },
    ...{ WECHAT_WEBSITE_APP_ID: "wxwebsite", WECHAT_WEBSITE_SECRET: "s3" },
    WECHAT_AUTHORIZE_BASE_URL: wechat.baseUrl,
    ...{ REDIS_URL: redisServer.url, PORT: String(port), DATA: folder, TRUST_PROXY: "1" },
  },
});
process.once("exit", () => host.kill("SIGKILL"));
let hasEnded = false;
host.once("exit", () => {
  hasEnded = true;
});
for await (const chunk of host.stdout ?? []) if (String(chunk).includes("Ctrl+C")) break;

async function measure(): Promise<{ heapMB: number; handles: number }> {
  host.send("measure");
  const [message] = await once(host, "message");
  return message;
}

const disturbing = faults(wechat, redisServer);
const people = traffic(`http://localhost:${port}`, wechat, PEOPLE, disturbing.redisIsShaky);
const failures: string[] = [];
let done = 0;

async function work(until: number): Promise<void> {
  while (Date.now() < until && !hasEnded) {
    // A request that hangs would hold its worker for ever: then this is what is told.
    const timeout = pause(30_000, "hangs");
    const act = people.act().catch((error) => failures.push(String(error?.cause ?? error)));
    if ((await Promise.race([act, timeout])) === "hangs") failures.push("a request hangs");
    done += 1;
    // The simulator's memory of all requests is not what is tested here.
    wechat.requests.length = 0;
  }
}

const workFor = (ms: number) => Promise.all(Array.from({ length: WORKERS }, () => work(Date.now() + ms)));
const began = Date.now();
const idle = await measure();
await workFor((SECONDS * 1000) / 3);
const warm = await measure();
await workFor((SECONDS * 1000 * 2) / 3);
const seconds = (Date.now() - began) / 1000;
const lastRedis = await disturbing.stop();
// Bends that are left are used up, and then everything has to work again.
for (let left = 0; left < 100; left++) await fetch(`${wechat.baseUrl}/used-up`).catch(() => {});
await pause(QUIET_MS);
const end = await measure();
const before = { ...people.statuses };
await workFor(1000);
const served = Number(people.statuses["200"]) - Number(before["200"] ?? 0);

const db = new Database(join(folder, "users.db"));
const { users } = db.prepare("SELECT count(*) AS users FROM users").get() as { users: number };
const { unionids } = db.prepare("SELECT count(DISTINCT unionid) AS unionids FROM users").get() as {
  unionids: number;
};
db.close();
const redis = new Redis(lastRedis.url);
const keys = await redis.keys("*");
const ttls = await Promise.all(keys.map((key) => redis.ttl(key)));
const immortal = keys.filter((_key, index) => ttls[index] === -1);
redis.disconnect();

const expect = (isTrue: boolean, what: string) => void (isTrue || failures.push(what));
expect(!hasEnded, "the host has ended");
expect(people.offences.length === 0, `outside the contract: ${people.offences.slice(0, 5).join("\n")}`);
expect(users <= PEOPLE && users === unionids, `${users} users, ${unionids} unionids, ${PEOPLE} people`);
expect(immortal.length === 0, `keys without an end: ${immortal.slice(0, 5)}`);
expect(end.heapMB - warm.heapMB < MAX_GROWTH_MB, `the heap grew from ${warm.heapMB} to ${end.heapMB} MB`);
expect(end.handles <= idle.handles + MAX_MORE_HANDLES, `handles: ${idle.handles}, then ${end.handles}`);
expect(served > 10, "service has not returned");
console.log(
  `${seconds.toFixed(0)} s, ${done} acts, ${users} users of ${PEOPLE} people, ${keys.length} keys in Redis`,
);
console.log(
  `heap ${warm.heapMB.toFixed(1)} → ${end.heapMB.toFixed(1)} MB, handles ${idle.handles} → ${warm.handles} → ${end.handles}`,
);
console.table(disturbing.counts);
console.table(people.statuses);
for (const failure of failures) console.error(`FAILED: ${failure}`);
host.kill("SIGKILL");
await Promise.all([wechat.close(), lastRedis.stop(), rm(folder, { recursive: true, force: true })]);
process.exit(failures.length === 0 ? 0 : 1);
