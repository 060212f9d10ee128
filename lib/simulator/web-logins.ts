import { randomBytes } from "node:crypto";
import { type Answer, failure, OK } from "./answer.ts";
import { type Account, newCode, newOpenid, refusalOfApp } from "./app.ts";
import { ownProfileOf, type PhoneUser } from "./phone.ts";

/** Someone with a phone. */
export type Person = PhoneUser & { openid: string };

/** What a person has granted to an app. */
interface Grant {
  app: Account;
  scope: string;
  person: Person;
  openid: string;
  unionid: string | undefined;
  isSnapshot: boolean;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

const CODE_LIFE_MS = 5 * 60 * 1000;
const TOKEN_LIFE_MS = 7200 * 1000;
const REFRESH_LIFE_MS = 30 * 24 * 60 * 60 * 1000;

/** WeChat's side of the web login behind the authorise pages: `sns/oauth2`, `sns/userinfo`, `sns/auth`. */
export function webLogins(apps: Account[]) {
  const openids = new Map<string, string>();
  const codes = new Map<string, Grant & { isUsed: boolean }>();
  const byAccessToken = new Map<string, Grant>();
  const byRefreshToken = new Map<string, Grant & { accessToken: string }>();

  /** A person has another openid in each app. */
  function openidOf({ appId }: Account, { openid }: Person): string {
    const key = `${appId}:${openid}`;
    const known = openids.get(key) ?? newOpenid();
    openids.set(key, known);
    return known;
  }

  /** The person has agreed: a code for the app's server. */
  function grant(app: Account, scope: string, person: Person): string {
    const code = newCode();
    const isSnapshot = person.snapshot === true && scope === "snsapi_userinfo";
    // Who sees a snapshot of the page is somebody else each time.
    const openid = isSnapshot ? newOpenid() : openidOf(app, person);
    const unionid = isSnapshot && person.unionid !== undefined ? newOpenid() : person.unionid;
    const expiresAt = Date.now() + CODE_LIFE_MS;
    codes.set(code, { app, scope, person, openid, unionid, isSnapshot, expiresAt, isUsed: false });
    return code;
  }

  function accessToken(query: URLSearchParams): Answer {
    const grant = codes.get(query.get("code") ?? "");
    const wasUsed = grant?.isUsed;
    // An exchange that fails burns the code as well.
    if (grant) grant.isUsed = true;
    const app = apps.find(({ appId }) => appId === query.get("appid"));
    const refusal = refusalOfApp(query, app);
    if (refusal) return refusal;
    if (query.get("grant_type") !== "authorization_code") return failure(40002, "invalid grant_type");
    if (!query.get("code")) return failure(41008, "missing code");
    if (!grant || isOver(grant)) return failure(40029, "invalid code");
    if (wasUsed) return failure(40163, "code been used");
    if (grant.app !== app) return failure(40029, "invalid code");
    const refreshToken = newToken();
    return tokensFor(grant, newToken(), refreshToken);
  }

  function tokensFor(grant: Grant, token: string, refreshToken: string): Answer {
    const now = Date.now();
    const { openid, scope, unionid, isSnapshot } = grant;
    byAccessToken.set(token, { ...grant, expiresAt: now + TOKEN_LIFE_MS });
    byRefreshToken.set(refreshToken, { ...grant, accessToken: token, expiresAt: now + REFRESH_LIFE_MS });
    return {
      access_token: token,
      expires_in: TOKEN_LIFE_MS / 1000,
      refresh_token: refreshToken,
      openid,
      scope,
      ...(unionid !== undefined && scope !== "snsapi_base" && { unionid }),
      ...(isSnapshot && { is_snapshotuser: 1 }),
    };
  }

  /** A token that is still good stays the same and lives on. */
  function refreshToken(query: URLSearchParams): Answer {
    if (query.get("grant_type") !== "refresh_token") return failure(40002, "invalid grant_type");
    const given = query.get("refresh_token") ?? "";
    const grant = byRefreshToken.get(given);
    if (!grant) return failure(40030, "invalid refresh_token");
    if (grant.app.appId !== query.get("appid")) return failure(40013, "invalid appid");
    if (isOver(grant)) return failure(42002, "refresh_token expired");
    const current = byAccessToken.get(grant.accessToken);
    return tokensFor(grant, current && !isOver(current) ? grant.accessToken : newToken(), given);
  }

  /** The grant that an access_token and an openid belong to, or WeChat's refusal. */
  function grantOf(query: URLSearchParams): Grant | Answer {
    const grant = byAccessToken.get(query.get("access_token") ?? "");
    if (!grant) return failure(40001, "invalid credential, access_token is invalid or not latest");
    if (isOver(grant)) return failure(42001, "access_token expired");
    if (grant.openid !== query.get("openid")) return failure(40003, "invalid openid");
    return grant;
  }

  function userInfo(query: URLSearchParams): Answer {
    const grant = grantOf(query);
    if (!isGrant(grant)) return grant;
    // Of a snapshot's visitor there is nothing to tell.
    if (grant.scope === "snsapi_base" || grant.isSnapshot) return failure(48001, "api unauthorized");
    const { nickName, avatarUrl } = ownProfileOf(grant.person);
    const { openid, unionid } = grant;
    return {
      openid,
      nickname: nickName,
      sex: 0,
      language: "",
      city: "",
      province: "",
      country: "",
      headimgurl: avatarUrl,
      privilege: [],
      ...(unionid !== undefined && { unionid }),
    };
  }

  function auth(query: URLSearchParams): Answer {
    const grant = grantOf(query);
    return isGrant(grant) ? OK : grant;
  }

  return { grant, accessToken, refreshToken, userInfo, auth };
}

function isGrant(found: Grant | Answer): found is Grant {
  return "person" in found;
}

function isOver({ expiresAt }: Grant): boolean {
  return expiresAt <= Date.now();
}

function newToken(): string {
  return randomBytes(64).toString("base64url");
}
