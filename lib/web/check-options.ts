import { checkAll, refusalOf, requireOptions } from "../check-all.ts";
import { hintForList } from "../check-hints.ts";
import {
  type Check,
  isBaseUrl,
  isFunction,
  isMilliseconds,
  isOptionalFunction,
  isRateLimit,
  isRedis,
  isSecret,
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
import { didYouMean } from "../nearest.ts";
import type { WebRequirement, WechatWebLoginOptions } from "./options.ts";
import { pathOf } from "./return-to.ts";

type AnyOptions = WechatWebLoginOptions<object, readonly WebRequirement[]>;

const REQUIREMENTS: readonly WebRequirement[] = ["unionid", "nickName", "avatarUrl"];
const WEBSITE_NAMES = ["appId", "secret"];
const ACCOUNT_NAMES = [...WEBSITE_NAMES, "scope"];
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
  officialAccount: [
    isOfficialAccount,
    "an object with appId, secret and perhaps a scope",
    (value) => hintForAccount(value, ACCOUNT_NAMES),
  ],
  website: [isWebsite, "an object with appId and secret", (value) => hintForAccount(value, WEBSITE_NAMES)],
  callbackUrl: [isCallbackUrl, "the http or https URL of GET /callback, without a fragment", isUrl[2]],
  returnTo: [isPath, "a path of the own origin"],
  redis: isRedis,
  findUser: isFunction,
  saveUser: isFunction,
  require: [
    isRequire,
    `an array of ${REQUIREMENTS.map((name) => `"${name}"`).join(", ")}`,
    (value) => hintForList(value, REQUIREMENTS),
  ],
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
  requireOptions("wechatWebLogin", options);
  const misplaced = ["appId", "secret"].find((name) => Reflect.get(options, name) !== undefined);
  if (misplaced !== undefined) {
    throw new TypeError(
      `wechatWebLogin: there is no option "${misplaced}": put it into "officialAccount" or "website".`,
    );
  }
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
  return isAccount(value, ACCOUNT_NAMES) && isScope(Object(value).scope);
}

function isWebsite(value: unknown): boolean {
  return isAccount(value, WEBSITE_NAMES);
}

function isAccount(value: unknown, names: string[]): boolean {
  if (value === undefined) return true;
  if (typeof value !== "object" || value === null) return false;
  const { appId, secret } = value as Record<string, unknown>;
  return isToken[0](appId) && isSecret[0](secret) && Object.keys(value).every((name) => names.includes(name));
}

/** What is wrong inside: an account has two options of its own. */
function hintForAccount(value: unknown, names: string[]): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { appId, secret } = value as Record<string, unknown>;
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) return `There is no "${unknown}" in it${didYouMean(unknown, names)}`;
  const refusal = refusalOf("appId", appId, isToken) ?? refusalOf("secret", secret, isSecret);
  return refusal && `Its ${refusal}`;
}

function isScope(value: unknown): boolean {
  return value === undefined || SCOPES.includes(String(value));
}

function isCallbackUrl(value: unknown): boolean {
  const url = String(value);
  // The URL parser forgives blanks and missing slashes; WeChat gets the text as it is, and refuses them.
  return isUrl[0](value) && /^https?:\/\/\S+$/.test(url) && !url.includes("#");
}

function isPath(value: unknown): boolean {
  return typeof value === "string" && pathOf(value, "http://own") !== undefined;
}

function isRequire(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => REQUIREMENTS.includes(name));
}
