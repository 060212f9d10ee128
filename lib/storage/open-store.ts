import { asError } from "../as-error.ts";
import { trace } from "../tracing.ts";
import { processStore } from "./in-process-store.ts";
import { type RedisClient, redisStore } from "./redis-store.ts";
import type { Store } from "./store.ts";

/**
 * The store on the host's Redis connection, or the one of this process. Each command can be traced, and its errors are
 * those of Redis without what the command carried.
 */
export function openStore(redis: RedisClient | undefined): Store {
  const store = redis ? redisStore(redis) : processStore;
  const commands = Object.entries(store) as [string, (...given: unknown[]) => Promise<unknown>][];
  const traced = commands.map(([name, command]) => [
    name,
    (...given: unknown[]) => trace("store", name, () => command(...given).catch(withoutArguments)),
  ]);
  return Object.fromEntries(traced) as Store;
}

/** ioredis hangs the whole command on its error: session_keys are among its arguments, and hosts log errors. */
function withoutArguments(thrown: unknown): never {
  const carrier: { command?: { name: string } } = Object(thrown);
  if (carrier.command) carrier.command = { name: carrier.command.name };
  throw asError(thrown, "the Redis client");
}
