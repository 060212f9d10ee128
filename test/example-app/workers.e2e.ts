import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { ownSchema } from "../databases/own-schema.ts";
import { startPostgres } from "../databases/postgres-server.ts";
import { startExample } from "../support/example.ts";
import { APP_ID, atEnd, listen, SECRET, startWechat } from "../support/login-app.ts";
import { startRedis } from "../support/redis-server.ts";
import { until } from "../support/until.ts";

const TWO = ["--workers", "2"];
let postgres: Awaited<ReturnType<typeof startPostgres>>;

/** Two workers with a Redis and a database of their own, and a WeChat that the test can bend. */
async function startTwo(env: Record<string, string> = {}) {
  const wechat = await startWechat();
  const redis = await startRedis();
  atEnd(redis.stop);
  const database = await ownSchema(postgres.url);
  const example = await startExample(TWO, {
    ...{ REDIS_URL: redis.url, DATABASE_URL: database.url, ...env },
    ...{ WECHAT_APP_ID: APP_ID, WECHAT_SECRET: SECRET, WECHAT_BASE_URL: wechat.baseUrl },
  });
  await example.printed(times("serves", 2));
  const pids = () => [...example.output().matchAll(/Worker (\d+) serves/g)].map(([, pid]) => Number(pid));
  const me = (sessionToken: string) =>
    example.send("/me", undefined, { Authorization: `Bearer ${sessionToken}` });
  return { ...example, wechat, redis, database, pids, me };
}

function times(word: string, count: number): RegExp {
  return new RegExp(`(${word}.*){${count}}`, "s");
}

/**
 * Listens to a Redis; the function returned gives who has sent which command for a temporary token: its key, by the address of
 * the connection. By a plain socket: ioredis loses the answer to MONITOR if another client connects at the same moment.
 */
async function sendersOf(url: string): Promise<(command: string) => Map<string, string>> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).setEncoding("utf8");
  atEnd(() => socket.destroy());
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  socket.write("MONITOR\r\n");
  await until(() => text.includes("+OK"));
  return (command) => {
    const senders = new Map<string, string>();
    for (const [, source = "", line = ""] of text.matchAll(/\[\d+ (\S+)\] (.*)/g)) {
      const [name, ...args] = [...line.matchAll(/"([^"]*)"/g)].map(([, word = ""]) => word);
      // A script's hash and the number of its keys come before the key.
      const key = command === "evalsha" ? args[2] : args[0];
      if (name?.toLowerCase() === command && key?.includes(":pending:")) senders.set(key, source);
    }
    return senders;
  };
}

