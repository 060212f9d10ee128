import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { Redis } from "ioredis";
import { blocksOf, filesOf } from "../docs/pages.ts";
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

const UNKNOWN = "ERR unknown command";
const OF_LOGIN = /^(set|get|getdel|eval|evalsha)$/i;

/**
 * A server that answers RESP, late, and calls itself an old Redis or a Valkey. To the commands of the login, or to others,
 * it answers an error, or nothing at all.
 */
async function fakeRedis(
  info: string,
  delay = 0,
  errors: (string | undefined)[] = [UNKNOWN],
  refused = OF_LOGIN,
): Promise<string> {
  let next = 0;
  const server = createServer((socket) => {
    socket.on("data", (chunk) => {
      for (const [, word = ""] of String(chunk).matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
        const error = refused.test(word) ? errors[next++ % errors.length] : "";
        if (error === undefined) return;
        const answer = /info/i.test(word) ? `$${info.length}\r\n${info}\r\n` : "+OK\r\n";
        setTimeout(() => socket.write(error === "" ? answer : `-${error}\r\n`), delay);
      }
    });
    socket.on("error", () => {});
    atEnd(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => server.close());
  return `redis://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const OPTIONAL = "optional: +info, for ioredis' ready check";

/** What the login uses of a Redis, as the doctor lists it: rules of an ACL. */
async function rulesOf(redisUrl: string): Promise<string[]> {
  const [level, found] = (await examine({ redisUrl })).row("Redis comm");
  expect(level).to.equal("ok");
  const [rules = "", optional] = found.replace("all that the login uses: ", "").split("; ");
  expect(optional).to.equal(OPTIONAL);
  return rules.split(" ");
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
    // The child that writes the first file would still write when its folder is removed.
    while (!(await admin.info("persistence")).includes("aof_rewrite_in_progress:0")) await pause(5);
  });

  it("says so where a managed Redis forbids to ask", async () => {
    const { url, admin } = await ownRedis();
    await admin.call("ACL", "SETUSER", "default", "-info", "-config");
    const { row } = await examine({ redisUrl: url });
    expect(row("Redis")[1]).to.match(/^answers in .*forbids the question$/);
    expect(row("Redis")[0]).to.equal("warn");
    for (const name of ["Redis evic", "Redis pers"]) {
      expect(row(name)).to.deep.equal(["skip", "not checked: this Redis (managed?) forbids the question"]);
    }
  });

  it("lists all that the login uses of Redis, finds that it may be used, and leaves nothing behind", async () => {
    const { url, admin } = await ownRedis();
    const rules = await rulesOf(url);
    expect(rules).to.include.members(["+set", "+get", "+getdel", "+eval", "+evalsha", "+time", "+incr"]);
    expect(await admin.keys("*")).to.deep.equal([]);
  });

  it("is content with a user that may run those and nothing else, on the login's keys alone", async () => {
    const { url, admin } = await ownRedis();
    const rules = await rulesOf(url);
    await admin.call("ACL", "SETUSER", "app", "on", ">app-password", "~shop:*", ...rules);
    const redisUrl = url.replace("//", "//app:app-password@");
    const { row } = await examine({ redisUrl, keyPrefix: "shop:" });
    expect(row("Redis")[1]).to.match(/^answers in .*forbids the question$/);
    expect(row("Redis comm")).to.deep.equal([
      "ok",
      `all that the login uses: ${rules.join(" ")}; ${OPTIONAL}`,
    ]);
    // The same user, and a login with another prefix.
    const { rows } = await examine({ redisUrl });
    expect(rows.find(({ name }) => name.startsWith("Redis comm"))).to.deep.equal({
      name: "Redis commands (ACL)",
      level: "bad",
      found: "the user may not use keys that begin with wechat-login:",
      cure: "ACL SETUSER <user> ~wechat-login:*; or say by --key-prefix which keyPrefix the login has.",
    });
    expect(await admin.keys("*")).to.deep.equal([]);
  });

  it("lists what the line of docs/deployment.md allows, in the same order", async () => {
    const rules = await rulesOf((await ownRedis()).url);
    for (const file of filesOf("docs/deployment")) {
      const line = blocksOf(file).find(({ code }) => code.startsWith("user login "))?.code;
      expect(line, file).to.equal(
        `user login on >a-long-password ~wechat-login:* resetchannels -@all ${rules.join(" ")} +info\n`,
      );
    }
  });

  it("is red for a user that may not run one of them, and names the line to add", async () => {
    const { url, admin } = await ownRedis();
    const rules = await rulesOf(url);
    for (const rule of rules) {
      await admin.call("ACL", "SETUSER", "default", rule.replace("+", "-"));
      const { rows } = await examine({ redisUrl: url });
      expect(rows.find(({ name }) => name.startsWith("Redis comm"))).to.deep.equal({
        name: "Redis commands (ACL)",
        level: "bad",
        found: `the user may not run ${rule.slice(1).toUpperCase()}`,
        cure: `ACL SETUSER <user> ${rule}; all that the login needs: ${rules.join(" ")}; ${OPTIONAL}`,
      });
      await admin.call("ACL", "SETUSER", "default", rule);
    }
  });

  it("names all that is forbidden at once", async () => {
    const { url, admin } = await ownRedis();
    await admin.call("ACL", "SETUSER", "default", "-@scripting", "-getdel");
    const { row } = await examine({ redisUrl: url });
    expect(row("Redis comm")).to.deep.equal(["bad", "the user may not run EVALSHA, GETDEL, EVAL"]);
  });

  it("tells a replica", async () => {
    const [primary, replica] = [await ownRedis(), await ownRedis()];
    await replica.admin.replicaof("127.0.0.1", new URL(primary.url).port);
    const { row } = await examine({ redisUrl: replica.url });
    expect(row("Redis comm")[0]).to.equal("bad");
    expect(row("Redis comm")[1]).to.match(/^commands fail: READONLY/);
  });

  // As Redis 6.2, a cluster and others answer.
  for (const [errors, level, found] of [
    [[UNKNOWN], "bad", /^this Redis does not know EVALSHA, SET, GET, GETDEL, EVAL$/],
    [
      ["ERR unknown command `getdel`, with args beginning with: `a`, "],
      "bad",
      /^this Redis does not know GETDEL$/,
    ],
    [
      [
        "NOPERM this user has no permissions to run the 'get' command or its subcommand",
        "MOVED 1 127.0.0.1:1",
      ],
      "bad",
      /^the user may not run GET$/,
    ],
    [
      [
        "ERR Error running script: -NOPERM The user executing the script can't run this command or subcommand",
      ],
      "bad",
      /^the user may not run ([A-Z]+, )*TIME\b/,
    ],
    [
      ["NOPERM this user has no permissions to access one of the keys used as arguments"],
      "bad",
      /^the user may not use keys that begin with wechat-login:$/,
    ],
    [["MOVED 1 127.0.0.1:1"], "skip", /^not checked: this is one node of a Redis Cluster$/],
    [["ASK 1 127.0.0.1:1"], "skip", /^not checked: this is one node of a Redis Cluster$/],
    [["OOM command not allowed", "(no word)"], "bad", /^commands fail: OOM, ERR$/],
    [[undefined], "bad", /^Redis stops answering$/],
  ] as const) {
    it(`says ${found} where Redis answers ${errors}`, async () => {
      const redisUrl = await fakeRedis("redis_version:7.2.4\r\n", 0, [...errors]);
      const { row } = await examine({ redisUrl, timeout: 400 });
      expect(row("Redis comm")[0]).to.equal(level);
      expect(row("Redis comm")[1]).to.match(found);
    });
  }

  it("tells a Redis that is not ready", async () => {
    const redisUrl = await fakeRedis("", 0, ["LOADING Redis is loading the dataset in memory"], /^ping$/i);
    const { row } = await examine({ redisUrl });
    expect(row("Redis")).to.deep.equal(["bad", "Redis cannot be used: LOADING."]);
  });

  it("says what is wrong with an address that is none of Redis's", async () => {
    for (const redisUrl of ["no-such-host.invalid:6379", "https://no-such-host.invalid"]) {
      const { rows, row } = await examine({ redisUrl, timeout: 300 });
      expect(row("Redis")[0]).to.equal("bad");
      const cure = "REDIS_URL is no URL that begins with redis:// or rediss://: correct it.";
      expect(rows.map((each) => each.cure)).to.include(cure);
    }
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
    for (const [redisUrl, found, cure] of [
      [wrong, /it refuses the user or the password/, /^Correct them in REDIS_URL: (?!.*firewall)/],
      [url, /it wants a password/, /^Write it into REDIS_URL: (?!.*firewall)/],
      ["redis://127.0.0.1:1", /nobody listens there/, /^Start Redis/],
      ["redis://:redis-password@no.such.host.invalid", /nobody knows that host|EAI_AGAIN/, /REDIS_URL/],
      [
        `redis://127.0.0.1:${(silent.address() as { port: number }).port}`,
        /no answer|ETIMEDOUT/,
        /the firewall/,
      ],
    ] as const) {
      const { rows, row, printed } = await examine({ redisUrl, timeout: 400 });
      expect(row("Redis")[0], redisUrl).to.equal("bad");
      expect(row("Redis")[1]).to.match(found);
      expect(rows.find(({ name }) => name === "Redis")?.cure).to.match(cure);
      expect(row("Redis evic")).to.deep.equal(["skip", "not checked: no Redis"]);
      expect(printed).to.not.include("redis-password");
    }
  });

  it("says so where there is no REDIS_URL, or no ioredis in the project", async () => {
    expect((await examine({})).row("Redis")).to.deep.equal(["skip", "not checked: no REDIS_URL"]);
    const folder = await mkdtemp(join(tmpdir(), "doctor-"));
    atEnd(() => rm(folder, { recursive: true }));
    const { row } = await examine({ redisUrl: "redis://127.0.0.1:1", folder });
    expect(row("Redis")[0]).to.equal("bad");
    expect(row("Redis")[1]).to.match(/^ioredis is not installed in this project/);
  });
});
