import type { Store } from "./store.ts";

/** About 50 MB at the most: enough for trying out, and a flood cannot exhaust the process. */
const MAX_ENTRIES = 100_000;
const SWEEP_EVERY_MS = 60_000;

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

  return {
    async set(key, value, seconds) {
      const now = Date.now();
      entries.delete(key);
      makeRoom(now);
      entries.set(key, { value, expiresAt: now + seconds * 1000 });
    },
    async take(key) {
      const entry = entries.get(key);
      entries.delete(key);
      return entry && entry.expiresAt > Date.now() ? entry.value : undefined;
    },
  };
}
