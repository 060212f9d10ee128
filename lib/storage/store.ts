import type { Member } from "./members.ts";

/** Where tokens, sessions and locks wait. Each method is one atomic step, on one key or on keys that share a hash tag. */
export interface Store {
  /** Keeps a value for `seconds` (fractions count), replacing what was there. */
  set(key: string, value: string, seconds: number): Promise<void>;
  /** Keeps a value for `seconds` unless there is one; says whether it did. */
  add(key: string, value: string, seconds: number): Promise<boolean>;
  /** Gives a value and leaves it. */
  get(key: string): Promise<string | undefined>;
  /** As `get`, with the milliseconds that the value has left on the store's clock. */
  getTimed(key: string): Promise<{ value: string; ms: number } | undefined>;
  /** Gives a value and removes it: of any number of simultaneous callers exactly one gets it. */
  take(key: string): Promise<string | undefined>;
  /** As `take`, with the milliseconds that the value had left. */
  takeTimed(key: string): Promise<{ value: string; ms: number } | undefined>;
  /** Counts one more under a key whose life of `seconds` begins with the first; gives the count and the milliseconds left. */
  count(key: string, seconds: number): Promise<{ count: number; ms: number }>;
  /** Replaces a value that is still `old`, or removes it if there is no `next`; says whether it did. */
  swap(key: string, old: string, next?: { value: string; seconds: number }): Promise<boolean>;
  /**
   * Keeps a value for `seconds` as a member of what is under a key, in the place of one of the same name, and then as long
   * as that one had left, if that is longer. Beyond `max` members the least recently kept or renewed one is dropped.
   * `value` has no line breaks, `member` no spaces.
   */
  setMember(key: string, member: string, value: string, seconds: number, max: number): Promise<void>;
  /**
   * Returns a member, which lives `seconds` from now on, or longer if it did already; nothing is written before a hundredth
   * of that life has passed. `take` removes all members of a key.
   */
  renewMember(
    key: string,
    member: string,
    seconds: number,
  ): Promise<{ value: string; startedAt: number; isRenewed: boolean } | undefined>;
  /** Removes a member; says whether there was one. */
  removeMember(key: string, member: string): Promise<boolean>;
  /** Returns all members of a key and leaves them. */
  listMembers(key: string): Promise<Member[]>;
  /** Ends a lock that `holder` still holds, and keeps a value in the same step; a lock of another's stays, as it is. */
  unlock(lock: string, holder: string, keep?: { key: string; value: string; seconds: number }): Promise<void>;
}
