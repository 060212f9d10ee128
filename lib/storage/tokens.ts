import { createHash, randomBytes } from "node:crypto";

const TOKEN = /^[\w-]{43}$/;

/** A new token: 256 random bits in base64url, 43 characters. */
export function newToken(): string {
  return randomBytes(32).toString("base64url");
}

/** Whether a text has the form of a token; what has not is never looked up. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** What stands for a token in a key: who reads the keys of the store (MONITOR, a dump, a log) can redeem nothing. */
export function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
