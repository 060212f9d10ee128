import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { Cluster, Redis } from "ioredis";
import type { RedisClient } from "../../lib/index.ts";
import { atEnd, send, startApp } from "../support/login-app.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";

/** What the README advises: a login fails fast where Redis is away, and comes back by itself. */
const FAIL_FAST = {
  maxRetriesPerRequest: 1,
  commandTimeout: 1000,
  connectTimeout: 1000,
  retryStrategy: (times: number) => Math.min(times * 50, 500),
};

/** A Redis of this test's own, and a client with the advised options. */
async function own(args: string[] = [], options = {}) {
  const server = await startRedis(args);
  atEnd(() => server.stop());
  return { server, redis: client(server.port, options) };
}

function client(port: number, options = {}): Redis {
  const redis = new Redis(port, "127.0.0.1", { ...FAIL_FAST, ...options });
  // Without a listener ioredis prints.
  redis.on("error", () => {});
  atEnd(() => redis.disconnect());
  return redis;
}

async function hostOn(redis: RedisClient, options = {}) {
  const app = await startApp({ redis, session: {}, rateLimit: {}, ...options });
  /** A whole login: code, button, session. Gives the statuses until one is not 200. */
  const logIn = async (number: number) => {
    const phone = app.wechat.phone({ unionid: `u${number}`, unionidAtLogin: false });
    const asked = await app.post("/wx/login", phone.login());
    if (asked.status !== 200) return { status: asked.status };
    const { temporaryToken } = asked.body;
    const done = await app.post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
    return { status: done.status, sessionToken: done.body.sessionToken, temporaryToken, phone };
  };
  return { ...app, logIn };
}

type Host = Awaited<ReturnType<typeof hostOn>>;

/** Logins without end until it is stopped; what they were answered, and how long the slowest took. */
function load(host: Host, workers = 8) {
  let isOn = true;
  const statuses: Record<number, number> = {};
  let slowest = 0;
  let number = 0;
  const work = async () => {
    while (isOn) {
      const begun = Date.now();
      number += 1;
      const { status } = await host.logIn(number);
      slowest = Math.max(slowest, Date.now() - begun);
      statuses[status] = (statuses[status] ?? 0) + 1;
      await pause(2);
    }
  };
  const working = Promise.all(Array.from({ length: workers }, work));
  return {
    async stop() {
      isOn = false;
      await working;
      return { statuses, slowest };
    },
  };
}

async function comesBack({ logIn }: Host, within = 10_000): Promise<void> {
  for (const end = Date.now() + within; ; await pause(50)) {
    const { status } = await logIn(Date.now());
    if (status === 200) return;
    if (Date.now() > end) throw new Error(`still ${status} after ${within} ms`);
  }
}

