import { createHmac, randomBytes } from "node:crypto";
import { type Answer, failure, OK } from "./answer.ts";
import { type Account, newCode, refusalOfApp } from "./app.ts";
import type { PhoneUser } from "./phone.ts";

/** What one `wx.login()` left at WeChat. */
interface Login {
  user: PhoneUser & { openid: string };
  sessionKey: string;
  issuedAt: number;
}

/** The newest session_key of a user, and when the user was here last. */
interface Newest {
  sessionKey: string;
  seenAt: number;
}

const CODE_LIFE_MS = 5 * 60 * 1000;
/** The form of every code of `wx.login()`. One that is not known here is another app's, for which WeChat burns it, too. */
const CODE = /^0[\w-]{31}$/;
const VISIT_MS = 2 * 60 * 60 * 1000;

/** WeChat's side of `wx.login()`, code2Session and the session_key for one app. */
export function logins(app: Account) {
  const byCode = new Map<string, Login>();
  const newest = new Map<string, Newest>();
  const burned = new Set<string>();

  function newLogin(user: Login["user"]): string {
    const code = newCode();
    byCode.set(code, { user, sessionKey: newKey(user.openid), issuedAt: Date.now() });
    return code;
  }

  function newKey(openid: string): string {
    const sessionKey = randomBytes(16).toString("base64");
    newest.set(openid, { sessionKey, seenAt: Date.now() });
    return sessionKey;
  }

  function code2Session(query: URLSearchParams): Answer {
    const code = query.get("js_code") ?? "";
    const login = byCode.get(code);
    const wasUsed = burned.has(code);
    // An exchange that fails burns the code as well.
    if (CODE.test(code)) burned.add(code);
    const refusal = refusalOfApp(query, app);
    if (refusal) return refusal;
    if (!code) return failure(41008, "missing code");
    if (login && login.issuedAt + CODE_LIFE_MS <= Date.now()) return failure(40029, "invalid code");
    if (wasUsed) return failure(40163, "code been used");
    if (!login) return failure(40029, "invalid code");
    if (login.user.blocked) return failure(40226, "code blocked");
    const { openid, unionid, unionidAtLogin = true } = login.user;
    const answer = { session_key: login.sessionKey, openid };
    return unionid !== undefined && unionidAtLogin ? { ...answer, unionid } : answer;
  }

  /** Whether the request is signed with the newest session_key of its user; the message is empty. */
  function isSigned(query: URLSearchParams): boolean {
    const { sessionKey } = newest.get(query.get("openid") ?? "") ?? {};
    if (sessionKey === undefined || query.get("sig_method") !== "hmac_sha256") return false;
    return query.get("signature") === createHmac("sha256", sessionKey).update("").digest("hex");
  }

  function resetUserSessionKey(query: URLSearchParams): Answer {
    if (!isSigned(query)) return failure(87007, "session_key is not existd or expired");
    const openid = String(query.get("openid"));
    return { ...OK, openid, session_key: newKey(openid) };
  }

  return {
    newLogin,
    code2Session,
    checkSessionKey: (query: URLSearchParams): Answer =>
      isSigned(query) ? OK : failure(87009, "invalid signature"),
    resetUserSessionKey,
    sessionKeyOf: (openid: string) => newest.get(openid)?.sessionKey,
    /** Whether the user was here within two hours; some APIs ask for that. */
    wasHere: (openid: unknown) => (newest.get(String(openid))?.seenAt ?? 0) > Date.now() - VISIT_MS,
  };
}