describe("the example as workers", function () {
  this.timeout(120_000);

  before(async () => {
    postgres = await startPostgres();
  });

  after(() => postgres?.stop());

  it("logs in over both: what one has begun the other completes, on one Redis and one PostgreSQL", async () => {
    const { send, me, wechat, redis, database } = await startTwo();
    const senders = await sendersOf(redis.url);
    for (let number = 0; number < 6; number++) {
      const phone = wechat.phone({ unionid: `u${number}`, unionidAtLogin: false });
      const { temporaryToken } = (await send("/wx/login", phone.login())).body;
      const done = await send("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
      expect(done.body.status).to.equal("signed_in");
      for (const _worker of [1, 2]) expect((await me(done.body.sessionToken)).status).to.equal(200);
    }
    await until(() => senders("evalsha").size === 6);
    const [began, completed] = [senders("set"), senders("evalsha")];
    const pending = [...completed].filter(([key]) => began.has(key));
    expect(pending).to.have.length(6);
    expect(new Set([...began.values(), ...completed.values()]).size).to.equal(2);
    expect(pending.some(([key, source]) => began.get(key) !== source)).to.equal(true);
    expect([await database.count("users"), await database.count("openids")]).to.deep.equal([6, 6]);
  });

  it("SIGTERM under load loses no request: a balancer sees 503 in time, and all that was sent is answered", async () => {
    const { child, send, wechat, database } = await startTwo({ DRAIN_MS: "1000" });
    let isReady = true;
    const answers: unknown[] = [];
    async function client(): Promise<void> {
      while (isReady) {
        wechat.bendNext({ delay: 150 });
        const phone = wechat.phone({ unionid: `u${answers.length}-${Math.random()}` });
        const answer = await send("/wx/login", phone.login()).catch((error) => ({
          body: { status: error.code },
        }));
        answers.push(answer.body.status);
      }
    }
    async function balancer(): Promise<void> {
      while (isReady) {
        isReady = (await send("/readyz")).status === 200;
        await pause(50);
      }
    }
    const load = Promise.all([balancer(), ...Array.from({ length: 20 }, client)]);
    await pause(1000);
    const exit = once(child, "exit");
    const [signalled, before] = [Date.now(), answers.length];
    child.kill("SIGTERM");
    await load;
    expect(await exit).to.deep.equal([0, null]);
    expect(Date.now() - signalled).to.be.within(1000, 10_000);
    expect(before).to.be.above(20);
    expect(answers.length).to.be.above(before);
    expect(new Set(answers)).to.deep.equal(new Set(["signed_in"]));
    expect(await database.count("users")).to.equal(answers.length);
  });

  it("SIGTERM to every process, as supervisors send it, is drained as well", async () => {
    const { child, pids, send, wechat } = await startTwo({ DRAIN_MS: "200" });
    wechat.bendNext({ delay: 600 });
    const login = send("/wx/login", wechat.phone({ unionid: "u1" }).login());
    while (wechat.requests.length === 0) await pause(10);
    const exit = once(child, "exit");
    for (const pid of pids()) process.kill(pid, "SIGTERM");
    child.kill("SIGTERM");
    expect((await login).body.status).to.equal("signed_in");
    expect(await exit).to.deep.equal([0, null]);
  });

  it("SIGTERM ends them also while Redis is away", async () => {
    const { child, redis, output } = await startTwo();
    await redis.stop();
    const exit = once(child, "exit");
    const signalled = Date.now();
    child.kill("SIGTERM");
    expect(await exit).to.deep.equal([0, null]);
    expect(Date.now() - signalled).to.be.below(10_000);
    expect(output()).to.not.include("Node.js v");
  });

  it("SIGKILL of a worker is survived: the other goes on, sessions stay, and there are two again", async () => {
    const { pids, printed, send, me, wechat } = await startTwo();
    const { sessionToken } = (await send("/wx/login", wechat.phone({ unionid: "u1" }).login())).body;
    process.kill(Number(pids()[0]), "SIGKILL");
    await printed(/has ended \(SIGKILL\): another one begins in 100 ms/);
    for (let number = 0; number < 10; number++) expect((await me(sessionToken)).status).to.equal(200);
    await printed(times("serves", 3));
    expect(new Set(pids()).size).to.equal(3);
    for (let number = 0; number < 10; number++) expect((await me(sessionToken)).status).to.equal(200);
  });

  it("workers that die again and again are replaced later and later", async () => {
    const { pids, output, printed } = await startTwo();
    const waits = () => [...output().matchAll(/begins in (\d+) ms/g)].map(([, ms]) => Number(ms));
    for (const deaths of [1, 2, 3, 4]) {
      process.kill(Number(pids().at(-1)), "SIGKILL");
      await printed(times("begins in", deaths));
      await printed(times("serves", 2 + deaths));
    }
    expect(waits()).to.deep.equal([100, 200, 400, 800]);
  });

  it("/readyz says which of Redis and the database is away, and when it is back", async () => {
    const { send, redis } = await startTwo();
    const ready = { status: "ready", redis: "ok", database: "ok" };
    expect((await send("/readyz")).body).to.deep.equal(ready);
    await redis.stop();
    const failed = await send("/readyz");
    expect([failed.status, failed.body]).to.deep.equal([
      503,
      { status: "failed", redis: "failed", database: "ok" },
    ]);
    expect((await send("/healthz")).status).to.equal(200);
    const again = await startRedis([], redis.port);
    atEnd(again.stop);
    const deadline = Date.now() + 20_000;
    while ((await send("/readyz")).status !== 200) expect(Date.now()).to.be.below(deadline);
  });

  it("share one simulated WeChat, where no appid is given", async () => {
    const example = await startExample(TWO, {});
    await example.printed(times("Serving", 2));
    const places = [...example.output().matchAll(/^WeChat: +(\S+)$/gm)].map(([, place]) => String(place));
    expect(places).to.have.length(2);
    expect(new Set(places).size).to.equal(1);
    const page = await fetch(
      `${places[0]}/sns/jscode2session?appid=wx0000000000000000&secret=simulated-secret`,
    );
    expect(await page.json()).to.include({ errcode: 41008 });
  });

  it("or as one process, which walks through every scenario on PostgreSQL, too", async () => {
    const { url, count } = await ownSchema(postgres.url);
    const { printed, output } = await startExample([], { DATABASE_URL: url });
    await printed(/Ctrl\+C/);
    expect(output()).to.include("Database: PostgreSQL");
    for (const stored of ["'老周'", "'林林'", "'10012345678'", '401 {"error":{"code":"login_required']) {
      expect(output()).to.include(stored);
    }
    // One of them came to the Mini Program and to the website.
    expect((await count("openids")) - (await count("users"))).to.equal(1);
  });

  it("say in a sentence what is wrong, and do not begin", async () => {
    for (const [args, what] of [
      [TWO, /^Several workers need a Redis .* set REDIS_URL/],
      [["--workers", "0"], /^--workers takes a whole number above 0\./],
      [["--workers", "many"], /^--workers takes a whole number above 0\./],
    ] as const) {
      const { child, output } = await startExample([...args], { REDIS_URL: undefined });
      const exit = await once(child, "close");
      expect([exit, output()].join()).to.match(/^1,,/);
      expect(output()).to.match(what);
    }
  });

  it("that never come to serve are not tried again: the exit code tells", async () => {
    const taken = Number(new URL(await listen(createServer())).port);
    const { child, output } = await startExample(TWO, {
      PORT: String(taken),
      WECHAT_APP_ID: "wx1",
      WECHAT_SECRET: "s",
    });
    expect(await once(child, "close")).to.deep.equal([1, null]);
    expect(output()).to.include(`Port ${taken} cannot be used`).and.not.include("begins in");
  });
});