describe("where Redis fails", function () {
  this.timeout(60_000);

  it("restarts in the middle of a load: every request ends, with 200 or in the host's error handler, and service returns", async () => {
    const { server, redis } = await own();
    const host = await hostOn(redis);
    const running = load(host);
    await pause(300);
    await server.stop();
    await pause(500);
    const again = await startRedis([], server.port);
    atEnd(() => again.stop());
    await comesBack(host);
    const { statuses, slowest } = await running.stop();
    expect(Object.keys(statuses)).to.have.members(["200", "500"]);
    expect(slowest).to.be.below(5000);
    expect(host.hostErrors.length).to.equal(statuses[500]);
  });

  it("freezes (SIGSTOP): logins fail within a second, a frozen one redeems no token twice, and service returns", async () => {
    const { server, redis } = await own();
    const host = await hostOn(redis);
    const { temporaryToken, data } = await pendingOn(host);
    process.kill(server.pid, "SIGSTOP");
    const begun = Date.now();
    const frozen = await host.post("/wx/login/complete", { temporaryToken, ...data });
    expect([frozen.status, frozen.body]).to.deep.equal([500, { host: "error" }]);
    expect(Date.now() - begun).to.be.within(500, 2500);
    process.kill(server.pid, "SIGCONT");
    await comesBack(host);
    // The command was received, and whatever came of it: the token gives one session at the most.
    const answers = await Promise.all(
      [1, 2, 3].map(() => host.post("/wx/login/complete", { temporaryToken, ...data })),
    );
    expect(answers.filter(({ status }) => status === 200).length).to.be.at.most(1);
    expect(host.users.filter(({ unionid }) => unionid === "pending").length).to.be.at.most(1);
  });

  it("is full (maxmemory): logins fail, sessions that are there stay good, and so does signing out", async () => {
    const { redis } = await own(["--maxmemory-policy", "noeviction"]);
    const host = await hostOn(redis);
    const phone = host.wechat.phone({ unionid: "u1" });
    const begin = async () => (await host.post("/wx/login", phone.login())).body.sessionToken;
    const sessions = [await begin(), await begin(), await begin()];
    const [one = "", two = "", three = ""] = sessions;
    const other = await host.logIn(2);
    const last = await host.logIn(3);
    const signOut = (token?: string) =>
      send(`${host.url}/wx/logout`, "", { Authorization: `Bearer ${token}` });
    expect((await signOut(one)).status).to.equal(200);
    expect((await host.me(two)).status).to.equal(200);
    await redis.config("SET", "maxmemory", "1mb");
    expect((await host.logIn(4)).status).to.equal(500);
    for (const token of [two, three, other.sessionToken, last.sessionToken]) {
      expect((await host.me(token)).status).to.equal(200);
    }
    // One of two sessions of a user: what cannot be written without it is removed with the other.
    expect((await signOut(two)).status).to.equal(200);
    for (const token of [two, three]) expect((await host.me(token)).status).to.equal(401);
    expect((await signOut(other.sessionToken)).status).to.equal(200);
    expect((await host.me(other.sessionToken)).status).to.equal(401);
    await host.wx.signOutEverywhere({ openid: String(last.phone?.openid) });
    expect((await host.me(last.sessionToken)).status).to.equal(401);
    await redis.config("SET", "maxmemory", "0");
    await comesBack(host);
  });

  it("evicts keys (maxmemory, allkeys-random): no session survives its revocation", async () => {
    const { redis } = await own(["--maxmemory-policy", "allkeys-random"]);
    const host = await hostOn(redis);
    const ended: string[] = [];
    for (let number = 0; number < 100; number++) {
      const { sessionToken, phone } = await host.logIn(number);
      await host.wx.signOutEverywhere({ openid: String(phone?.openid) });
      ended.push(String(sessionToken));
    }
    const used = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
    await redis.config("SET", "maxmemory", String(used + 100_000));
    for (let number = 0; number < 500; number++) await redis.set(`filler:${number}`, "x".repeat(1000));
    expect(Number(/evicted_keys:(\d+)/.exec(await redis.info("stats"))?.[1])).to.be.above(100);
    for (const token of ended) expect((await host.me(token)).status).to.equal(401);
    await redis.config("SET", "maxmemory", "0");
    await comesBack(host);
  });

  it("has a client with a keyPrefix: everything works, and every key has it", async () => {
    const { server, redis } = await own([], { keyPrefix: "host:" });
    const host = await hostOn(redis);
    const { sessionToken, phone } = await host.logIn(1);
    expect((await host.me(sessionToken)).status).to.equal(200);
    const keys = await client(server.port).keys("*");
    expect(keys.length).to.be.above(1);
    for (const key of keys) expect(key.startsWith("host:")).to.equal(true);
    await host.wx.signOutEverywhere({ openid: String(phone?.openid) });
    expect((await host.me(sessionToken)).status).to.equal(401);
  });
});

describe("a Redis with a replica", function () {
  this.timeout(60_000);

  it("fails over by Sentinel under load: every request ends, and service returns by itself", async () => {
    const { server: master } = await own();
    const { server: replica } = await own(["--replicaof", `127.0.0.1 ${master.port}`]);
    const sentinel = await sentinelOf(master);
    const redis = new Redis({
      ...FAIL_FAST,
      sentinels: [{ host: "127.0.0.1", port: sentinel.port }],
      name: "mymaster",
      sentinelRetryStrategy: (times) => Math.min(times * 50, 500),
    });
    redis.on("error", () => {});
    atEnd(() => redis.disconnect());
    await replicated(replica.port);
    const host = await hostOn(redis);
    const { sessionToken } = await host.logIn(0);
    const running = load(host, 4);
    await pause(200);
    await master.stop();
    await pause(1500);
    await comesBack(host, 30_000);
    const { statuses, slowest } = await running.stop();
    expect(Object.keys(statuses)).to.have.members(["200", "500"]);
    expect(slowest).to.be.below(6000);
    // What was replicated is there; what was not is a session less, not one too many.
    expect((await host.me(sessionToken)).status).to.be.oneOf([200, 401]);
    expect(await redis.info("replication")).to.include("role:master");
  });

  it("lags: a master that may not run ahead of it (min-replicas-to-write) refuses, and service returns with it", async () => {
    const { server: master, redis } = await own();
    const { server: replica, redis: slave } = await own(["--replicaof", `127.0.0.1 ${master.port}`]);
    await replicated(replica.port);
    await redis.config("SET", "min-replicas-to-write", "1");
    await redis.config("SET", "min-replicas-max-lag", "1");
    const host = await hostOn(redis);
    await comesBack(host);
    process.kill(replica.pid, "SIGSTOP");
    await pause(3000);
    expect((await host.logIn(1)).status).to.equal(500);
    expect(String(host.hostErrors.at(-1))).to.include("NOREPLICAS");
    process.kill(replica.pid, "SIGCONT");
    await comesBack(host);
    // A host that was given the replica by mistake is told so by Redis.
    const wrong = await hostOn(slave);
    expect((await wrong.logIn(1)).status).to.equal(500);
    expect(String(wrong.hostErrors[0])).to.include("READONLY");
  });
});

