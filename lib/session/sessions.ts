import type { Identity } from "../identity.ts";
import type { Store } from "../storage/store.ts";
import { hashOf, isToken, newToken } from "../storage/tokens.ts";

/** The custom login state (自定义登录态): opaque tokens, each standing for an identity. */
export interface Sessions {
  pool: SessionPool;
  /** Begins a session and gives its token. */
  begin(identity: Identity): Promise<string>;
  /** Whose token it is; `undefined` for one that is unknown, over or ended. Its life begins anew. */
  find(token: string): Promise<Identity | undefined>;
  /** Whether the session lives that this is the locator of. */
  isAlive(locator: string): Promise<boolean>;
  /** Ends one session; says whether there was one. */
  end(token: string): Promise<boolean>;
  /** Ends every session that this user has until now; those of other apps only by the unionid. */
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
  /** Seconds without a request after which a session is over. */
  ttl: number;
  /** Several apps use this pool: then it is the unionid that says whose sessions belong together. */
  isShared: boolean;
}

/** How much of a hash tells users apart in keys: 66 bits. */
const HANDLE_LENGTH = 11;
/**
 * Nobody uses WeChat on so many devices at once, but there are phones that begin a session at each launch. Of more than
 * these the one goes that has not been used for the longest time: the guard rewrites all of them at each request.
 */
const MAX_SESSIONS = 20;

/** The keys of a pool that several logins share by its name; no appId has a "+". */
export function sharedPrefix(keyPrefix: string, name: string): string {
  return `${keyPrefix}+${name}:`;
}

/**
 * Sessions over a store, all sessions of a user under one key. A token is 256 random bits and, behind them, a handle of its
 * user that leads to the key. So the guard takes one step, `endAll` removes one key and can miss nothing, no two clocks are
 * compared; and a store that loses a key, since it is full, ends sessions and revives none.
 */
export function sessions(store: Store, pool: SessionPool): Sessions {
  const { prefix, ttl } = pool;

  /** The handles that a person's sessions may have, the one of a new session first. */
  function handlesOf({ appId = pool.appId, openid, unionid }: Person): [string, ...string[]] {
    const byOpenid = handleOf(`${appId}:${openid}`);
    return pool.isShared && unionid !== undefined ? [handleOf(unionid), byOpenid] : [byOpenid];
  }

  const keyOf = (handle: string) => `${prefix}sessions:${handle}`;

  /** Where the session of a token is kept. */
  function placeOf(token: string): [key: string, member: string] | undefined {
    const [random, handle] = [token.slice(0, -HANDLE_LENGTH), token.slice(-HANDLE_LENGTH)];
    if (!isToken(random) || !/^[\w-]+$/.test(handle)) return undefined;
    return [keyOf(handle), hashOf(random)];
  }

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
    pool,
    async begin(identity) {
      const [random, [handle]] = [newToken(), handlesOf(identity)];
      await store.setMember(keyOf(handle), hashOf(random), encode(identity), ttl, MAX_SESSIONS);
      return random + handle;
    },
    async find(token) {
      const place = placeOf(token);
      const kept = place && (await store.renewMember(...place, ttl));
      return kept === undefined ? undefined : decode(kept);
    },
    async isAlive(locator) {
      const [handle = "", member = ""] = locator.split(".");
      return (await store.renewMember(keyOf(handle), member, ttl)) !== undefined;
    },
    async end(token) {
      const place = placeOf(token);
      return place !== undefined && (await store.removeMember(...place));
    },
    async endAll(person) {
      for (const handle of handlesOf(person)) await store.take(keyOf(handle));
    },
  };
}

/** What finds a session again without being good for anything else: a hash of its token, which nobody can send. */
export function locatorOf(token: string): string {
  return `${token.slice(-HANDLE_LENGTH)}.${hashOf(token.slice(0, -HANDLE_LENGTH))}`;
}

function handleOf(user: string): string {
  return hashOf(user).slice(0, HANDLE_LENGTH);
}
