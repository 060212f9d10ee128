import { checkAll } from "../check-all.ts";
import { hintForList, hintForNumber } from "../check-hints.ts";
import {
  type Check,
  isAboveZero,
  isBaseUrl,
  isBoolean,
  isFunction,
  isMilliseconds,
  isOptionalFunction,
  isRateLimit,
  isRedis,
  isSeconds,
  isSecret,
  isSession,
  isString,
  isToken,
  type SessionOption,
  withLimits,
  withoutSlash,
  withTtl,
} from "../checks.ts";
import type { RateLimitOption } from "../http/rate-limit.ts";
import type { WechatLoginOptions } from "./options.ts";
import { REQUIREMENTS, type Requirement } from "./requirements.ts";

type AnyOptions = WechatLoginOptions<object, readonly Requirement[]>;

const DEFAULTS = {
  require: ["unionid"] as readonly Requirement[],
  avatarMaxBytes: 2 * 1024 * 1024,
  session: {} as SessionOption,
  rateLimit: {} as RateLimitOption,
  checkContent: false,
  keepSessionKey: false,
  temporaryTokenTtl: 300,
  userDataMaxAge: 300,
  sealedUnionid: true,
  keyPrefix: "wechat-login:",
  baseUrl: "https://api.weixin.qq.com",
  timeout: 5000,
};

const CHECKS: Record<keyof AnyOptions, Check> = {
  appId: isToken,
  secret: isSecret,
  redis: isRedis,
  findUser: isFunction,
  saveUser: isFunction,
  saveAvatar: isOptionalFunction,
  avatarMaxBytes: [isAboveZero, "a whole number of bytes above 0", (value) => hintForNumber("It", value)],
  session: isSession,
  checkContent: isBoolean,
  onReview: isOptionalFunction,
  keepSessionKey: isBoolean,
  require: [
    isRequire,
    `an array of ${REQUIREMENTS.map((name) => `"${name}"`).join(", ")}`,
    (value) => hintForList(value, REQUIREMENTS),
  ],
  onLogin: isOptionalFunction,
  temporaryTokenTtl: isSeconds,
  userDataMaxAge: isSeconds,
  sealedUnionid: isBoolean,
  keyPrefix: isString,
  baseUrl: isBaseUrl,
  timeout: isMilliseconds,
  fetch: isOptionalFunction,
  onError: isOptionalFunction,
  rateLimit: isRateLimit,
};

/**
 * The options of `wechatLogin`, checked, with their defaults.
 *
 * @throws {TypeError} in a full sentence
 */
export function checkOptions(options: object) {
  const settings = checkAll("wechatLogin", options as AnyOptions, CHECKS, DEFAULTS);
  return {
    ...settings,
    session: withTtl(settings.session),
    rateLimit: withLimits(settings.rateLimit),
    baseUrl: withoutSlash(settings.baseUrl),
  };
}

function isRequire(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => REQUIREMENTS.includes(name));
}
