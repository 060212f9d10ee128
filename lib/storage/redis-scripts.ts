import { hash } from "node:crypto";
import { WORTH_WRITING } from "./members.ts";

/** A Lua script, and the hash by which Redis knows it. */
export interface Script {
  text: string;
  sha1: string;
}

export const COUNT = script(`local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return { count, redis.call('PTTL', KEYS[1]) }`);
// The type of a client has no PX: a host's own type for its client may know no more than EX.
export const SET_MS = script(`return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])`);
export const GET_TIMED = script(`local value = redis.call('GET', KEYS[1])
return value and { value, redis.call('PTTL', KEYS[1]) }`);
export const TAKE_TIMED = script(`local ms = redis.call('PTTL', KEYS[1])
local value = redis.call('GETDEL', KEYS[1])
return value and { value, ms }`);
export const SWAP = script(`if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) else redis.call('DEL', KEYS[1]) end
return 1`);
// The lines are described in members.ts. The key lives as long as the longest of them, and no clock but that of Redis counts.
// Nothing relies on Lua's own turning of strings into numbers and back: not every server does it, and it makes 1e+14 of a moment.
// Nor on whole numbers, which have 32 bits in some (1e3 is none).
const MEMBERS = `local time = redis.call('TIME')
local micros = tonumber(time[1]) * 1e6 + tonumber(time[2])
local now = math.floor(micros / 1e3)
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
export const SET_MEMBER = script(`${MEMBERS}
local lines = {}
local life = tonumber(ARGV[2]) * 1e3
for old in kept:gmatch('([^\\n]*)\\n') do
  local name, ends = old:match('^(%S+) (%d+) %d+ ')
  if name == ARGV[1] then life = math.max(life, tonumber(ends) - now)
  elseif name and tonumber(ends) > now then table.insert(lines, old .. '\\n') end
end
table.insert(lines, ARGV[1] .. ' ' .. whole(now + life) .. ' ' .. whole(micros) .. ' ' .. ARGV[3] .. '\\n')
return keep(table.concat(lines, '', math.max(1, #lines - tonumber(ARGV[4]) + 1)), life)`);
// A full Redis takes no writes: a member is then found all the same, and not renewed.
export const RENEW_MEMBER = script(`${FIND_MEMBER}
local life = tonumber(ARGV[2]) * 1e3
local later = math.max(tonumber(ends), now + life)
local left = math.min(tonumber(ends) - now, redis.call('PTTL', KEYS[1]))
if later - now - left < life * ${WORTH_WRITING} then return { value, start, 0 } end
local line = ARGV[1] .. ' ' .. whole(later) .. ' ' .. start .. ' ' .. value .. '\\n'
if keep(others .. line, later - now).err then return { value, start, 0 } end
return { value, start, 1 }`);
// Where Redis is full, the others go as well: to end more is better than to end nothing.
export const REMOVE_MEMBER = script(`${FIND_MEMBER}
if others == '' or redis.pcall('SET', KEYS[1], others, 'KEEPTTL').err then return redis.call('DEL', KEYS[1]) end
return 1`);
export const LIST_MEMBERS = script(`${MEMBERS}
return { kept, whole(now) }`);
export const UNLOCK = script(`if redis.call('GET', KEYS[1]) == ARGV[1] then
  if KEYS[2] then redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3]) end
  redis.call('DEL', KEYS[1])
end`);

function script(text: string): Script {
  return { text, sha1: hash("sha1", text) };
}
