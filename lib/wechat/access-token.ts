import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Store } from "../storage/store.ts";
import { errorOf, type Meanings, senseless, unreachable } from "./errcodes.ts";
import type { WechatRequest } from "./request.ts";
import { sharing } from "./sharing.ts";

/** The access_token (接口调用凭证) of an app, the same for all processes on one Redis. */
export interface AccessToken {
  /**
   * A token that is good now. It has four minutes left at least, but for the moment in which another process fetches the
   * next one, or where WeChat cannot be reached.
   *
   * @throws {WechatLoginError} `misconfigured`, `rate_limited`, `wechat_error`, `wechat_unavailable`
   */
  get(): Promise<string>;
  /** A token in the place of this one, which WeChat has just refused; the same again where WeChat gives no other. */
  replace(refused: string): Promise<string>;
}

/** A token and the moment when it ends, on this process's own clock (`performance.now()`), which nobody sets. */
interface Kept {
  token: string;
  until: number;
}

/**
 * WeChat gives a new token five minutes before the old one ends, and the old one stays good beside it: nobody has to
 * wait. A little later than that, so that nobody gets the old one again.
 */
const REFRESH_BEFORE_MS = 4.5 * 60 * 1000;
const POLL_MS = 50;
/** In the place of a refused token: no token is empty. */
const NONE = "";
/** There is no code in the request for a token: what says so is about the app. */
const MEANINGS: Meanings = { 40001: "misconfigured", 40002: "misconfigured", 41008: "misconfigured" };

/** What it takes to keep an access_token. */
export interface AccessTokenPorts {
  appId: string;
  secret: string;
  store: Store;
  /** In front of every key. */
  prefix: string;
  /** Milliseconds that one request to WeChat may take. */
  timeout: number;
  request: WechatRequest;
}

/**
 * Keeps the access_token in the store and in the process. It is fetched by one process however many there are: by the
 * one that holds a lock, which ends by itself should its holder die; the others read again what it has stored. Uses
 * `stable_token`, because each call of the old `/cgi-bin/token` kills the token of everyone else.
 */
export function accessTokenOf({
  appId,
  secret,
  store,
  prefix,
  timeout,
  request,
}: AccessTokenPorts): AccessToken {
  // One hash tag for both: on Redis Cluster a single step can end the lock and store the token.
  const [key, lock] = [`${prefix}{access-token}`, `${prefix}{access-token}lock`];
  // A request, its retry, and the pause in between.
  const lockSeconds = Math.ceil((2 * timeout) / 1000) + 1;
  let cached: Kept | undefined;

  async function fetchToken(): Promise<Kept> {
    const body = { grant_type: "client_credential", appid: appId, secret, force_refresh: false };
    const answer = await request("/cgi-bin/stable_token", {}, body);
    if (answer.errcode !== 0) throw errorOf(answer, [secret], MEANINGS);
    const { access_token: token, expires_in: seconds } = answer;
    if (typeof token !== "string" || token === "" || !(Number(seconds) > 0)) {
      throw senseless("access_token is missing");
    }
    return { token, until: performance.now() + Number(seconds) * 1000 };
  }

  async function stored(): Promise<Kept | undefined> {
    const timed = await store.getTimed(key);
    if (!timed) return undefined;
    // The clocks of processes differ: the store says how long the token has left.
    const { token } = JSON.parse(timed.value) as { token: string };
    return { token, until: performance.now() + timed.ms };
  }

  /** The token, where it is not the refused one and lives longer than `ahead` milliseconds. */
  const usableIn = (kept: Kept | undefined, refused: string, ahead: number): string | undefined =>
    kept && kept.token !== refused && kept.until - ahead > performance.now() ? kept.token : undefined;

  /** Fetches a token as the holder of the lock. A holder that was too slow has lost it, and stores nothing. */
  async function fetchAs(holder: string, refused: string): Promise<Kept> {
    // Someone may have stored one between our look and our lock.
    const newest = await stored();
    const kept = newest && usableIn(newest, refused, REFRESH_BEFORE_MS) ? newest : await fetchToken();
    const value = JSON.stringify({ token: kept.token });
    await store.unlock(lock, holder, { key, value, seconds: secondsLeft(kept) });
    return kept;
  }

  /** Gives a token if this process gets the lock. */
  async function tryFetching(refused: string): Promise<string | undefined> {
    const holder = randomUUID();
    if (!(await store.add(lock, holder, lockSeconds))) return undefined;
    try {
      cached = await fetchAs(holder, refused);
      return cached.token;
    } catch (error) {
      // Whoever comes next need not wait for the lock to end; the first error is the one to tell.
      await store.unlock(lock, holder).catch(() => {});
      throw error;
    }
  }

  /** Brings a token that was not refused: the one in the store, or a new one. */
  async function bring(refused: string): Promise<string> {
    const deadline = performance.now() + lockSeconds * 1000 + 2 * timeout;
    while (performance.now() < deadline) {
      cached = await stored();
      const fresh = usableIn(cached, refused, REFRESH_BEFORE_MS);
      if (fresh !== undefined) return fresh;
      // What is still good need not wait for who fetches the next one, nor fail with them.
      const old = usableIn(cached, refused, 0);
      const fetched = await tryFetching(refused).catch((error) =>
        old === undefined ? Promise.reject(error) : old,
      );
      const token = fetched ?? old;
      if (token !== undefined) return token;
      await pause(POLL_MS);
    }
    throw unreachable("no process has brought an access_token in time");
  }

  const bringOnce = sharing(bring);
  return {
    get: async () => usableIn(cached, NONE, REFRESH_BEFORE_MS) ?? (await bringOnce(NONE)),
    replace: (refused) => bringOnce(refused),
  };
}

function secondsLeft({ until }: Kept): number {
  return Math.max(1, Math.floor((until - performance.now()) / 1000));
}
