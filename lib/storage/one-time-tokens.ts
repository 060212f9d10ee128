import type { Store } from "./store.ts";
import { hashOf, isToken, newToken } from "./tokens.ts";

/** A value that waits under a token, and the moment (ms since 1970) until which it does. */
export interface Kept<Value> {
  value: Value;
  expiresAt: number;
}

/** One-time tokens, each standing for a value that must not leave the server. */
export interface OneTimeTokens<Value> {
  /** Keeps a value and gives the token for it. */
  issue(value: Value): Promise<string>;
  /** Whether a token would be redeemed now; it stays good. */
  isGood(token: string): Promise<boolean>;
  /** Gives the value and forgets it; `undefined` for a token that is unknown, used, expired or no token at all. */
  redeem(token: string): Promise<Kept<Value> | undefined>;
  /** Makes a redeemed token good again for the rest of its life. */
  putBack(token: string, kept: Kept<Value>): Promise<void>;
}

/**
 * One-time tokens of one kind over a store.
 *
 * @param prefix in front of every key; no two kinds may share one
 * @param ttl how long a token is good, in seconds
 */
export function oneTimeTokens<Value>(store: Store, prefix: string, ttl: number): OneTimeTokens<Value> {
  const keyOf = (token: string) => prefix + hashOf(token);

  return {
    async issue(value) {
      const token = newToken();
      await store.set(keyOf(token), encode({ value, expiresAt: Date.now() + ttl * 1000 }), ttl);
      return token;
    },
    async isGood(token) {
      return isToken(token) && (await store.get(keyOf(token))) !== undefined;
    },
    async redeem(token) {
      if (!isToken(token)) return undefined;
      const kept = await store.take(keyOf(token));
      return kept === undefined ? undefined : decode(kept);
    },
    async putBack(token, kept) {
      const seconds = Math.ceil((kept.expiresAt - Date.now()) / 1000);
      if (seconds > 0) await store.set(keyOf(token), encode(kept), seconds);
    },
  };
}

/** A pair instead of an object with names: this waits in Redis once per pending login. */
function encode({ value, expiresAt }: Kept<unknown>): string {
  return JSON.stringify([expiresAt, value]);
}

function decode<Value>(text: string): Kept<Value> {
  const [expiresAt, value] = JSON.parse(text) as [number, Value];
  return { expiresAt, value };
}
