import type { Store } from "./store.ts";

/** About 50 MB at the most: enough for trying out, and a flood cannot exhaust the process. */
const MAX_ENTRIES = 100_000;
const SWEEP_EVERY_MS = 60_000;

/** A value among others under one key. */
interface Member {
  name: string;
  value: string;
  /** Milliseconds on the clock of this process that nobody sets. */
  expiresAt: number;
}

/**
 * The store of all logins of this process that are given no Redis: two routers see each other's sessions, as they would
 * on one Redis.
 */
export const processStore: Store = inProcessStore();

/** A store in the memory of this process, for trying out: it dies with the process and is shared with no other. */
export function inProcessStore(maxEntries = MAX_ENTRIES): Store {
  const entries = new Map<string, { value: string; expiresAt: number }>();
  // The wall clock is set back and forth: values would live on, or go at once.
  const now = () => performance.now();
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

  const msLeft = (key: string) => Math.ceil(Number(entries.get(key)?.expiresAt) - now());

  function set(key: string, value: string, seconds: number): void {
    entries.delete(key);
    makeRoom();
    entries.set(key, { value, expiresAt: now() + seconds * 1000 });
  }

  /** The members of a key that have not ended, the one that was used last at the end. */
  function membersOf(key: string): Member[] {
    const members: Member[] = JSON.parse(get(key) ?? "[]");
    return members.filter(({ expiresAt }) => expiresAt > now());
  }

  /** A key lives as long as the longest of its members. */
  function keep(key: string, members: Member[]): void {
    const end = Math.max(...members.map(({ expiresAt }) => expiresAt));
    set(key, JSON.stringify(members), (end - now()) / 1000);
  }

  /** A member, and the others. */
  function find(key: string, name: string): { found: Member | undefined; others: Member[] } {
    const members = membersOf(key);
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
    async takeTimed(key) {
      const [value, ms] = [get(key), msLeft(key)];
      entries.delete(key);
      return value === undefined ? undefined : { value, ms };
    },
    async count(key, seconds) {
      const count = Number(get(key) ?? 0) + 1;
      const entry = entries.get(key);
      if (count > 1 && entry) entry.value = String(count);
      else set(key, "1", seconds);
      return { count, ms: msLeft(key) };
    },
    async setMember(key, name, value, seconds, max) {
      const member = { name, value, expiresAt: now() + seconds * 1000 };
      keep(key, [...membersOf(key), member].slice(-max));
    },
    async renewMember(key, name, seconds) {
      const { found, others } = find(key, name);
      if (found) keep(key, [...others, { ...found, expiresAt: now() + seconds * 1000 }]);
      return found?.value;
    },
    async removeMember(key, name) {
      const { found, others } = find(key, name);
      if (others.length > 0) keep(key, others);
      else entries.delete(key);
      return found !== undefined;
    },
    async unlock(lock, holder, keep) {
      if (get(lock) !== holder) return;
      entries.delete(lock);
      if (keep) set(keep.key, keep.value, keep.seconds);
    },
  };
}
