import { membersIn } from "./members.ts";
import * as scripts from "./redis-scripts.ts";
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
  evalsha(sha1: string, numberOfKeys: number, ...keysAndArguments: (string | number)[]): Promise<unknown>;
}

/** A store on the host's Redis connection. Errors of Redis pass through untouched. */
export function redisStore(redis: RedisClient): Store {
  const run = scriptsOn(redis);
  return {
    async set(key, value, seconds) {
      if (Number.isInteger(seconds)) await redis.set(key, value, "EX", seconds);
      else await run(scripts.SET_MS, 1, key, value, Math.ceil(seconds * 1000));
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
    getTimed: async (key) => timed(await run(scripts.GET_TIMED, 1, key)),
    takeTimed: async (key) => timed(await run(scripts.TAKE_TIMED, 1, key)),
    async count(key, seconds) {
      const [count, ms] = (await run(scripts.COUNT, 1, key, seconds)) as [number, number];
      return { count, ms };
    },
    async swap(key, old, next) {
      const args = next ? [next.value, next.seconds] : [];
      return Number(await run(scripts.SWAP, 1, key, old, ...args)) === 1;
    },
    async setMember(key, member, value, seconds, max) {
      await run(scripts.SET_MEMBER, 1, key, member, seconds, value, max);
    },
    async renewMember(key, member, seconds) {
      const found = (await run(scripts.RENEW_MEMBER, 1, key, member, seconds)) as
        | [string, string, number]
        | null;
      if (!found) return undefined;
      const [value, micros, isRenewed] = found;
      return { value, startedAt: Number(micros) / 1000, isRenewed: Number(isRenewed) === 1 };
    },
    async removeMember(key, member) {
      return Boolean(await run(scripts.REMOVE_MEMBER, 1, key, member));
    },
    async listMembers(key) {
      const [text, now] = (await run(scripts.LIST_MEMBERS, 1, key)) as [string, string];
      return membersIn(text, Number(now));
    },
    async unlock(lock, holder, keep) {
      if (keep) await run(scripts.UNLOCK, 2, lock, keep.key, holder, keep.value, keep.seconds);
      else await run(scripts.UNLOCK, 1, lock, holder);
    },
  };
}

function timed(answer: unknown) {
  const [value, ms] = (answer || []) as [string?, number?];
  return value === undefined ? undefined : { value, ms: Number(ms) };
}

/** Runs scripts by their hashes: the text of one travels once, and again where a server does not know it yet. */
function scriptsOn(redis: RedisClient) {
  return async (
    script: scripts.Script,
    ...given: [numberOfKeys: number, ...(string | number)[]]
  ): Promise<unknown> => {
    try {
      return await redis.evalsha(script.sha1, ...given);
    } catch (error) {
      if (!/^NOSCRIPT/.test(String(Object(error).message))) throw error;
      return await redis.eval(script.text, ...given);
    }
  };
}
