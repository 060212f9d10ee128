/**
 * Where one-time tokens wait. Each method is one atomic step on one key, so that it holds on Redis Cluster, behind
 * Sentinel and with many processes.
 */
export interface Store {
  /** Keeps a value for `seconds`, replacing what was there. */
  set(key: string, value: string, seconds: number): Promise<void>;
  /** Gives the value and removes it: of any number of simultaneous callers exactly one gets it. */
  take(key: string): Promise<string | undefined>;
}
