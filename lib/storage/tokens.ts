import { hash, randomFillSync } from "node:crypto";

const TOKEN_BYTES = 32;
const TOKEN = /^[\w-]{43}$/;

/** Randomness is fetched for so many tokens at once: a call of randomBytes for each costs as much as all else about it. */
const pool = Buffer.allocUnsafeSlow(64 * TOKEN_BYTES);
let used = pool.length;

/** A new token: 256 random bits in base64url, 43 characters. */
export function newToken(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const token = pool.toString("base64url", used, used + TOKEN_BYTES);
  // What was given away is kept nowhere.
  pool.fill(0, used, used + TOKEN_BYTES);
  used += TOKEN_BYTES;
  return token;
}

/** Whether a text has the form of a token; what has not is never looked up. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * What stands for a token in a key: who reads the keys of the store (MONITOR, a dump, a log) can redeem nothing. 132 bits of
 * SHA-256: nobody finds a text for them, and they wait in Redis once per login.
 */
export function hashOf(token: string): string {
  return hash("sha256", token, "base64url").slice(0, 22);
}
