import type { Identity } from "../identity.ts";
import type { Store } from "../storage/store.ts";
import { hashOf, isToken, newToken } from "../storage/tokens.ts";

/** The custom login state (自定义登录态): opaque tokens, each standing for an identity. */
export interface Sessions {
  /** Seconds without a request after which a session is over. */
  ttl: number;
  /** Begins a session and gives its token. */
  begin(identity: Identity): Promise<string>;
  /** Whose token it is; `undefined` for one that is unknown, over or ended. Its life begins anew. */
  find(token: string): Promise<Identity | undefined>;
  /** Ends one session; says whether there was one. */
  end(token: string): Promise<boolean>;
  /** Ends every session that this user has until now. */
  endAll(identity: Person): Promise<void>;
}

/** Whose sessions to end; an openid without an appId is one in the app that asks. */
export type Person = Omit<Identity, "appId"> & { appId?: string };

/** Where sessions are kept. */
export interface SessionPool {
  /** The app whose sessions these are, or the one that asks where several apps share them. */
  appId: string;
  /** In front of every key. */
  prefix: string;
  /** Seconds, counted from the last request. */
  ttl: number;
  /** Several apps use this pool: then it is the unionid that says whose sessions belong together. */
  isShared: boolean;
}

/** How much of a hash tells users apart in keys: 66 bits. */
const HANDLE_LENGTH = 11;
/** 48 random bits: no two marks of one user are alike. */
const MARK_LENGTH = 8;

/** The keys of a pool that several logins share by its name; no appId has a "+". */
export function sharedPrefix(keyPrefix: string, name: string): string {
  return `${keyPrefix}+${name}:`;
}

/**
 * Sessions over a store, one entry each. A token is 256 random bits and, behind them, a handle of its user: the handle
 * leads to the mark that all sessions of the user were begun under and that `endAll` removes. So the guard looks at both in
 * one step, no list of a user's sessions has to be kept, no two clocks are compared; and a store that loses a mark, since
 * it is full, ends sessions and revives none.
 */
export function sessions(store: Store, pool: SessionPool): Sessions {
  const { prefix, ttl } = pool;

  /** The handles that a person's sessions may have, the one of a new session first. */
  function handlesOf({ appId = pool.appId, openid, unionid }: Person): [string, ...string[]] {
    const byOpenid = handleOf(`${appId}:${openid}`);
    return pool.isShared && unionid !== undefined ? [handleOf(unionid), byOpenid] : [byOpenid];
  }

  /** Both keys of a session share a hash tag: on Redis Cluster they live in one slot. */
  function keysOf(token: string): [session: string, mark: string] | undefined {
    const [random, handle] = [token.slice(0, -HANDLE_LENGTH), token.slice(-HANDLE_LENGTH)];
    if (!isToken(random) || !/^[\w-]+$/.test(handle)) return undefined;
    return [`${prefix}session:{${handle}}${hashOf(random)}`, markOf(handle)];
  }

  const markOf = (handle: string) => `${prefix}signed-in:{${handle}}`;

  /** An array without names, and without an appId that all have: this is kept once per session. */
  function encode({ appId, openid, unionid }: Identity): string {
    if (pool.isShared) return JSON.stringify([openid, unionid ?? null, appId]);
    return JSON.stringify(unionid === undefined ? [openid] : [openid, unionid]);
  }

  function decode(text: string): Identity {
    const [openid, unionid, appId = pool.appId] = JSON.parse(text) as [string, (string | null)?, string?];
    return typeof unionid === "string" ? { appId, openid, unionid } : { appId, openid };
  }

  return {
    ttl,
    async begin(identity) {
      const [random, [handle]] = [newToken(), handlesOf(identity)];
      const [key, mark] = keysOf(random + handle) as [string, string];
      await store.setMarked(key, mark, encode(identity), ttl, newToken().slice(0, MARK_LENGTH));
      return random + handle;
    },
    async find(token) {
      const keys = keysOf(token);
      const kept = keys && (await store.renewMarked(...keys, ttl));
      return kept === undefined ? undefined : decode(kept);
    },
    async end(token) {
      const keys = keysOf(token);
      return keys !== undefined && (await store.take(keys[0])) !== undefined;
    },
    async endAll(person) {
      for (const handle of handlesOf(person)) await store.take(markOf(handle));
    },
  };
}

function handleOf(user: string): string {
  return hashOf(user).slice(0, HANDLE_LENGTH);
}
