import { Redis } from "ioredis";
import { start } from "./parts.ts";
import type { World } from "./world.ts";

/** What one login leaves in Redis and asks of it. */
export interface RedisCosts {
  target: string;
  /** Commands of one request; each is one round trip. */
  login: number;
  complete: number;
  guard: number;
  /** Bytes of memory, keys included. */
  pending: number;
  session: number;
}

const TARGETS = [
  { name: "ours", file: "ours" },
  { name: "ours, with the rate limit", file: "ours", env: { RATE_LIMIT: "1" } },
];

/** @param many how many logins wait, and how many sessions there are, when memory is looked at */
export async function redisCosts(world: World, many: number): Promise<RedisCosts[]> {
  const redis = new Redis(world.env.REDIS_URL);
  const rows: RedisCosts[] = [];
  try {
    for (const { name, file, env = {} } of TARGETS) {
      const { part: load } = await start("load.mjs", []);
      const { part: server, first } = await start<{ port: number }>("serve.mjs", [file], {
        env: { ...world.env, ...env },
        cores: "server",
      });
      const run = async (flow: string, count: number) => {
        await load.ask({ flow, connections: 50, count, warmUp: 200, port: first.port });
        return await measured(redis, () => load.ask("go"), count);
      };
      const [signIn, silent, guard] = [
        await run("sign-in", 500),
        await run("silent", 500),
        await run("guard", 500),
      ];
      const [pending, session] = [await run("pending", many), await run("silent", many)];
      const [login, whole] = [silent.commands, signIn.commands];
      rows.push({
        target: name,
        login,
        complete: whole - login,
        guard: guard.commands,
        pending: pending.bytes,
        session: session.bytes,
      });
      await Promise.all([load.stop(), server.stop()]);
    }
  } finally {
    redis.disconnect();
  }
  return rows;
}

/** Commands and bytes for each of `count` acts; what scripts call inside Redis is no round trip. */
async function measured(redis: Redis, work: () => Promise<unknown>, count: number) {
  const watching = count <= 1000 ? await redis.monitor() : undefined;
  let commands = 0;
  watching?.on("monitor", (_time: string, _command: string[], source: string) => {
    if (source !== "lua") commands += 1;
  });
  const before = await memory(redis);
  const own = commands;
  await work();
  const after = await memory(redis);
  const all = commands;
  watching?.disconnect();
  // One of them is our own look at the memory.
  return {
    commands: Math.round(((all - own - 1) / count) * 100) / 100,
    bytes: Math.round((after - before) / count),
  };
}

async function memory(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
}
