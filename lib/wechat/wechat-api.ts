import type { Store } from "../storage/store.ts";
import { accessTokenOf } from "./access-token.ts";
import { code2Session } from "./code2session.ts";
import { contentCheckOf } from "./content-check.ts";
import { phoneNumberOf } from "./phone-number.ts";
import { wechatRequest } from "./request.ts";
import { sessionKeyApi } from "./session-key.ts";
import type { TransportOptions } from "./transport.ts";

/** What it takes to speak for an app; `prefix` is in front of the keys of its access_token. */
export interface WechatApiOptions extends TransportOptions {
  appId: string;
  secret: string;
  store: Store;
  prefix: string;
}

/** WeChat's server APIs as far as a login needs them. Only code2Session does without the access_token. */
export function wechatApi(options: WechatApiOptions) {
  const request = wechatRequest(options);
  const accessToken = accessTokenOf({ ...options, request });
  return {
    code2Session: code2Session({ ...options, request }),
    phoneNumber: phoneNumberOf({ accessToken, request }),
    checkContent: contentCheckOf({ accessToken, request }),
    sessionKeys: sessionKeyApi({ accessToken, request }),
  };
}
