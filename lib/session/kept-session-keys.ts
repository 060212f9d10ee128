import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import type { Store } from "../storage/store.ts";

/** The newest session_key of each user, encrypted at rest. */
export interface KeptSessionKeys {
  keep(openid: string, sessionKey: string): Promise<void>;
  find(openid: string): Promise<string | undefined>;
  /** The session_key, and what can become of it unless a login has stored a newer one meanwhile. */
  entryOf(openid: string): Promise<KeptSessionKey | undefined>;
}

/** A session_key as it was found. Each change is one atomic step, and says whether this one was still kept. */
export interface KeptSessionKey {
  sessionKey: string;
  replace(sessionKey: string): Promise<boolean>;
  forget(): Promise<boolean>;
}

const ALGORITHM = "aes-256-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Keeps session_keys under a key that is derived from the AppSecret: who reads the store alone reads none.
 *
 * @param ttl seconds
 */
export function keptSessionKeys(
  store: Store,
  { appId, secret, prefix, ttl }: { appId: string; secret: string; prefix: string; ttl: number },
): KeptSessionKeys {
  const key = new Uint8Array(hkdfSync("sha256", secret, appId, "express-wechat-login session_key", 32));
  const keyOf = (openid: string) => `${prefix}session-key:${openid}`;

  // The openid is bound in: one user's entry, moved under another's key, opens no longer.
  function seal(openid: string, sessionKey: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, key, iv).setAAD(Buffer.from(openid));
    const sealed = Buffer.concat([iv, cipher.update(sessionKey), cipher.final()]);
    return Buffer.concat([sealed, cipher.getAuthTag()]).toString("base64");
  }

  function open(openid: string, text: string): string | undefined {
    const bytes = Buffer.from(text, "base64");
    const [iv, sealed, tag] = [
      bytes.subarray(0, IV_BYTES),
      bytes.subarray(IV_BYTES, -TAG_BYTES),
      bytes.subarray(-TAG_BYTES),
    ];
    try {
      const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(openid)).setAuthTag(tag);
      return Buffer.concat([decipher.update(sealed), decipher.final()]).toString();
    } catch {
      // The secret was changed since: the next login brings a new session_key.
      return undefined;
    }
  }

  async function entryOf(openid: string): Promise<KeptSessionKey | undefined> {
    const key = keyOf(openid);
    const text = await store.get(key);
    if (text === undefined) return undefined;
    const sessionKey = open(openid, text);
    if (sessionKey === undefined) return undefined;
    return {
      sessionKey,
      // No two texts are alike, also those of one session_key: each has an iv of its own.
      replace: (another) => store.swap(key, text, { value: seal(openid, another), seconds: ttl }),
      forget: () => store.swap(key, text),
    };
  }

  return {
    keep: (openid, sessionKey) => store.set(keyOf(openid), seal(openid, sessionKey), ttl),
    find: async (openid) => (await entryOf(openid))?.sessionKey,
    entryOf,
  };
}
