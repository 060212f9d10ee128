import type { Store } from "./store.ts";

/**
 * What is used of an ioredis client, version 5 or 6; `Redis` and `Cluster` both fit. The connection is the host's:
 * it is never opened, closed or listened to here. Needs Redis 6.2 (`GETDEL`, `GETEX`) or Valkey.
 */
export interface RedisClient {
  set(key: string, value: string, secondsToken: "EX", seconds: number): Promise<unknown>;
  set(key: string, value: string, secondsToken: "EX", seconds: number, nx: "NX"): Promise<unknown>;
  get(key: string): Promise<string | null>;
  getdel(key: string): Promise<string | null>;
  eval(script: string, numberOfKeys: number, ...keysAndArguments: (string | number)[]): Promise<unknown>;
}

const COUNT = `local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return { count, redis.call('PTTL', KEYS[1]) }`;
// A mark lives as long as the longest of its values: EXPIRE … GT would say so, from Redis 7 on.
const PROLONG = `if redis.call('TTL', KEYS[2]) < tonumber(ARGV[1]) then redis.call('EXPIRE', KEYS[2], ARGV[1]) end`;
const SET_MARKED = `redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[1], 'NX')
${PROLONG}
redis.call('SET', KEYS[1], redis.call('GET', KEYS[2]) .. ':' .. ARGV[2], 'EX', ARGV[1])`;
const RENEW_MARKED = `local value, mark = redis.call('GETEX', KEYS[1], 'EX', ARGV[1]), redis.call('GET', KEYS[2])
if not value then return value end
if mark and value:sub(1, #mark + 1) == mark .. ':' then
  ${PROLONG}
  return value
end
redis.call('DEL', KEYS[1])`;
const UNLOCK = `if redis.call('GET', KEYS[1]) == ARGV[1] then
  if KEYS[2] then redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3]) end
  redis.call('DEL', KEYS[1])
end`;

/** A store on the host's Redis connection. Errors of Redis pass through untouched. */
export function redisStore(redis: RedisClient): Store {
  return {
    async set(key, value, seconds) {
      await redis.set(key, value, "EX", seconds);
    },
    async add(key, value, seconds) {
      return (await redis.set(key, value, "EX", seconds, "NX")) === "OK";
    },
    async get(key) {
      return (await redis.get(key)) ?? undefined;
    },
    async take(key) {
      return (await redis.getdel(key)) ?? undefined;
    },
    async count(key, seconds) {
      const [count, ms] = (await redis.eval(COUNT, 1, key, seconds)) as [number, number];
      return { count, ms };
    },
    async setMarked(key, mark, value, seconds, fresh) {
      await redis.eval(SET_MARKED, 2, key, mark, seconds, value, fresh);
    },
    async renewMarked(key, mark, seconds) {
      const value = (await redis.eval(RENEW_MARKED, 2, key, mark, seconds)) as string | null;
      return value?.slice(value.indexOf(":") + 1);
    },
    async unlock(lock, holder, keep) {
      if (keep) await redis.eval(UNLOCK, 2, lock, keep.key, holder, keep.value, keep.seconds);
      else await redis.eval(UNLOCK, 1, lock, holder);
    },
  };
}
