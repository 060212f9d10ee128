import { randomBytes } from "node:crypto";
import { type Answer, failure } from "./answer.ts";

const LIFE_MS = 7200 * 1000;
/** From then on there is a new token, and both are good. */
const OVERLAP_MS = 5 * 60 * 1000;
const PER_MINUTE = 10_000;
const FORCED_PER_DAY = 20;

/** WeChat's side of `POST /cgi-bin/stable_token`. */
export function accessTokens({ appId, secret }: { appId: string; secret: string }) {
  let tokens: { token: string; expiresAt: number }[] = [];
  const calls = { minute: 0, count: 0 };
  const forced = { day: 0, count: 0 };

  /** Counts one call in the window of `ms` that it falls into; says whether there was room for it. */
  function hasRoom(
    window: Record<string, number>,
    name: "minute" | "day",
    ms: number,
    limit: number,
  ): boolean {
    const now = Math.floor(Date.now() / ms);
    if (window[name] !== now) Object.assign(window, { [name]: now, count: 0 });
    window.count = Number(window.count) + 1;
    return window.count <= limit;
  }

  function newest() {
    const now = Date.now();
    tokens = tokens.filter(({ expiresAt }) => expiresAt > now);
    const last = tokens.at(-1);
    if (last && last.expiresAt - now > OVERLAP_MS) return last;
    const next = { token: randomBytes(68).toString("base64url"), expiresAt: now + LIFE_MS };
    tokens.push(next);
    return next;
  }

  function stableToken(_query: URLSearchParams, body: Record<string, unknown>): Answer {
    if (body.grant_type !== "client_credential") return failure(40002, "invalid grant_type");
    if (body.appid !== appId) return failure(40013, "invalid appid");
    if (body.secret !== secret) return failure(40125, "invalid appsecret");
    if (!hasRoom(calls, "minute", 60_000, PER_MINUTE))
      return failure(45009, "reach max api minute quota limit");
    if (body.force_refresh === true) {
      if (!hasRoom(forced, "day", 86_400_000, FORCED_PER_DAY))
        return failure(45009, "reach max api daily quota limit");
      tokens = [];
    }
    const { token, expiresAt } = newest();
    return { access_token: token, expires_in: Math.ceil((expiresAt - Date.now()) / 1000) };
  }

  return {
    stableToken,
    /** Makes an API of one that needs an access_token. */
    guarded(api: (query: URLSearchParams, body: Record<string, unknown>) => Answer) {
      return (query: URLSearchParams, body: Record<string, unknown>): Answer => {
        const given = query.get("access_token");
        if (!given) return failure(41001, "access_token missing");
        const known = tokens.find(({ token }) => token === given);
        if (!known) return failure(40001, "invalid credential, access_token is invalid or not latest");
        return known.expiresAt > Date.now() ? api(query, body) : failure(42001, "access_token expired");
      };
    },
    endAll(): void {
      tokens = [];
    },
  };
}
