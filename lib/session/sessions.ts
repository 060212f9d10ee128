import type { Identity } from "../identity.ts";
import type { Store } from "../storage/store.ts";
import { hashOf, isToken, newToken } from "../storage/tokens.ts";
import { linksOf } from "./links.ts";
import { identitiesOf, type Person } from "./person.ts";

/** The custom login state (自定义登录态): opaque tokens, each standing for an identity. */
export interface Sessions {
  pool: SessionPool;
  /**
   * Begins a session and gives its token.
   *
   * @param known names of what the login knew of the user
   */
  begin(identity: Identity, known?: readonly string[]): Promise<string>;
  /** The session of a token; `undefined` for one that is unknown, expired or ended. Its life begins anew. */
  find(token: string): Promise<Session | undefined>;
  /**
   * Whether a session was ended by a sign-out everywhere that could not find it: where apps share sessions, the host's user
   * may have a unionid that the session was not begun with.
   */
  isSignedOut(token: string, session: Session, unionid: string | undefined): Promise<boolean>;
  /** Whether the session lives that this is the locator of. */
  isAlive(locator: string): Promise<boolean>;
  /** Ends one session; says whether there was one. */
  end(token: string): Promise<boolean>;
  /**
   * Ends every session that this person has until now.
   *
   * @param unionids what the host knows of this person's unionid, if anything
   * @throws {TypeError} where nothing says who it is
   */
  endAll(person: Person, unionids?: (string | undefined)[]): Promise<void>;
}

export interface Session {
  identity: Identity;
  /** Names of what the login knew of the user. */
  known: readonly string[];
  /** Milliseconds on the clock of the store, with fractions. */
  startedAt: number;
}

/** Where sessions are kept. */
export interface SessionPool {
  /** The app whose sessions these are, or the one that asks where several apps share them. */
  appId: string;
  /** More apps of the login that asks. */
  otherAppIds?: string[] | undefined;
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
 * Nobody uses WeChat on so many devices at once, but there are phones that begin a session at each launch. Beyond these the
 * least recently used one is dropped: the guard reads all of them at each request, and now and then writes them.
 */
const MAX_SESSIONS = 20;

/** The keys of a pool that several logins share by its name; no appId has a "+". */
export function sharedPrefix(keyPrefix: string, name: string): string {
  return `${keyPrefix}+${name}:`;
}

/**
 * Sessions over a store. All sessions of a user are under one key: that of the unionid where apps share sessions and WeChat
 * says one, otherwise that of the openid. A token is 256 random bits and, behind them, a handle of its user that leads to the
 * key. So the guard takes one step, and a store that loses a key, since it is full, ends sessions and revives none. Where
 * apps share sessions, `links` knows which handles belong to one person.
 */
export function sessions(store: Store, pool: SessionPool): Sessions {
  const { prefix, ttl } = pool;
  const links = linksOf(store, pool);

  const openidHandle = ({ appId, openid }: Identity) => handleOf(`${appId}:${openid}`);

  /** The two handles of an identity whose sessions are kept by its unionid. */
  function pairOf(identity: Identity): [union: string, openid: string] | undefined {
    const { unionid } = identity;
    return pool.isShared && unionid !== undefined ? [handleOf(unionid), openidHandle(identity)] : undefined;
  }

  const keyOf = (handle: string) => `${prefix}sessions:${handle}`;

  /** Where the session of a token is kept. */
  function placeOf(token: string): [key: string, member: string] | undefined {
    const [random, handle] = [token.slice(0, -HANDLE_LENGTH), token.slice(-HANDLE_LENGTH)];
    if (!isToken(random) || !/^[\w-]+$/.test(handle)) return undefined;
    return [keyOf(handle), hashOf(random)];
  }

  /** An array without names, and without an appId that all have: this is kept once per session. */
  function encode({ appId, openid, unionid }: Identity, known: readonly string[]): string {
    // The unionid says itself that it is known.
    const names = known.filter((name) => name !== "unionid");
    const parts = [openid, unionid, pool.isShared ? appId : undefined, names.join() || undefined];
    // What is undefined at the end takes no room, and null elsewhere.
    return JSON.stringify(parts.slice(0, parts.findLastIndex((part) => part !== undefined) + 1));
  }

  function decode(text: string): Omit<Session, "startedAt"> {
    const [openid, unionid, appId, names] = JSON.parse(text) as [string, ...(string | null | undefined)[]];
    const identity = { appId: appId ?? pool.appId, openid, ...(unionid && { unionid }) };
    return { identity, known: names?.split(",") ?? [] };
  }

  async function end(token: string): Promise<boolean> {
    const place = placeOf(token);
    return place !== undefined && (await store.removeMember(...place));
  }

  async function removeAll(handles: Iterable<string>): Promise<void> {
    for (const handle of handles) await store.take(keyOf(handle));
  }

  return {
    pool,
    async begin(identity, known = []) {
      const [random, pair] = [newToken(), pairOf(identity)];
      const handle = pair?.[0] ?? openidHandle(identity);
      // The link comes first: a sign-out misses no session that is there.
      if (pair) await links.link(...pair);
      await store.setMember(keyOf(handle), hashOf(random), encode(identity, known), ttl, MAX_SESSIONS);
      return random + handle;
    },
    async find(token) {
      const place = placeOf(token);
      const found = place && (await store.renewMember(...place, ttl));
      if (!found) return undefined;
      const { identity, known } = decode(found.value);
      const pair = found.isRenewed ? pairOf(identity) : undefined;
      // A link lives at least twice as long as a session without use: the next renewal is early enough.
      if (pair) await links.link(...pair).catch(() => {});
      return { identity, known, startedAt: found.startedAt };
    },
    async isAlive(locator) {
      const [handle = "", member = ""] = locator.split(".");
      return (await store.renewMember(keyOf(handle), member, ttl)) !== undefined;
    },
    async isSignedOut(token, { identity, startedAt }, unionid) {
      if (!pool.isShared || unionid === undefined || unionid === identity.unionid) return false;
      const isOver = await links.isSignedOut(handleOf(unionid), token.slice(-HANDLE_LENGTH), startedAt);
      if (isOver) await end(token);
      return isOver;
    },
    end,
    async endAll(person, unionids = []) {
      const { identities, unionid } = identitiesOf(person, pool);
      const unions = [unionid, ...unionids].filter((id) => id !== undefined);
      const handles = [...identities.map(openidHandle), ...(pool.isShared ? unions.map(handleOf) : [])];
      if (!pool.isShared) return await removeAll(handles);
      const { all, failures } = await links.signOutAll(handles);
      await removeAll(all);
      if (failures.length > 0) throw failures[0];
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
