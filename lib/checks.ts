import {
  type Hint,
  hintForFunction,
  hintForNames,
  hintForNumber,
  hintForRedis,
  hintForUrl,
  hintForWord,
  isOtherClient,
  isUnset,
  looksLikeAppId,
} from "./check-hints.ts";
import type { RateLimitOption } from "./http/rate-limit.ts";

/** How an option is checked, what it must be, to end a sentence with, and a second sentence about the likely mistake. */
export type Check = [isGood: (value: unknown) => boolean, mustBe: string, hint?: Hint | undefined];

/** Ten years: what is meant in milliseconds, or as a moment, is far more, and a store could not keep all of it. */
const MAX_SECONDS = 10 * 365 * 24 * 60 * 60;

export const isSeconds: Check = [
  isWholeSeconds,
  "a whole number of seconds above 0",
  (value) => hintForNumber("It", value) ?? hintForSeconds("time", value),
];
export const isMilliseconds: Check = [
  // Node's timers take no more, and make one millisecond of it.
  (v) => isAboveZero(v) && Number(v) < 2 ** 31,
  "a whole number of milliseconds above 0 and below 2147483648",
  (value) => hintForNumber("It", value),
];
export const isBoolean: Check = [(v) => typeof v === "boolean", "true or false"];
export const isString: Check = [(v) => typeof v === "string", "a string"];
export const isFunction: Check = [(v) => typeof v === "function", "a function", hintForFunction];
export const isOptionalFunction: Check = [
  (v) => v === undefined || typeof v === "function",
  "a function",
  hintForFunction,
];
export const isToken: Check = [
  (v) => isWord(v) && !isUnset(v),
  "a string of letters and digits",
  hintForWord,
];
export const isSecret: Check = [
  (v) => isToken[0](v) && !looksLikeAppId(v),
  "a string of letters and digits",
  hintForWord,
];
export const isRedis: Check = [
  isRedisClient,
  "an ioredis client, version 5 or 6 (Redis or Cluster)",
  hintForRedis,
];
export const isUrl: Check = [isHttpUrl, "an http or https URL", hintForUrl];
export const isBaseUrl: Check = [
  isBareUrl,
  "an http or https URL without a user name, a query and a fragment",
  hintForUrl,
];
export const isRateLimit: Check = [
  isRateLimitOption,
  "false, or an object with a limit and a window in seconds, both whole numbers above 0",
  (value) => {
    const { limit, window } = Object(value);
    return (
      hintForNumber("limit", limit) ??
      hintForNumber("window", window) ??
      hintForSeconds("window", window) ??
      hintForNames(value, ["limit", "window"])
    );
  },
];
export const isSession: Check = [
  isSessionOption,
  "false, or an object of at most a ttl in whole seconds above 0 and a name of letters and digits",
  (value) => {
    const { ttl } = Object(value);
    return hintForNumber("ttl", ttl) ?? hintForSeconds("ttl", ttl) ?? hintForNames(value, ["ttl", "name"]);
  },
];

/** A carrier has thousands of users behind one address, and each logs in about once a launch. */
const RATE_LIMIT = { limit: 1000, window: 60 };
const SESSION_SECONDS = 30 * 24 * 60 * 60;

/** How long sessions live, and the name under which logins share them. */
export type SessionOption = { ttl?: number | undefined; name?: string | undefined } | false;

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
  if (isOtherClient(value)) return false;
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

function hintForSeconds(name: string, value: unknown): string | undefined {
  return Number(value) > MAX_SECONDS
    ? `The longest ${name} is ${MAX_SECONDS} seconds, ten years.`
    : undefined;
}
