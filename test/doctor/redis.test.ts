import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Redis } from "ioredis";
import { atEnd } from "../support/login-app.ts";
import { startRedis } from "../support/redis-server.ts";
import { examine } from "./examine.ts";

/** A Redis of the test's own, and a client that changes its settings. */
async function ownRedis() {
  const { url, stop } = await startRedis();
  const admin = new Redis(url);
  atEnd(stop);
  atEnd(() => admin.disconnect());
  return { url, admin };
}

/** A server that answers RESP, late, and calls itself an old Redis or a Valkey. */
async function fakeRedis(info: string, delay = 0): Promise<string> {
  const server = createServer((socket) => {
    socket.on("data", (chunk) => {
      for (const word of String(chunk).match(/\b(ping|info|config|client|hello)\b\r\n/gi) ?? []) {
        const answer = /info/i.test(word) ? `$${info.length}\r\n${info}\r\n` : "+OK\r\n";
        setTimeout(() => socket.write(answer), delay);
      }
    });
    socket.on("error", () => {});
    atEnd(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => server.close());
  return `redis://127.0.0.1:${(server.address() as { port: number }).port}`;
}

describe("the doctor on Redis", () => {
  it("tells version and latency", async () => {
    const { url } = await ownRedis();
    const { row } = await examine({ redisUrl: url });
    expect(row("Redis")[0]).to.equal("ok");
    expect(row("Redis")[1]).to.match(/^(Redis|Valkey) \d+\.\d+\.\d+, \d+\.\d ms$/);
  });

  it("refuses policies that end sessions, once there is a limit", async () => {
    const { url, admin } = await ownRedis();
    expect((await examine({ redisUrl: url })).row("Redis evic")).to.deep.equal(["ok", "noeviction"]);
    await admin.config("SET", "maxmemory-policy", "allkeys-lru");
    expect((await examine({ redisUrl: url })).row("Redis evic")).to.deep.equal([
      "warn",
      "allkeys-lru, without maxmemory",
    ]);
    await admin.config("SET", "maxmemory", "100mb");
    expect((await examine({ redisUrl: url })).row("Redis evic")).to.deep.equal(["bad", "allkeys-lru"]);
  });

  it("tells whether a restart loses sessions", async () => {
    const { url, admin } = await ownRedis();
    const persistence = async () => (await examine({ redisUrl: url })).row("Redis pers");
    expect(await persistence()).to.deep.equal(["warn", "none"]);
    await admin.config("SET", "save", "3600 1");
    expect((await persistence())[0]).to.equal("ok");
    await admin.config("SET", "appendonly", "yes");
    expect(await persistence()).to.deep.equal(["ok", "append-only file"]);
  });

  it("says so where a managed Redis forbids to ask", async () => {
    const { url, admin } = await ownRedis();
    await admin.call("ACL", "SETUSER", "default", "-info", "-config");
    const { row } = await examine({ redisUrl: url });
    expect(row("Redis")[1]).to.match(/^answers in .*forbids the question$/);
    for (const name of ["Redis", "Redis evic", "Redis pers"]) expect(row(name)[0]).to.equal("warn");
    await admin.call("ACL", "SETUSER", "default", "-ping");
    expect((await examine({ redisUrl: url })).row("Redis")).to.deep.equal([
      "bad",
      "Redis cannot be used: NOPERM.",
    ]);
  });

  it("knows an old Redis, a Valkey, and a slow one", async () => {
    for (const [info, delay, level, found] of [
      ["redis_version:6.0.16\r\n", 0, "bad", /^Redis 6\.0\.16 knows no GETDEL$/],
      ["redis_version:5.2.0\r\n", 0, "bad", /^Redis 5\.2\.0/],
      ["redis_version:6.2.0\r\n", 0, "ok", /^Redis 6\.2\.0/],
      ["redis_version:6\r\n", 0, "bad", /^Redis 6 /],
      ["nothing:1\r\n", 0, "bad", /knows no GETDEL/],
      ["redis_version:7.2.4\r\nvalkey_version:8.0.1\r\n", 0, "ok", /^Valkey 8\.0\.1/],
      ["redis_version:7.0.15\r\n", 40, "warn", /^Redis 7\.0\.15/],
    ] as const) {
      const { row } = await examine({ redisUrl: await fakeRedis(info, delay) });
      expect(row("Redis")[0]).to.equal(level);
      expect(row("Redis")[1]).to.match(found);
    }
  });

  it("tells why it cannot be used, and neither its address nor a password", async () => {
    const { url, stop } = await startRedis(["--requirepass", "right-password"]);
    atEnd(stop);
    const wrong = url.replace("//", "//:redis-password@");
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    atEnd(() => silent.close());
    for (const [redisUrl, found] of [
      [wrong, /it refuses the user or the password|WRONGPASS/],
      [url, /it wants a password/],
      ["redis://127.0.0.1:1", /nobody listens there/],
      ["redis://:redis-password@no.such.host.invalid", /nobody knows that host|EAI_AGAIN/],
      [`redis://127.0.0.1:${(silent.address() as { port: number }).port}`, /no answer|ETIMEDOUT/],
    ] as const) {
      const { row, printed } = await examine({ redisUrl, timeout: 400 });
      expect(row("Redis")[0], redisUrl).to.equal("bad");
      expect(row("Redis")[1]).to.match(found);
      expect(row("Redis evic")).to.deep.equal(["warn", "not checked: no Redis"]);
      expect(printed).to.not.include("redis-password");
    }
  });

  it("says so where there is no REDIS_URL, or no ioredis in the project", async () => {
    expect((await examine({})).row("Redis")[0]).to.equal("warn");
    const folder = await mkdtemp(join(tmpdir(), "doctor-"));
    atEnd(() => rm(folder, { recursive: true }));
    const { row } = await examine({ redisUrl: "redis://127.0.0.1:1", folder });
    expect(row("Redis")[0]).to.equal("bad");
    expect(row("Redis")[1]).to.match(/^ioredis is not installed in this project/);
  });
});
