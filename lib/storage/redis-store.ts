import { hash } from "node:crypto";
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

interface Script {
  text: string;
  sha1: string;
}

const COUNT = script(`local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return { count, redis.call('PTTL', KEYS[1]) }`);
// The type of a client has no PX: a host's own type for its client may know no more than EX.
const SET_MS = script(`return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])`);
const TAKE_TIMED = script(`local ms = redis.call('PTTL', KEYS[1])
return { redis.call('GETDEL', KEYS[1]), ms }`);
// Members are lines of "<member> <end in ms since 1970> <value>", the one that was used last at the end. The key lives as long
// as the longest of them, and no clock but that of Redis counts.
const MEMBERS = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = '\\n' .. (redis.call('GET', KEYS[1]) or '')
local function keep(lines, seconds)
  return redis.pcall('SET', KEYS[1], lines, 'EX', math.max(seconds, redis.call('TTL', KEYS[1])))
end
local function line(value, seconds) return ARGV[1] .. ' ' .. now + seconds * 1000 .. ' ' .. value .. '\\n' end`;
const FIND_MEMBER = `${MEMBERS}
local from = kept:find('\\n' .. ARGV[1] .. ' ', 1, true)
if not from then return false end
local _, to, ends, value = kept:find(' (%d+) ([^\\n]*)\\n', from)
if tonumber(ends) <= now then return false end
local others = kept:sub(2, from) .. kept:sub(to + 1)`;
const SET_MEMBER = script(`${MEMBERS}
local lines = {}
for old, ends in kept:gmatch('(%S+ (%d+) [^\\n]*\\n)') do
  if tonumber(ends) > now then table.insert(lines, old) end
end
table.insert(lines, line(ARGV[3], ARGV[2]))
return keep(table.concat(lines, '', math.max(1, #lines - ARGV[4] + 1)), ARGV[2])`);
// Where Redis is full, nothing can be written: a member is then found all the same, and not renewed.
const RENEW_MEMBER = script(`${FIND_MEMBER}
keep(others .. line(value, ARGV[2]), ARGV[2])
return value`);
// Where Redis is full, the others go as well: to end more is better than to end nothing.
const REMOVE_MEMBER = script(`${FIND_MEMBER}
if others == '' or redis.pcall('SET', KEYS[1], others, 'KEEPTTL').err then return redis.call('DEL', KEYS[1]) end
return 1`);
const UNLOCK = script(`if redis.call('GET', KEYS[1]) == ARGV[1] then
  if KEYS[2] then redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3]) end
  redis.call('DEL', KEYS[1])
end`);

/** A store on the host's Redis connection. Errors of Redis pass through untouched. */
export function redisStore(redis: RedisClient): Store {
  const run = scriptsOn(redis);
  return {
    async set(key, value, seconds) {
      if (Number.isInteger(seconds)) await redis.set(key, value, "EX", seconds);
      else await run(SET_MS, 1, key, value, Math.ceil(seconds * 1000));
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
    async takeTimed(key) {
      const [value, ms] = (await run(TAKE_TIMED, 1, key)) as [string | null, number];
      return value === null ? undefined : { value, ms: Number(ms) };
    },
    async count(key, seconds) {
      const [count, ms] = (await run(COUNT, 1, key, seconds)) as [number, number];
      return { count, ms };
    },
    async setMember(key, member, value, seconds, max) {
      await run(SET_MEMBER, 1, key, member, seconds, value, max);
    },
    async renewMember(key, member, seconds) {
      return ((await run(RENEW_MEMBER, 1, key, member, seconds)) as string | null) ?? undefined;
    },
    async removeMember(key, member) {
      return (await run(REMOVE_MEMBER, 1, key, member)) !== null;
    },
    async unlock(lock, holder, keep) {
      if (keep) await run(UNLOCK, 2, lock, keep.key, holder, keep.value, keep.seconds);
      else await run(UNLOCK, 1, lock, holder);
    },
  };
}

/** Runs scripts by their hashes: the text of one travels once, and again where a server does not know it yet. */
function scriptsOn(redis: RedisClient) {
  return async (
    script: Script,
    ...given: [numberOfKeys: number, ...(string | number)[]]
  ): Promise<unknown> => {
    try {
      return await redis.evalsha(script.sha1, ...given);
    } catch (error) {
      if (!/^NOSCRIPT/.test(String((error as Error).message))) throw error;
      return await redis.eval(script.text, ...given);
    }
  };
}

function script(text: string): Script {
  return { text, sha1: hash("sha1", text) };
}
