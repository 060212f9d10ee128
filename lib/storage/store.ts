/**
 * Where tokens, sessions and locks wait. Each method is one atomic step, on one key or on keys that share a hash tag
 * (`{…}`), so that it holds on Redis Cluster, behind Sentinel and with many processes.
 */
export interface Store {
  /** Keeps a value for `seconds`, replacing what was there. */
  set(key: string, value: string, seconds: number): Promise<void>;
  /** Keeps a value for `seconds` unless there is one; says whether it did. */
  add(key: string, value: string, seconds: number): Promise<boolean>;
  /** Gives a value and leaves it. */
  get(key: string): Promise<string | undefined>;
  /** Gives a value and removes it: of any number of simultaneous callers exactly one gets it. */
  take(key: string): Promise<string | undefined>;
  /** Counts one more under a key whose life of `seconds` begins with the first; gives the count and the milliseconds left. */
  count(key: string, seconds: number): Promise<{ count: number; ms: number }>;
  /** Keeps a value together with the mark that is under the key `mark`; where there is none, `fresh` becomes it. */
  setMarked(key: string, mark: string, value: string, seconds: number, fresh: string): Promise<void>;
  /**
   * Gives a value, which lives `seconds` from now on, and so does its mark; removes it where the mark that it was kept with
   * is there no longer, or is another.
   */
  renewMarked(key: string, mark: string, seconds: number): Promise<string | undefined>;
  /** Ends a lock that `holder` still holds, and keeps a value in the same step; a lock of another's stays, as it is. */
  unlock(lock: string, holder: string, keep?: { key: string; value: string; seconds: number }): Promise<void>;
}
