import { randomBytes } from "node:crypto";
import type { PhoneUser } from "./phone.ts";

/** What one `wx.login()` left at WeChat. */
interface Login {
  user: PhoneUser & { openid: string };
  sessionKey: string;
  issuedAt: number;
  isUsed: boolean;
}

/** An answer of WeChat: a failure has `errcode` and `errmsg`, a success has neither. */
export type Answer = Record<string, unknown>;

const CODE_LIFE_MS = 5 * 60 * 1000;

/** WeChat's side of `wx.login()` and code2Session for one app. */
export function logins({ appId, secret }: { appId: string; secret: string }) {
  const byCode = new Map<string, Login>();
  const newestKey = new Map<string, string>();

  function newLogin(user: Login["user"]): string {
    const code = `0${randomBytes(24).toString("base64url").slice(0, 31)}`;
    const sessionKey = randomBytes(16).toString("base64");
    byCode.set(code, { user, sessionKey, issuedAt: Date.now(), isUsed: false });
    newestKey.set(user.openid, sessionKey);
    return code;
  }

  function code2Session(query: URLSearchParams): Answer {
    const login = byCode.get(query.get("js_code") ?? "");
    const wasUsed = login?.isUsed;
    // An exchange that fails burns the code as well.
    if (login) login.isUsed = true;
    const refusal = refusalOfApp(query, { appId, secret });
    if (refusal) return refusal;
    if (!query.get("js_code")) return failure(41008, "missing code");
    if (!login || login.issuedAt + CODE_LIFE_MS <= Date.now()) return failure(40029, "invalid code");
    if (wasUsed) return failure(40163, "code been used");
    if (login.user.blocked) return failure(40226, "code blocked");
    const { openid, unionid, unionidAtLogin = true } = login.user;
    const answer = { session_key: login.sessionKey, openid };
    return unionid !== undefined && unionidAtLogin ? { ...answer, unionid } : answer;
  }

  return { newLogin, code2Session, sessionKeyOf: (openid: string) => newestKey.get(openid) };
}

/** WeChat's answer to a wrong or missing appid or secret. */
function refusalOfApp(query: URLSearchParams, app: { appId: string; secret: string }): Answer | undefined {
  if (!query.get("appid")) return failure(41002, "appid missing");
  if (!query.get("secret")) return failure(41004, "appsecret missing");
  if (query.get("appid") !== app.appId) return failure(40013, "invalid appid");
  if (query.get("secret") !== app.secret) return failure(40125, "invalid appsecret");
  return undefined;
}

/** `errmsg` ends in a request id that is another one each time: nobody should compare it. */
export function failure(errcode: number, errmsg: string): Answer {
  const rid = [4, 4, 4].map((bytes) => randomBytes(bytes).toString("hex")).join("-");
  return { errcode, errmsg: `${errmsg}, rid: ${rid}` };
}
