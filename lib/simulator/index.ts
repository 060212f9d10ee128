export type { Account, WebAccount } from "./app.ts";
export type { Suggestion } from "./content-check.ts";
export type { Phone, PhoneNumberResult, PhoneUser, Profile, UserInfoResult } from "./phone.ts";
export type { Bend, SeenRequest } from "./server.ts";
export type { Sealed } from "./user-data.ts";
export { type WechatSimulator, type WechatSimulatorOptions, wechatSimulator } from "./wechat-simulator.ts";
