import { openStore } from "../storage/open-store.ts";
import type { RedisClient } from "../storage/redis-store.ts";
import { type AccessToken, accessTokenOf } from "./access-token.ts";
import type { Fetch } from "./fetch-exchange.ts";
import { wechatRequest } from "./request.ts";

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

/**
 * The access_token (接口调用凭证) for hosts that call other APIs of WeChat, shared with `wechatLogin` and with every
 * process on the same Redis: nobody's refresh ends the token of someone else.
 *
 * @example
 * const token = accessToken({ appId, secret, redis });
 * await fetch(`https://api.weixin.qq.com/wxa/getwxacodeunlimit?access_token=${await token.get()}`, …);
 *
 * @throws {TypeError} where appId, secret or redis is missing
 * @see https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html
 */
export function accessToken(options: AccessTokenOptions): AccessToken {
  const { appId, secret, redis, keyPrefix = "wechat-login:", fetch } = options;
  const { baseUrl = "https://api.weixin.qq.com", timeout = 5000 } = options;
  for (const name of ["appId", "secret", "redis"] as const) {
    if (!options[name]) throw new TypeError(`accessToken: "${name}" is missing.`);
  }
  const request = wechatRequest({ baseUrl, timeout, fetch });
  return accessTokenOf({
    appId,
    secret,
    store: openStore(redis),
    prefix: `${keyPrefix}${appId}:`,
    timeout,
    request,
  });
}
