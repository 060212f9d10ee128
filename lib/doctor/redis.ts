import { createRequire } from "node:module";
import { join } from "node:path";
import type { RedisClient } from "../storage/redis-store.ts";
import type { Settings } from "./settings.ts";

/** What the doctor asks of an ioredis client, beside what the login does. */
export interface RedisOfDoctor extends RedisClient {
  connect(): Promise<unknown>;
  ping(): Promise<unknown>;
  call(command: string, ...given: string[]): Promise<unknown>;
  info(section: string): Promise<string>;
  config(get: "GET", name: string): Promise<unknown>;
  disconnect(): void;
  on(event: "error", listener: (error: Error) => void): unknown;
}

type Ioredis = { Redis: new (url: string, options: object) => RedisOfDoctor };

const CREDENTIALS =
  "redis://user:password@host:port, where @ is %40, : is %3A, / is %2F and % is %25 in a password.";

/** What Redis's first word of an error, or the code of the connection's, means, and what to do. */
const REASONS: Record<string, [reason: string, cure: string]> = {
  ECONNREFUSED: ["nobody listens there", "Start Redis, or correct the host and the port of REDIS_URL."],
  ENOTFOUND: ["nobody knows that host (DNS)", "Correct the host of REDIS_URL, or look at DNS."],
  NOAUTH: ["it wants a password", `Write it into REDIS_URL: ${CREDENTIALS}`],
  WRONGPASS: ["it refuses the user or the password", `Correct them in REDIS_URL: ${CREDENTIALS}`],
};
const OTHER_CURE = "Look at REDIS_URL, at the firewall, and at whether it wants TLS (rediss://).";

/**
 * Connects with the project's own ioredis, which this library does not bring along.
 *
 * @throws {Error} in a sentence that holds neither the URL nor its password; its cause is the cure
 */
export async function connectRedis({ redisUrl = "", folder, timeout }: Settings): Promise<RedisOfDoctor> {
  const { Redis } = ioredisOf(folder);
  const limits = { connectTimeout: timeout, commandTimeout: timeout, maxRetriesPerRequest: 0 };
  const redis = new Redis(redisUrl, {
    ...limits,
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: () => null,
  });
  // What happens to the connection is told here; its commands only say that it is closed.
  let told: unknown;
  redis.on("error", (error) => {
    told = error;
  });
  try {
    await redis.connect();
    await redis.ping().catch(passIfForbidden);
    return redis;
  } catch (error) {
    redis.disconnect();
    const [reason, cure] = reasonOf(told ?? error);
    throw new Error(`Redis cannot be used: ${reason}.`, { cause: cure });
  }
}

/** The login sends no PING: a user that may not is as good as any. */
export function passIfForbidden(error: Error): void {
  if (!/^NOPERM/.test(error.message)) throw error;
}

function ioredisOf(folder: string): Ioredis {
  try {
    return createRequire(join(folder, "package.json"))("ioredis");
  } catch {
    const cause = "npm install ioredis, and run this beside it.";
    throw new Error("ioredis is not installed in this project.", { cause });
  }
}

function reasonOf(error: unknown): [reason: string, cure: string] {
  const { code, message } = Object(error);
  const word = typeof code === "string" ? code : String(message).replace(/ .*/s, "");
  return REASONS[word] ?? [/^[A-Z_]+$/.test(word) ? word : "no answer", OTHER_CURE];
}
