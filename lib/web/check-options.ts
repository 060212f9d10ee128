import {
  type Check,
  checkAll,
  isBaseUrl,
  isFunction,
  isMilliseconds,
  isOptionalFunction,
  isRateLimit,
  isRedis,
  isSession,
  isString,
  isToken,
  isUrl,
  type SessionOption,
  withLimits,
  withoutSlash,
  withTtl,
} from "../checks.ts";
import type { RateLimitOption } from "../http/rate-limit.ts";
import type { WebRequirement, WechatWebLoginOptions } from "./options.ts";
import { pathOf } from "./return-to.ts";

type AnyOptions = WechatWebLoginOptions<object, readonly WebRequirement[]>;

const REQUIREMENTS: readonly WebRequirement[] = ["unionid", "nickName", "avatarUrl"];
const SCOPES = ["snsapi_userinfo", "snsapi_base"];

const DEFAULTS = {
  require: ["unionid"] as readonly WebRequirement[],
  returnTo: "/",
  session: {} as SessionOption,
  rateLimit: {} as RateLimitOption,
  keyPrefix: "wechat-login:",
  baseUrl: "https://api.weixin.qq.com",
  authorizeBaseUrl: "https://open.weixin.qq.com",
  timeout: 5000,
};

const CHECKS: Record<keyof AnyOptions, Check> = {
  officialAccount: [isOfficialAccount, "an object with appId, secret and perhaps a scope"],
  website: [isWebsite, "an object with appId and secret"],
  callbackUrl: [isCallbackUrl, "the http or https URL of GET /callback, without a fragment"],
  returnTo: [isPath, "a path of the own origin"],
  redis: isRedis,
  findUser: isFunction,
  saveUser: isFunction,
  require: [isRequire, `an array of ${REQUIREMENTS.map((name) => `"${name}"`).join(", ")}`],
  onLogin: isOptionalFunction,
  session: isSession,
  keyPrefix: isString,
  baseUrl: isBaseUrl,
  authorizeBaseUrl: isBaseUrl,
  timeout: isMilliseconds,
  fetch: isOptionalFunction,
  onError: isOptionalFunction,
  rateLimit: isRateLimit,
};

/**
 * The options of `wechatWebLogin`, checked, with their defaults.
 *
 * @throws {TypeError} in a full sentence
 */
export function checkWebOptions(options: object) {
  const settings = checkAll("wechatWebLogin", options as AnyOptions, CHECKS, DEFAULTS);
  if (!settings.officialAccount && !settings.website) {
    throw new TypeError('wechatWebLogin: "officialAccount" or "website" is needed, or both.');
  }
  return {
    ...settings,
    session: withTtl(settings.session),
    rateLimit: withLimits(settings.rateLimit),
    baseUrl: withoutSlash(settings.baseUrl),
    authorizeBaseUrl: withoutSlash(settings.authorizeBaseUrl),
  };
}

function isOfficialAccount(value: unknown): boolean {
  return isAccount(value, ["appId", "secret", "scope"]) && isScope(Object(value).scope);
}

function isWebsite(value: unknown): boolean {
  return isAccount(value, ["appId", "secret"]);
}

function isAccount(value: unknown, names: string[]): boolean {
  if (value === undefined) return true;
  if (typeof value !== "object" || value === null) return false;
  const { appId, secret } = value as Record<string, unknown>;
  const [isGood] = isToken;
  return isGood(appId) && isGood(secret) && Object.keys(value).every((name) => names.includes(name));
}

function isScope(value: unknown): boolean {
  return value === undefined || SCOPES.includes(String(value));
}

function isCallbackUrl(value: unknown): boolean {
  const [isGood] = isUrl;
  return isGood(value) && !String(value).includes("#");
}

function isPath(value: unknown): boolean {
  return typeof value === "string" && pathOf(value, "http://own") !== undefined;
}

function isRequire(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => REQUIREMENTS.includes(name));
}
