import { trace } from "../tracing.ts";
import { processStore } from "./in-process-store.ts";
import { type RedisClient, redisStore } from "./redis-store.ts";
import type { Store } from "./store.ts";

/** The store on the host's Redis connection, or the one of this process; each command can be traced. */
export function openStore(redis: RedisClient | undefined): Store {
  const store = redis ? redisStore(redis) : processStore;
  const commands = Object.entries(store) as [string, (...given: unknown[]) => Promise<unknown>][];
  const traced = commands.map(([name, command]) => [
    name,
    (...given: unknown[]) => trace("store", name, () => command(...given)),
  ]);
  return Object.fromEntries(traced) as Store;
}
