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
  endAll(identity: { openid: string }): Promise<void>;
}

/** How much of a hash tells users apart in keys: 66 bits. */
const HANDLE_LENGTH = 11;

/**
 * Sessions over a store, one entry each. A token is 256 random bits and, behind them, a handle of its user: the handle
 * leads to the mark that `endAll` changes, so that the guard looks at both in one step, no list of a user's sessions has
 * to be kept, and no two clocks are compared.
 *
 * @param prefix in front of every key
 * @param ttl seconds, counted from the last request
 */
export function sessions(store: Store, appId: string, prefix: string, ttl: number): Sessions {
  const handleOf = (openid: string) => hashOf(`${appId}:${openid}`).slice(0, HANDLE_LENGTH);

  /** Both keys of a session share a hash tag: on Redis Cluster they live in one slot. */
  function keysOf(token: string): [session: string, mark: string] | undefined {
    const [random, handle] = [token.slice(0, -HANDLE_LENGTH), token.slice(-HANDLE_LENGTH)];
    if (!isToken(random) || !/^[\w-]+$/.test(handle)) return undefined;
    return [`${prefix}session:{${handle}}${hashOf(random)}`, markOf(handle)];
  }

  const markOf = (handle: string) => `${prefix}signed-out:{${handle}}`;

  return {
    ttl,
    async begin({ openid, unionid }) {
      const [random, handle] = [newToken(), handleOf(openid)];
      const [key, mark] = keysOf(random + handle) as [string, string];
      await store.setMarked(
        key,
        mark,
        JSON.stringify(unionid === undefined ? [openid] : [openid, unionid]),
        ttl,
      );
      return random + handle;
    },
    async find(token) {
      const keys = keysOf(token);
      const kept = keys && (await store.renewMarked(...keys, ttl));
      if (kept === undefined) return undefined;
      const [openid, unionid] = JSON.parse(kept) as [string, string?];
      return unionid === undefined ? { appId, openid } : { appId, openid, unionid };
    },
    async end(token) {
      const keys = keysOf(token);
      return keys !== undefined && (await store.take(keys[0])) !== undefined;
    },
    async endAll({ openid }) {
      // As long as any of those sessions could live: one that is not used in that time is over by itself.
      await store.set(markOf(handleOf(openid)), newToken().slice(0, HANDLE_LENGTH), ttl);
    },
  };
}
