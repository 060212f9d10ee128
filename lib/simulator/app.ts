import { randomBytes } from "node:crypto";
import { type Answer, failure } from "./answer.ts";

/** AppID and AppSecret of an app at WeChat. */
export interface Account {
  appId: string;
  secret: string;
}

/** An Official Account or a website application. */
export interface WebAccount extends Account {
  /**
   * The domain that is registered for the web login (网页授权域名, 授权回调域): `shop.example`, without a scheme, a port and a
   * path. A `redirect_uri` elsewhere is refused with 10003. Default: every domain is taken.
   */
  domain?: string;
}

/** WeChat's answer to a wrong or missing appid or secret. */
export function refusalOfApp(query: URLSearchParams, app: Account | undefined): Answer | undefined {
  if (!query.get("appid")) return failure(41002, "appid missing");
  if (!query.get("secret")) return failure(41004, "appsecret missing");
  if (!app || query.get("appid") !== app.appId) return failure(40013, "invalid appid");
  if (query.get("secret") !== app.secret) return failure(40125, "invalid appsecret");
  return undefined;
}

/** An openid; it means something only together with its app. */
export function newOpenid(): string {
  return `o${randomBytes(21).toString("base64url").slice(0, 27)}`;
}

/** A code of a login: 32 characters. */
export function newCode(): string {
  return `0${randomBytes(24).toString("base64url").slice(0, 31)}`;
}
