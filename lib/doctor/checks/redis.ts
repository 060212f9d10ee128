import { bad, type Check, type Context, type Finding, ok, skip, warn } from "../check.ts";
import { passIfForbidden, type RedisOfDoctor } from "../redis.ts";

const SLOW_MS = 20;
const PINGS = 5;
const FORBIDDEN = "this Redis (managed?) forbids the question";

/** Whether Redis answers, which it is, and how fast. */
export const redisServer: Check = {
  name: "Redis",
  async run({ settings, redis }) {
    if (!settings.redisUrl) return skip("no REDIS_URL", "Set REDIS_URL; production needs a Redis.");
    const client = await redis().catch((error: Error) => error);
    if (client instanceof Error) return bad(client.message, cureOf(settings.redisUrl, client));
    const began = performance.now();
    for (let count = 0; count < PINGS; count++) await client.ping().catch(passIfForbidden);
    const ms = (performance.now() - began) / PINGS;
    const latency = `${ms.toFixed(1)} ms`;
    const info = await fieldsOf(client, "server");
    if (!info)
      return warn(
        `answers in ${latency}; version not told: ${FORBIDDEN}`,
        "See to it that it is 6.2 or later.",
      );
    const [major = 0, minor = 0] = String(info.redis_version).split(".").map(Number);
    const what = info.valkey_version ? `Valkey ${info.valkey_version}` : `Redis ${info.redis_version}`;
    if (!(major > 6 || (major === 6 && minor >= 2))) {
      return bad(`${what} knows no GETDEL`, "Install Redis 6.2 or later, or Valkey.");
    }
    if (ms < SLOW_MS) return ok(`${what}, ${latency}`);
    return warn(
      `${what}, ${latency}`,
      "Each login waits for some commands: a Redis in the same zone (可用区) helps.",
    );
  },
};

/** What happens when Redis is full: it must refuse, not throw sessions away. */
export const eviction: Check = {
  name: "Redis eviction policy (淘汰策略)",
  run: (context) =>
    withRedis(context, async (client) => {
      const info = await fieldsOf(client, "memory");
      const policy = info?.maxmemory_policy;
      if (!policy) return skip(FORBIDDEN, "See to it that maxmemory-policy is noeviction.");
      if (policy === "noeviction") return ok(policy);
      const cure =
        "CONFIG SET maxmemory-policy noeviction: a full Redis then refuses logins instead of ending sessions.";
      return info.maxmemory === "0" ? warn(`${policy}, without maxmemory`, cure) : bad(policy, cure);
    }),
};

/** Whether sessions are still there after a restart of Redis. */
export const persistence: Check = {
  name: "Redis persistence (持久化)",
  run: (context) =>
    withRedis(context, async (client) => {
      const info = await fieldsOf(client, "persistence");
      if (info?.aof_enabled === "1") return ok("append-only file");
      const save = await client.config("GET", "save").catch(() => undefined);
      if (!Array.isArray(save)) return skip(FORBIDDEN, "Without it a restart of Redis signs everyone out.");
      if (save[1]) return ok("snapshots (RDB): the last minutes are lost with a crash");
      return warn("none", "CONFIG SET appendonly yes: without it a restart of Redis signs everyone out.");
    }),
};

/** ioredis takes other texts for the name of a host. */
function cureOf(url: string, { cause }: Error): string {
  if (/^(rediss?:\/\/|\/)/.test(url)) return String(cause);
  return "REDIS_URL is no URL that begins with redis:// or rediss://: correct it.";
}

export async function withRedis(
  { settings, redis }: Context,
  look: (client: RedisOfDoctor) => Promise<Finding>,
): Promise<Finding> {
  const client = settings.redisUrl && (await redis().catch(() => undefined));
  return client ? await look(client) : skip("no Redis");
}

/** A section of INFO by its names; nothing where the user may not ask. */
async function fieldsOf(client: RedisOfDoctor, section: string): Promise<Record<string, string> | undefined> {
  const text = await client.info(section).catch(() => undefined);
  const lines = text?.matchAll(/^(\w+):(.*?)\r?$/gm);
  return lines && Object.fromEntries([...lines].map(([, name, value]) => [name, value]));
}
