import type { Redis } from "ioredis";
import type { SecretBox } from "./secret-box.ts";

/** One key in Redis. */
export interface StoredKey {
  /** What waits there: `pending` is a login under its temporary token. */
  kind: string;
  key: string;
  value: string;
  /** Milliseconds until it is gone. */
  ttl: number;
}

const KINDS = ["pending", "session", "access-token", "state"];

/** What is in Redis under a prefix, as the page may see it; nothing where Redis is away. */
export async function storedKeys(
  client: Redis,
  prefix: string,
  { hide }: SecretBox,
): Promise<StoredKey[] | undefined> {
  const keys = await keysOf(client, prefix).catch(() => undefined);
  if (!keys) return undefined;
  const found = await Promise.all(keys.map(async (key) => await readKey(client, key).catch(() => undefined)));
  return found
    .filter((entry) => entry !== undefined)
    .map(({ key, value, ttl }) => ({
      kind: kindOf(key),
      key: key.slice(prefix.length),
      value: hide(value),
      ttl,
    }))
    .sort(
      (one, other) => KINDS.indexOf(one.kind) - KINDS.indexOf(other.kind) || (one.key < other.key ? -1 : 1),
    );
}

/** Forgets everything under a prefix. */
export async function forgetKeys(client: Redis, prefix: string): Promise<void> {
  const keys = await keysOf(client, prefix);
  if (keys.length > 0) await client.del(...keys);
}

async function keysOf(client: Redis, prefix: string): Promise<string[]> {
  const keys = new Set<string>();
  let cursor = "0";
  do {
    const [next, some] = await client.scan(cursor, "MATCH", `${prefix}*`, "COUNT", 500);
    for (const key of some) keys.add(key);
    cursor = next;
  } while (cursor !== "0");
  return [...keys];
}

async function readKey(client: Redis, key: string) {
  const [value, ttl] = await Promise.all([client.get(key), client.pttl(key)]);
  // Gone in the meantime.
  return value === null || ttl < 0 ? undefined : { key, value: printable(value), ttl };
}

/** Bytes are told by their number only: no box could find a secret in them. */
function printable(value: string): string {
  return /[\p{Cc}\uFFFD]/u.test(value) ? `‹${value.length} bytes›` : value;
}

/** What a key is for; an empty text where nobody knows. */
export function kindOf(key: string): string {
  return KINDS.find((kind) => key.includes(kind)) ?? "";
}
