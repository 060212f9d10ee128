import type { Store } from "./store.ts";

/** About 50 MB at the most: enough for trying out, and a flood cannot exhaust the process. */
const MAX_ENTRIES = 100_000;
const SWEEP_EVERY_MS = 60_000;

/**
 * The store of all logins of this process that are given no Redis: two routers see each other's sessions, as they would
 * on one Redis.
 */
export const processStore: Store = inProcessStore();

/** A store in the memory of this process, for trying out: it dies with the process and is shared with no other. */
export function inProcessStore(maxEntries = MAX_ENTRIES): Store {
  const entries = new Map<string, { value: string; expiresAt: number }>();
  let nextSweep = Date.now() + SWEEP_EVERY_MS;

  function dropExpired(now: number): void {
    for (const [key, entry] of entries) if (entry.expiresAt <= now) entries.delete(key);
    nextSweep = now + SWEEP_EVERY_MS;
  }

  function makeRoom(now: number): void {
    if (now >= nextSweep) dropExpired(now);
    // A Map remembers the order of insertion: the first key is the oldest.
    for (const oldest of entries.keys()) {
      if (entries.size < maxEntries) return;
      entries.delete(oldest);
    }
  }

  function get(key: string): string | undefined {
    const entry = entries.get(key);
    return entry && entry.expiresAt > Date.now() ? entry.value : undefined;
  }

  function set(key: string, value: string, seconds: number): void {
    const now = Date.now();
    entries.delete(key);
    makeRoom(now);
    entries.set(key, { value, expiresAt: now + seconds * 1000 });
  }

  /** A mark lives as long as the longest of its values. */
  function prolong(mark: string, value: string, seconds: number): void {
    const left = ((entries.get(mark)?.expiresAt ?? 0) - Date.now()) / 1000;
    set(mark, value, Math.max(left, seconds));
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
    async count(key, seconds) {
      const count = Number(get(key) ?? 0) + 1;
      const entry = entries.get(key);
      if (count > 1 && entry) entry.value = String(count);
      else set(key, "1", seconds);
      return { count, ms: Number(entries.get(key)?.expiresAt) - Date.now() };
    },
    async setMarked(key, mark, value, seconds, fresh) {
      const now = get(mark) ?? fresh;
      prolong(mark, now, seconds);
      set(key, `${now}:${value}`, seconds);
    },
    async renewMarked(key, mark, seconds) {
      const [value, now] = [get(key), get(mark)];
      entries.delete(key);
      if (value === undefined || now === undefined || !value.startsWith(`${now}:`)) return undefined;
      prolong(mark, now, seconds);
      set(key, value, seconds);
      return value.slice(now.length + 1);
    },
    async unlock(lock, holder, keep) {
      if (get(lock) !== holder) return;
      entries.delete(lock);
      if (keep) set(keep.key, keep.value, keep.seconds);
    },
  };
}
