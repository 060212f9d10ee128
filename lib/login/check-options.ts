import type { WechatLoginOptions } from "./options.ts";
import { REQUIREMENTS, type Requirement } from "./requirements.ts";

type AnyOptions = WechatLoginOptions<object, readonly Requirement[]>;

const SESSION_SECONDS = 30 * 24 * 60 * 60;

const DEFAULTS = {
  require: ["unionid"] as readonly Requirement[],
  avatarMaxBytes: 2 * 1024 * 1024,
  session: { ttl: SESSION_SECONDS } as { ttl: number } | false,
  checkContent: false,
  keepSessionKey: false,
  temporaryTokenTtl: 300,
  userDataMaxAge: 300,
  keyPrefix: "wechat-login:",
  baseUrl: "https://api.weixin.qq.com",
  timeout: 5000,
};

/** The options with their defaults. */
type Settings = Omit<AnyOptions, keyof typeof DEFAULTS> & typeof DEFAULTS;
type Check = [isGood: (value: unknown) => boolean, mustBe: string];

const isSeconds: Check = [isAboveZero, "a whole number of seconds above 0"];
const isBoolean: Check = [(v) => typeof v === "boolean", "true or false"];
const isFunction: Check = [(v) => typeof v === "function", "a function"];
const isOptionalFunction: Check = [(v) => v === undefined || typeof v === "function", "a function"];
const isToken: Check = [(v) => typeof v === "string" && /^[\w-]+$/.test(v), "a string of letters and digits"];

const CHECKS: Record<keyof AnyOptions, Check> = {
  appId: isToken,
  secret: isToken,
  redis: [isRedis, "an ioredis client, version 5 or 6 (Redis or Cluster)"],
  findUser: isFunction,
  saveUser: isFunction,
  saveAvatar: isOptionalFunction,
  avatarMaxBytes: [isAboveZero, "a whole number of bytes above 0"],
  session: [isSession, "false, or an object with a ttl in whole seconds above 0"],
  checkContent: isBoolean,
  onReview: isOptionalFunction,
  keepSessionKey: isBoolean,
  require: [isRequire, `an array of ${REQUIREMENTS.map((name) => `"${name}"`).join(", ")}`],
  onLogin: isOptionalFunction,
  temporaryTokenTtl: isSeconds,
  userDataMaxAge: isSeconds,
  keyPrefix: [(v) => typeof v === "string", "a string"],
  baseUrl: [isBaseUrl, "an http or https URL"],
  timeout: [isAboveZero, "a whole number of milliseconds above 0"],
  fetch: isOptionalFunction,
  onError: isOptionalFunction,
};

/**
 * Checks the options once, at creation, and fills in the defaults.
 *
 * @throws {TypeError} in a full sentence
 */
export function checkOptions(options: AnyOptions): Settings {
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  const unknown = given.find(([name]) => !Object.hasOwn(CHECKS, name));
  if (unknown) throw new TypeError(`wechatLogin: there is no option "${unknown[0]}".`);
  const settings = { ...DEFAULTS, ...Object.fromEntries(given) } as Settings;
  for (const [name, [isGood, mustBe]] of Object.entries(CHECKS)) {
    // The value is not shown: it may be the secret.
    if (!isGood(settings[name as keyof AnyOptions]))
      throw new TypeError(`wechatLogin: "${name}" must be ${mustBe}.`);
  }
  if (!settings.redis && process.env.NODE_ENV === "production") {
    throw new TypeError(
      'wechatLogin: "redis" is needed in production; the in-process store is for trying out only.',
    );
  }
  const session = settings.session && { ttl: settings.session.ttl ?? SESSION_SECONDS };
  return { ...settings, session, baseUrl: settings.baseUrl.replace(/\/+$/, "") };
}

function isAboveZero(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) > 0;
}

/** By structure: a client of another copy or version of ioredis is as good as any. */
function isRedis(value: unknown): boolean {
  if (value === undefined) return true;
  return ["set", "get", "getdel", "eval"].every((name) => typeof Object(value)[name] === "function");
}

function isSession(value: unknown): boolean {
  if (value === false) return true;
  return typeof value === "object" && value !== null && isAboveZero((value as { ttl?: unknown }).ttl ?? 1);
}

function isRequire(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => REQUIREMENTS.includes(name));
}

function isBaseUrl(value: unknown): boolean {
  return typeof value === "string" && URL.canParse(value) && /^https?:/.test(value);
}
