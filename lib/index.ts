export { WechatLoginError, type WechatLoginErrorCode, type WechatLoginErrorDetails } from "./errors.ts";
export type { Identity } from "./login/login-flow.ts";
export type { StoredUser, UserToSave, WechatLoginOptions } from "./login/options.ts";
export type { Requirement } from "./login/requirements.ts";
export { wechatLogin } from "./login/wechat-login.ts";
export type { RedisClient } from "./storage/redis-store.ts";
export type { Fetch } from "./wechat/request.ts";
