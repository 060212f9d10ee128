import type { Store } from "./store.ts";

/**
 * What is used of an ioredis client, version 5 or 6; `Redis` and `Cluster` both fit. The connection is the host's:
 * it is never opened, closed or listened to here. Needs Redis 6.2 (`GETDEL`) or Valkey.
 */
export interface RedisClient {
  set(key: string, value: string, secondsToken: "EX", seconds: number): Promise<unknown>;
  getdel(key: string): Promise<string | null>;
}

/** A store on the host's Redis connection. Errors of Redis pass through untouched. */
export function redisStore(redis: RedisClient): Store {
  return {
    async set(key, value, seconds) {
      await redis.set(key, value, "EX", seconds);
    },
    async take(key) {
      return (await redis.getdel(key)) ?? undefined;
    },
  };
}
