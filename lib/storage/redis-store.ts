import { hash } from "node:crypto";
import { membersIn, WORTH_WRITING } from "./members.ts";
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
const GET_TIMED = script(`return { redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1]) }`);
const TAKE_TIMED = script(`local ms = redis.call('PTTL', KEYS[1])
return { redis.call('GETDEL', KEYS[1]), ms }`);
const SWAP = script(`if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) else redis.call('DEL', KEYS[1]) end
return 1`);
// The lines are described in members.ts. The key lives as long as the longest of them, and no clock but that of Redis counts.
// Nothing relies on Lua's own turning of strings into numbers and back: not every server does it, and it makes 1e+14 of a moment.
const MEMBERS = `local time = redis.call('TIME')
local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = math.floor(micros / 1000)
local kept = (redis.call('GET', KEYS[1]) or ''):match('^.*\\n') or ''
local function whole(number) return string.format('%.0f', number) end
local function keep(lines, ms)
  return redis.pcall('SET', KEYS[1], lines, 'PX', whole(math.max(ms, redis.call('PTTL', KEYS[1]))))
end`;
const FIND_MEMBER = `${MEMBERS}
local from = ('\\n' .. kept):find('\\n' .. ARGV[1] .. ' ', 1, true)
if not from then return false end
local ends, start, value, to = kept:match('^(%d+) (%d+) ([^\\n]*)\\n()', from + #ARGV[1] + 1)
if not ends or tonumber(ends) <= now then return false end
local others = kept:sub(1, from - 1) .. kept:sub(to)`;
const SET_MEMBER = script(`${MEMBERS}
local lines = {}
for old in kept:gmatch('([^\\n]*)\\n') do
  local name, ends = old:match('^(%S+) (%d+) %d+ ')
  if name and name ~= ARGV[1] and tonumber(ends) > now then table.insert(lines, old .. '\\n') end
end
local life = tonumber(ARGV[2]) * 1000
table.insert(lines, ARGV[1] .. ' ' .. whole(now + life) .. ' ' .. whole(micros) .. ' ' .. ARGV[3] .. '\\n')
return keep(table.concat(lines, '', math.max(1, #lines - tonumber(ARGV[4]) + 1)), life)`);
// A full Redis takes no writes: a member is then found all the same, and not renewed.
const RENEW_MEMBER = script(`${FIND_MEMBER}
local life = tonumber(ARGV[2]) * 1000
local later = math.max(tonumber(ends), now + life)
local left = math.min(tonumber(ends) - now, redis.call('PTTL', KEYS[1]))
if later - now - left < life * ${WORTH_WRITING} then return { value, start, 0 } end
local line = ARGV[1] .. ' ' .. whole(later) .. ' ' .. start .. ' ' .. value .. '\\n'
if keep(others .. line, later - now).err then return { value, start, 0 } end
return { value, start, 1 }`);
// Where Redis is full, the others go as well: to end more is better than to end nothing.
const REMOVE_MEMBER = script(`${FIND_MEMBER}
if others == '' or redis.pcall('SET', KEYS[1], others, 'KEEPTTL').err then return redis.call('DEL', KEYS[1]) end
return 1`);
const LIST_MEMBERS = script(`${MEMBERS}
return { kept, whole(now) }`);
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
    getTimed: async (key) => timed(await run(GET_TIMED, 1, key)),
    takeTimed: async (key) => timed(await run(TAKE_TIMED, 1, key)),
    async count(key, seconds) {
      const [count, ms] = (await run(COUNT, 1, key, seconds)) as [number, number];
      return { count, ms };
    },
    async swap(key, old, next) {
      const args = next ? [next.value, next.seconds] : [];
      return Number(await run(SWAP, 1, key, old, ...args)) === 1;
    },
    async setMember(key, member, value, seconds, max) {
      await run(SET_MEMBER, 1, key, member, seconds, value, max);
    },
    async renewMember(key, member, seconds) {
      const found = (await run(RENEW_MEMBER, 1, key, member, seconds)) as [string, string, number] | null;
      if (!found) return undefined;
      const [value, micros, isRenewed] = found;
      return { value, startedAt: Number(micros) / 1000, isRenewed: Number(isRenewed) === 1 };
    },
    async removeMember(key, member) {
      return (await run(REMOVE_MEMBER, 1, key, member)) !== null;
    },
    async listMembers(key) {
      const [text, now] = (await run(LIST_MEMBERS, 1, key)) as [string, string];
      return membersIn(text, Number(now));
    },
    async unlock(lock, holder, keep) {
      if (keep) await run(UNLOCK, 2, lock, keep.key, holder, keep.value, keep.seconds);
      else await run(UNLOCK, 1, lock, holder);
    },
  };
}

function timed(answer: unknown) {
  const [value = null, ms] = (answer ?? []) as [string | null, number];
  return value === null ? undefined : { value, ms: Number(ms) };
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
