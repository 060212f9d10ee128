import type { Store } from "./store.ts";
import { hashOf, isToken, newToken } from "./tokens.ts";

/** A value that waited under a token, and until when it may wait again. */
export interface Redeemed<Value> {
  value: Value;
  /** The deadline in milliseconds on the monotonic clock of this process (`performance.now()`): no other process reads it. */
  until: number;
}

/** One-time tokens, each standing for a value that must not leave the server. */
export interface OneTimeTokens<Value> {
  /**
   * Keeps a value and returns the token for it, with the whole seconds that it is good for.
   *
   * @param until the deadline that `redeem` returned, for a token that takes the place of a redeemed one. After that
   *   deadline the new token is good for 0 seconds.
   */
  issue(value: Value, until?: number): Promise<{ token: string; expiresIn: number }>;
  /** Returns the value and forgets it; `undefined` for a token that is unknown, used, expired or no token at all. */
  redeem(token: string): Promise<Redeemed<Value> | undefined>;
  /** Makes a redeemed token good again for the rest of its life. */
  putBack(token: string, redeemed: Redeemed<Value>): Promise<void>;
  /** Whether `redeem` would return a value now; the token stays as it is. */
  isGood(token: string): Promise<boolean>;
}

/**
 * One-time tokens of one kind over a store. Only the store's clock decides when a token expires: the clocks of processes
 * differ, and jump.
 *
 * @param prefix in front of every key; no two kinds may share one
 * @param ttl how long a token is good, in seconds
 */
export function oneTimeTokens<Value>(store: Store, prefix: string, ttl: number): OneTimeTokens<Value> {
  const keyOf = (token: string) => prefix + hashOf(token);

  /** Keeps a value until the deadline, but never longer than a new token; returns the milliseconds. */
  async function keep(token: string, { value, until }: Redeemed<Value>): Promise<number> {
    const ms = Math.min(Math.floor(until - performance.now()), ttl * 1000);
    if (ms <= 0) return 0;
    await store.set(keyOf(token), JSON.stringify(value), ms / 1000);
    return ms;
  }

  return {
    async issue(value, until = Number.POSITIVE_INFINITY) {
      const token = newToken();
      return { token, expiresIn: Math.floor((await keep(token, { value, until })) / 1000) };
    },
    async redeem(token) {
      const taken = isToken(token) ? await store.takeTimed(keyOf(token)) : undefined;
      return taken && { value: JSON.parse(taken.value) as Value, until: performance.now() + taken.ms };
    },
    async putBack(token, redeemed) {
      await keep(token, redeemed);
    },
    async isGood(token) {
      return isToken(token) && (await store.get(keyOf(token))) !== undefined;
    },
  };
}
