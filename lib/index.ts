export {
  AccountConflictError,
  WechatLoginError,
  type WechatLoginErrorBody,
  type WechatLoginErrorCode,
  type WechatLoginErrorDetails,
} from "./errors.ts";
export type { MountableHandler } from "./http/routes.ts";
export type { Identity } from "./identity.ts";
export type { SessionKeys } from "./login/open-data.ts";
export type {
  StoredUser,
  UserToSave,
  WechatLogin,
  WechatLoginOptions,
  WechatLoginWith,
} from "./login/options.ts";
export type { Requirement } from "./login/requirements.ts";
export type { SealedUserData, UserData } from "./login/user-data.ts";
export { wechatLogin } from "./login/wechat-login.ts";
export type { Picture } from "./profile/picture.ts";
export type { Person } from "./session/person.ts";
export type { RedisClient } from "./storage/redis-store.ts";
export type { Traced, TracedKind } from "./tracing.ts";
export type {
  WebRequirement,
  WechatWebLogin,
  WechatWebLoginOptions,
  WechatWebLoginWith,
} from "./web/options.ts";
export { wechatWebLogin } from "./web/wechat-web-login.ts";
export type { AccessToken } from "./wechat/access-token.ts";
export { type AccessTokenOptions, accessToken } from "./wechat/access-token-for-hosts.ts";
export type { Fetch, FetchResponse } from "./wechat/transport.ts";
