import { type Member, membersIn, textOf, WORTH_WRITING } from "./members.ts";
import type { Store } from "./store.ts";

/** About 50 MB at the most: enough for trying out, and a flood cannot exhaust the process. */
const MAX_ENTRIES = 100_000;
const SWEEP_EVERY_MS = 60_000;
/** Time is counted from here on: the clock of the machine can be set, and values would live longer or end at once. */
const STARTED_AT = performance.timeOrigin;

/**
 * The store of all logins of this process that are given no Redis: two routers see each other's sessions, as they would
 * on one Redis.
 */
export const processStore: Store = inProcessStore();

/** A store in the memory of this process, for trying out: it dies with the process and is shared with no other. */
export function inProcessStore(maxEntries = MAX_ENTRIES): Store {
  const entries = new Map<string, { value: string; expiresAt: number }>();
  const now = () => STARTED_AT + performance.now();
  let nextSweep = now() + SWEEP_EVERY_MS;

  function dropExpired(): void {
    for (const [key, entry] of entries) if (entry.expiresAt <= now()) entries.delete(key);
    nextSweep = now() + SWEEP_EVERY_MS;
  }

  function makeRoom(): void {
    if (now() >= nextSweep) dropExpired();
    // A Map remembers the order of insertion: the first key is the oldest.
    for (const oldest of entries.keys()) {
      if (entries.size < maxEntries) return;
      entries.delete(oldest);
    }
  }

  function get(key: string): string | undefined {
    const entry = entries.get(key);
    return entry && entry.expiresAt > now() ? entry.value : undefined;
  }

  const msLeft = (key: string) => Math.floor(Number(entries.get(key)?.expiresAt) - now());

  function getTimed(key: string) {
    const value = get(key);
    return value === undefined ? undefined : { value, ms: msLeft(key) };
  }

  function set(key: string, value: string, seconds: number): void {
    entries.delete(key);
    makeRoom();
    entries.set(key, { value, expiresAt: now() + seconds * 1000 });
  }

  /** Keeps what is under a key, which lives as long as the longest of its members, and never shorter than before. */
  function keep(key: string, members: Member[], at: number): void {
    const ms = Math.max(...members.map((member) => member.ms), get(key) === undefined ? 0 : msLeft(key));
    set(key, textOf(members, at), ms / 1000);
  }

  /** A member, and the others. */
  function find(key: string, name: string, at: number) {
    const members = membersIn(get(key) ?? "", at);
    const others = members.filter((member) => member.name !== name);
    return { found: members.find((member) => member.name === name), others };
  }

  return {
    set: async (key, value, seconds) => set(key, value, seconds),
    async add(key, value, seconds) {
      const isFree = get(key) === undefined;
      if (isFree) set(key, value, seconds);
      return isFree;
    },
    get: async (key) => get(key),
    async take(key) {
      const value = get(key);
      entries.delete(key);
      return value;
    },
    getTimed: async (key) => getTimed(key),
    async takeTimed(key) {
      const timed = getTimed(key);
      entries.delete(key);
      return timed;
    },
    async count(key, seconds) {
      const count = Number(get(key) ?? 0) + 1;
      const entry = entries.get(key);
      if (count > 1 && entry) entry.value = String(count);
      else set(key, "1", seconds);
      return { count, ms: msLeft(key) };
    },
    async swap(key, old, next) {
      if (get(key) !== old) return false;
      if (next) set(key, next.value, next.seconds);
      else entries.delete(key);
      return true;
    },
    async setMember(key, name, value, seconds, max) {
      const at = now();
      const { found, others } = find(key, name, at);
      const member = { name, value, startedAt: at, ms: Math.max(found?.ms ?? 0, seconds * 1000) };
      keep(key, [...others, member].slice(-max), at);
    },
    async renewMember(key, name, seconds) {
      const [at, life] = [now(), seconds * 1000];
      const { found, others } = find(key, name, at);
      if (!found) return undefined;
      const { value, startedAt } = found;
      const ms = Math.max(found.ms, life);
      const isRenewed = ms - Math.min(found.ms, msLeft(key)) >= life * WORTH_WRITING;
      if (isRenewed) keep(key, [...others, { ...found, ms }], at);
      return { value, startedAt, isRenewed };
    },
    async removeMember(key, name) {
      const at = now();
      const { found, others } = find(key, name, at);
      if (found && others.length > 0) keep(key, others, at);
      else if (found) entries.delete(key);
      return found !== undefined;
    },
    listMembers: async (key) => membersIn(get(key) ?? "", now()),
    async unlock(lock, holder, keep) {
      if (get(lock) !== holder) return;
      entries.delete(lock);
      if (keep) set(keep.key, keep.value, keep.seconds);
    },
  };
}
