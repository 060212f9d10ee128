import { checkAll } from "../check-all.ts";
import {
  type Check,
  isBaseUrl,
  isMilliseconds,
  isOptionalFunction,
  isRedis,
  isSecret,
  isString,
  isToken,
  withoutSlash,
} from "../checks.ts";
import { openStore } from "../storage/open-store.ts";
import type { RedisClient } from "../storage/redis-store.ts";
import { type AccessToken, accessTokenOf } from "./access-token.ts";
import { wechatRequest } from "./request.ts";
import type { Fetch } from "./transport.ts";

/** The options of `accessToken`; the same names and defaults as those of `wechatLogin`. */
export interface AccessTokenOptions {
  appId: string;
  secret: string;
  redis: RedisClient;
  keyPrefix?: string | undefined;
  baseUrl?: string | undefined;
  timeout?: number | undefined;
  fetch?: Fetch | undefined;
}

const DEFAULTS = { keyPrefix: "wechat-login:", baseUrl: "https://api.weixin.qq.com", timeout: 5000 };

const CHECKS: Record<keyof AccessTokenOptions, Check> = {
  appId: isToken,
  secret: isSecret,
  redis: [(value) => value !== undefined && isRedis[0](value), isRedis[1], isRedis[2]],
  keyPrefix: isString,
  baseUrl: isBaseUrl,
  timeout: isMilliseconds,
  fetch: isOptionalFunction,
};

/**
 * The access_token (接口调用凭证) for hosts that call other APIs of WeChat, shared with `wechatLogin` and with every
 * process on the same Redis: nobody's refresh ends the token of someone else.
 *
 * @example
 * const token = accessToken({ appId, secret, redis });
 * await fetch(`https://api.weixin.qq.com/wxa/getwxacodeunlimit?access_token=${await token.get()}`, …);
 *
 * @throws {TypeError} where an option is missing or wrong
 * @see https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html
 */
export function accessToken(options: AccessTokenOptions): AccessToken {
  const settings = checkAll("accessToken", options, CHECKS, DEFAULTS);
  const { appId, redis, keyPrefix } = settings;
  const request = wechatRequest({ ...settings, baseUrl: withoutSlash(settings.baseUrl) });
  return accessTokenOf({ ...settings, store: openStore(redis), prefix: `${keyPrefix}${appId}:`, request });
}
