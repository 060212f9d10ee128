import type { Request } from "express";
import type { WechatLoginError } from "../errors.ts";
import type { RedisClient } from "../storage/redis-store.ts";
import type { Fetch } from "../wechat/request.ts";
import type { Identity } from "./login-flow.ts";
import { type Known, REQUIREMENTS, type Requirement } from "./requirements.ts";

/** What `saveUser` is given: what is required is always there, the rest where it is known. */
export type UserToSave<Required extends readonly Requirement[]> = Identity &
  Known &
  Record<Required[number], string>;

/**
 * What `findUser` must give back: an object with the required fields under these names, so that a stored user is
 * never asked again. A host whose columns are named otherwise maps them in `findUser`.
 */
export type StoredUser<Required extends readonly Requirement[]> = {
  [Name in Required[number]]?: string | null | undefined;
} & {
  /** If it is there at all: the openid in the app that was asked for. One that differs is saved. */
  openid?: string | null | undefined;
};

/** The options of `wechatLogin`; the README has a table of them. */
export interface WechatLoginOptions<User extends object, Required extends readonly Requirement[]> {
  /** The Mini Program's AppID. */
  appId: string;
  /** The Mini Program's AppSecret. */
  secret: string;
  /**
   * An ioredis client. It is never connected, closed or listened to here. Without it an in-process store is used,
   * which is for trying out: under `NODE_ENV=production` that is a `TypeError`.
   */
  redis?: RedisClient | undefined;
  /** Finds a stored user by `unionid` or by `appId` and `openid`; gives nothing for a stranger. */
  findUser(identity: Identity): User | null | undefined | Promise<User | null | undefined>;
  /** Creates or updates a user. Two requests may save one person at the same time: make it an upsert. */
  saveUser(user: UserToSave<Required>): unknown;
  /** What must be known before a login is complete. Default: `["unionid"]`. */
  require?: Required | undefined;
  /**
   * What the client receives besides `status`. Nothing of the user leaves without it. Called with what `findUser`
   * finds once the user is stored.
   */
  onLogin?(
    user: NoInfer<User>,
    visit: { identity: Identity; req: Request },
  ): object | undefined | Promise<object | undefined>;
  /** Seconds for which a temporary token is good. Default: 300. */
  temporaryTokenTtl?: number | undefined;
  /** Seconds that `watermark.timestamp` may be away from this server's clock. Default: 300. */
  userDataMaxAge?: number | undefined;
  /** In front of every key in Redis; the appId always follows. Default: `wechat-login:`. */
  keyPrefix?: string | undefined;
  /** Where WeChat is. Default: `https://api.weixin.qq.com`; `api2` and others exist, and so does the simulator. */
  baseUrl?: string | undefined;
  /** Milliseconds to wait for an answer of WeChat. Default: 5000. */
  timeout?: number | undefined;
  /** Takes the place of node-fetch. */
  fetch?: Fetch | undefined;
  /** Told of every error that is answered here, with its `cause`, before the answer is sent. */
  onError?(error: WechatLoginError, req: Request): unknown;
}

type AnyOptions = WechatLoginOptions<object, readonly Requirement[]>;

const DEFAULTS = {
  require: ["unionid"] as readonly Requirement[],
  temporaryTokenTtl: 300,
  userDataMaxAge: 300,
  keyPrefix: "wechat-login:",
  baseUrl: "https://api.weixin.qq.com",
  timeout: 5000,
};

type Check = [isGood: (value: unknown) => boolean, mustBe: string];

const isSeconds: Check = [(v) => Number.isInteger(v) && Number(v) > 0, "a whole number of seconds above 0"];
const isFunction: Check = [(v) => typeof v === "function", "a function"];
const isOptionalFunction: Check = [(v) => v === undefined || typeof v === "function", "a function"];
const isToken: Check = [(v) => typeof v === "string" && /^[\w-]+$/.test(v), "a string of letters and digits"];

const CHECKS: Record<keyof AnyOptions, Check> = {
  appId: isToken,
  secret: isToken,
  redis: [isRedis, "an ioredis client, version 5 or 6 (Redis or Cluster)"],
  findUser: isFunction,
  saveUser: isFunction,
  require: [isRequire, `an array of ${REQUIREMENTS.map((name) => `"${name}"`).join(", ")}`],
  onLogin: isOptionalFunction,
  temporaryTokenTtl: isSeconds,
  userDataMaxAge: isSeconds,
  keyPrefix: [(v) => typeof v === "string", "a string"],
  baseUrl: [isBaseUrl, "an http or https URL"],
  timeout: [(v) => Number.isInteger(v) && Number(v) > 0, "a whole number of milliseconds above 0"],
  fetch: isOptionalFunction,
  onError: isOptionalFunction,
};

/**
 * Checks the options once, at creation, and fills in the defaults.
 *
 * @throws {TypeError} in a full sentence
 */
export function checkOptions(options: AnyOptions): AnyOptions & typeof DEFAULTS {
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  const unknown = given.find(([name]) => !Object.hasOwn(CHECKS, name));
  if (unknown) throw new TypeError(`wechatLogin: there is no option "${unknown[0]}".`);
  const settings = { ...DEFAULTS, ...Object.fromEntries(given) } as AnyOptions & typeof DEFAULTS;
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
  return { ...settings, baseUrl: settings.baseUrl.replace(/\/+$/, "") };
}

function isRedis(value: unknown): boolean {
  const { set, getdel } = (value ?? {}) as Record<string, unknown>;
  return value === undefined || (typeof set === "function" && typeof getdel === "function");
}

function isRequire(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => REQUIREMENTS.includes(name));
}

function isBaseUrl(value: unknown): boolean {
  return typeof value === "string" && URL.canParse(value) && /^https?:/.test(value);
}
