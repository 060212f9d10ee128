import type { RateLimitOption } from "./http/rate-limit.ts";

/** How an option is checked, and what it must be, to end a sentence with. */
export type Check = [isGood: (value: unknown) => boolean, mustBe: string];

/** Ten years: what is meant in milliseconds, or as a moment, is far more, and a store could not keep all of it. */
const MAX_SECONDS = 10 * 365 * 24 * 60 * 60;
const LONGEST = `is ${MAX_SECONDS} seconds, ten years`;

export const isSeconds: Check = [
  isWholeSeconds,
  `a whole number of seconds above 0. The longest time ${LONGEST}`,
];
export const isMilliseconds: Check = [
  // Node's timers take no more, and make one millisecond of it.
  (v) => isAboveZero(v) && Number(v) < 2 ** 31,
  "a whole number of milliseconds above 0 and below 2147483648",
];
export const isBoolean: Check = [(v) => typeof v === "boolean", "true or false"];
export const isString: Check = [(v) => typeof v === "string", "a string"];
export const isFunction: Check = [(v) => typeof v === "function", "a function"];
export const isOptionalFunction: Check = [(v) => v === undefined || typeof v === "function", "a function"];
export const isToken: Check = [isWord, "a string of letters and digits"];
export const isRedis: Check = [isRedisClient, "an ioredis client, version 5 or 6 (Redis or Cluster)"];
export const isUrl: Check = [isHttpUrl, "an http or https URL"];
export const isBaseUrl: Check = [
  isBareUrl,
  "an http or https URL without a user name, a query and a fragment",
];
export const isRateLimit: Check = [
  isRateLimitOption,
  "false, or an object with a limit and a window in seconds, both whole numbers above 0. " +
    `The longest window ${LONGEST}`,
];
export const isSession: Check = [
  isSessionOption,
  "false, or an object of at most a ttl in whole seconds above 0 and a name of letters and digits. " +
    `The longest ttl ${LONGEST}`,
];

/** A carrier has thousands of users behind one address, and each logs in about once a launch. */
const RATE_LIMIT = { limit: 1000, window: 60 };
const SESSION_SECONDS = 30 * 24 * 60 * 60;

/** How long sessions live, and the name under which logins share them. */
export type SessionOption = { ttl?: number | undefined; name?: string | undefined } | false;

/**
 * Checks options once, at creation, and fills in the defaults.
 *
 * @param factory whose options they are, for the sentence
 * @throws {TypeError} in a full sentence
 */
export function checkAll<Options extends object, Defaults extends object>(
  factory: string,
  options: Options,
  checks: { [Name in keyof Options]-?: Check },
  defaults: Defaults,
): Omit<Options, keyof Defaults> & Defaults {
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  const unknown = given.find(([name]) => !Object.hasOwn(checks, name));
  if (unknown) throw new TypeError(`${factory}: there is no option "${unknown[0]}".`);
  const settings: Record<string, unknown> = { ...defaults, ...Object.fromEntries(given) };
  for (const [name, [isGood, mustBe]] of Object.entries<Check>(checks)) {
    // The value is not shown: it may be the secret.
    if (!isGood(settings[name])) throw new TypeError(`${factory}: "${name}" must be ${mustBe}.`);
  }
  if (!settings.redis && process.env.NODE_ENV === "production") {
    throw new TypeError(
      `${factory}: "redis" is needed in production; the in-process store is for trying out only.`,
    );
  }
  return settings as Omit<Options, keyof Defaults> & Defaults;
}

/** The session option with its default; `false` stays. */
export function withTtl(session: SessionOption | undefined) {
  return session !== false && { ttl: session?.ttl ?? SESSION_SECONDS, name: session?.name };
}

/** The rateLimit option with its defaults; `false` stays. */
export function withLimits(rateLimit: RateLimitOption | undefined) {
  return (
    rateLimit !== false && {
      limit: rateLimit?.limit ?? RATE_LIMIT.limit,
      window: rateLimit?.window ?? RATE_LIMIT.window,
    }
  );
}

/** The option as paths are put behind it. */
export function withoutSlash(baseUrl: string): string {
  return baseUrl.replace(/\/+$/, "");
}

export function isAboveZero(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) > 0;
}

function isWholeSeconds(value: unknown): boolean {
  return isAboveZero(value) && Number(value) <= MAX_SECONDS;
}

function isWord(value: unknown): boolean {
  return typeof value === "string" && /^[\w-]+$/.test(value);
}

/** By structure: a client of another copy or version of ioredis is as good as any. */
function isRedisClient(value: unknown): boolean {
  if (value === undefined) return true;
  return ["set", "get", "getdel", "eval", "evalsha"].every(
    (name) => typeof Object(value)[name] === "function",
  );
}

function isSessionOption(value: unknown): boolean {
  if (value === false) return true;
  if (typeof value !== "object" || value === null) return false;
  const { ttl = 1, name = "x", ...others } = value as Record<string, unknown>;
  return isWholeSeconds(ttl) && isWord(name) && Object.keys(others).length === 0;
}

function isRateLimitOption(value: unknown): boolean {
  if (value === false) return true;
  if (typeof value !== "object" || value === null) return false;
  const { limit = 1, window = 1, ...others } = value as Record<string, unknown>;
  return isAboveZero(limit) && isWholeSeconds(window) && Object.keys(others).length === 0;
}

function isHttpUrl(value: unknown): boolean {
  return typeof value === "string" && URL.canParse(value) && /^https?:/.test(value);
}

/** What else a URL may hold would be dropped in front of a path, or stand in the middle of one. */
function isBareUrl(value: unknown): boolean {
  if (!isHttpUrl(value)) return false;
  const { origin, pathname, href } = new URL(String(value));
  return href === origin + pathname;
}
