import { hash, randomBytes } from "node:crypto";

const TOKEN = /^[\w-]{43}$/;

/** A new token: 256 random bits in base64url, 43 characters. */
export function newToken(): string {
  return randomBytes(32).toString("base64url");
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
