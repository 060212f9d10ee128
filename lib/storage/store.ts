/** Where tokens, sessions and locks wait. Each method is one atomic step, on one key or on keys that share a hash tag. */
export interface Store {
  /** Keeps a value for `seconds` (fractions count), replacing what was there. */
  set(key: string, value: string, seconds: number): Promise<void>;
  /** Keeps a value for `seconds` unless there is one; says whether it did. */
  add(key: string, value: string, seconds: number): Promise<boolean>;
  /** Gives a value and leaves it. */
  get(key: string): Promise<string | undefined>;
  /** Gives a value and removes it: of any number of simultaneous callers exactly one gets it. */
  take(key: string): Promise<string | undefined>;
  /** As `take`, with the milliseconds that the value had left. */
  takeTimed(key: string): Promise<{ value: string; ms: number } | undefined>;
  /** Counts one more under a key whose life of `seconds` begins with the first; gives the count and the milliseconds left. */
  count(key: string, seconds: number): Promise<{ count: number; ms: number }>;
  /**
   * Keeps a value for `seconds` as a member of what is under a key. Of more than `max` members the one that was kept or
   * renewed first is dropped. `value` has no line breaks.
   */
  setMember(key: string, member: string, value: string, seconds: number, max: number): Promise<void>;
  /** Gives a member's value, which lives `seconds` from now on. `take` removes all members of a key. */
  renewMember(key: string, member: string, seconds: number): Promise<string | undefined>;
  /** Removes a member; says whether there was one. */
  removeMember(key: string, member: string): Promise<boolean>;
  /** Ends a lock that `holder` still holds, and keeps a value in the same step; a lock of another's stays, as it is. */
  unlock(lock: string, holder: string, keep?: { key: string; value: string; seconds: number }): Promise<void>;
}