describe("a Redis Cluster of three masters", function () {
  this.timeout(90_000);

  it("moves a slot in the middle of it (ASK, MOVED): no login fails, no token is redeemed twice", async () => {
    const nodes = await startCluster();
    const cluster = new Cluster(
      nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
      { redisOptions: { commandTimeout: 2000 } },
    );
    cluster.on("error", () => {});
    atEnd(() => cluster.disconnect());
    const host = await hostOn(cluster as unknown as RedisClient);
    const { sessionToken, phone } = await host.logIn(0);
    const { temporaryToken, data } = await pendingOn(host);
    const slots = await slotsInUse(nodes);
    expect(slots.length).to.be.above(2);
    const running = load(host, 2);
    for (const slot of slots) await migrate(slot, nodes);
    const { statuses } = await running.stop();
    expect(Object.keys(statuses)).to.deep.equal(["200"]);
    expect((await host.me(sessionToken)).status).to.equal(200);
    const answers = await Promise.all(
      [1, 2, 3].map(() => host.post("/wx/login/complete", { temporaryToken, ...data })),
    );
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 401, 401]);
    await host.wx.signOutEverywhere({ openid: String(phone?.openid) });
    expect((await host.me(sessionToken)).status).to.equal(401);
  });
});

/** A login that waits for the button. */
async function pendingOn({ wechat, post }: Host) {
  const phone = wechat.phone({ unionid: "pending", unionidAtLogin: false });
  const { temporaryToken } = (await post("/wx/login", phone.login())).body;
  return { temporaryToken, data: phone.getUserInfo() };
}

async function replicated(port: number): Promise<void> {
  const redis = client(port);
  while (!(await redis.info("replication")).includes("master_link_status:up")) await pause(50);
}

/** One sentinel is enough to decide here. */
async function sentinelOf(master: RedisServer): Promise<RedisServer> {
  const { mkdtemp, rm, writeFile } = await import("node:fs/promises");
  const { tmpdir } = await import("node:os");
  const { join } = await import("node:path");
  const folder = await mkdtemp(join(tmpdir(), "sentinel-"));
  atEnd(() => rm(folder, { recursive: true }));
  const file = join(folder, "sentinel.conf");
  await writeFile(
    file,
    `sentinel monitor mymaster 127.0.0.1 ${master.port} 1
sentinel down-after-milliseconds mymaster 500
sentinel failover-timeout mymaster 5000
`,
  );
  const server = await startRedis([file, "--sentinel"]);
  atEnd(() => server.stop());
  return server;
}

async function startCluster(): Promise<RedisServer[]> {
  const settings = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
  const nodes = await Promise.all([1, 2, 3].map(() => startRedis(settings)));
  for (const node of nodes) atEnd(() => node.stop());
  const [first, ...others] = nodes.map(({ port }) => client(port));
  for (const [index, redis] of [first, ...others].entries()) {
    const [from, to] = [Math.floor((16384 * index) / 3), Math.floor((16384 * (index + 1)) / 3) - 1];
    await redis?.call("CLUSTER", "ADDSLOTSRANGE", from, to);
    if (index > 0) await first?.call("CLUSTER", "MEET", "127.0.0.1", String(nodes[index]?.port));
  }
  for (const { port } of nodes) {
    const redis = client(port);
    while (!String(await redis.call("CLUSTER", "INFO")).includes("cluster_state:ok")) await pause(50);
  }
  return nodes;
}

async function slotsInUse(nodes: RedisServer[]): Promise<number[]> {
  const slots = new Set<number>();
  for (const { port } of nodes) {
    const redis = client(port);
    for (const key of await redis.keys("*")) slots.add(Number(await redis.call("CLUSTER", "KEYSLOT", key)));
  }
  return [...slots];
}

/** Moves a slot from its node to the next one, key by key, with pauses in which it is neither here nor there. */
async function migrate(slot: number, nodes: RedisServer[]): Promise<void> {
  const clients = nodes.map(({ port }) => client(port));
  const ids = await Promise.all(clients.map(async (redis) => String(await redis.call("CLUSTER", "MYID"))));
  const from = nodes.findIndex((_node, index) => slot < Math.floor((16384 * (index + 1)) / 3));
  const to = (from + 1) % nodes.length;
  const [source, target] = [clients[from] as Redis, clients[to] as Redis];
  await target.call("CLUSTER", "SETSLOT", String(slot), "IMPORTING", String(ids[from]));
  await source.call("CLUSTER", "SETSLOT", String(slot), "MIGRATING", String(ids[to]));
  await pause(20);
  for (;;) {
    const keys = (await source.call("CLUSTER", "GETKEYSINSLOT", String(slot), "10")) as string[];
    if (keys.length === 0) break;
    for (const key of keys) {
      await source.call("MIGRATE", "127.0.0.1", String(nodes[to]?.port), key, "0", "1000");
      await pause(5);
    }
  }
  for (const redis of [target, source, ...clients]) {
    await redis.call("CLUSTER", "SETSLOT", String(slot), "NODE", String(ids[to]));
  }
  for (const redis of clients) redis.disconnect();
}
