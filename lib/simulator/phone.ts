import type { PhoneInfo } from "./phone-numbers.ts";
import { type Sealed, seal, sign } from "./user-data.ts";

/** A person with a phone. */
export interface PhoneUser {
  /** Default: a new random one. */
  openid?: string;
  /** Absent where the Mini Program is bound to no Open Platform account. */
  unionid?: string;
  /** Whether code2Session gives the unionid, or only the encrypted user data. Default: `true`. */
  unionidAtLogin?: boolean;
  /** The real nickname; who gets to see it depends on `client`. Default: `Band`. */
  nickName?: string;
  /** The real avatar. */
  avatarUrl?: string;
  /**
   * What runs on the phone. `current`: a Mini Program of today, which gets WeChat's placeholder for name and avatar.
   * `old`: a base library below 2.27.1, and `minigame`: both still get the real ones. Default: `current`.
   */
  client?: "current" | "old" | "minigame";
  /** WeChat holds the user for a high risk: code2Session answers 40226. */
  blocked?: boolean;
  /** Web pages inside WeChat get a virtual user (快照页): `is_snapshotuser`, with an openid and a unionid of nobody's. */
  snapshot?: boolean;
  /** Without the country code. Default: `10012345678`, which is nobody's. */
  phoneNumber?: string;
  /** Default: `86`. */
  countryCode?: string;
}

/** What `wx.getUserInfo` and `wx.getUserProfile` give when the user allows it. */
export interface UserInfoResult extends Sealed {
  errMsg: string;
  rawData: string;
  signature: string;
  userInfo: Profile;
}

/** The part of the user data that the client may see. */
export interface Profile {
  nickName: string;
  gender: number;
  language: string;
  city: string;
  province: string;
  country: string;
  avatarUrl: string;
}

/** What the phone-number button puts into `e.detail` when the user allows it: the code, and the old encrypted form. */
export interface PhoneNumberResult extends Sealed {
  errMsg: string;
  code: string;
}

/** The `wx` of one person's phone, as far as a login needs it. */
export interface Phone {
  openid: string;
  /** `wx.login()`: a new code, and a new session_key with it; what was sealed before opens no longer. */
  login(): { code: string; errMsg: string };
  /**
   * `wx.getUserInfo()`, the user allows it: sealed under the session_key of the newest login.
   *
   * @param bent fields to put into the sealed data instead of the true ones, for tests of what must be refused
   * @throws {Error} before the first `login()`
   */
  getUserInfo(bent?: object): UserInfoResult;
  /** `wx.getUserProfile()`: as `getUserInfo`, but neither openId nor unionId are inside. */
  getUserProfile(): UserInfoResult;
  /**
   * `<button open-type="getPhoneNumber">`, the user allows it. The code is good for five minutes, once, and for this
   * user; it is no code of `login()`.
   *
   * @throws {Error} before the first `login()`
   */
  getPhoneNumber(): PhoneNumberResult;
  /**
   * The web login, without a browser: opens the URL of WeChat's authorise page, whether inside WeChat or by the QR code,
   * and allows it.
   *
   * @returns the redirect to the callback, with `code` (not where the user refuses) and `state`
   * @throws {Error} what WeChat's page shows where the URL is wrong
   */
  authorize(url: string, answer?: { refuse?: boolean }): string;
  /** The button was pressed and the user refuses: what `e.detail` holds then. Default: `getUserInfo`. */
  refuse(button?: "getUserInfo" | "getPhoneNumber"): { errMsg: string };
}

const PLACEHOLDER_NAME = "微信用户";
const PLACEHOLDER_AVATAR =
  "https://thirdwx.qlogo.cn/mmopen/vi_32/POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132";
const REAL_AVATAR = "https://thirdwx.qlogo.cn/mmopen/vi_32/simulated/132";

/** What a phone asks of WeChat. */
export interface PhoneNetwork {
  appId: string;
  newLogin(): string;
  newPhoneCode(info: PhoneInfo): string;
  /** The session_key of the newest login. */
  sessionKey(): string | undefined;
  authorize(url: string, refuse: boolean): string;
}

/** A phone whose logins and codes are known to the simulator. */
export function phoneOf(user: PhoneUser & { openid: string }, wechat: PhoneNetwork): Phone {
  function keyFor(name: string): string {
    const key = wechat.sessionKey();
    if (!key) throw new Error(`${name} before login(): there is no session_key to seal the user data with.`);
    return key;
  }

  const watermark = () => ({ timestamp: Math.floor(Date.now() / 1000), appid: wechat.appId });

  function result(name: string, identity: object, bent: object): UserInfoResult {
    const key = keyFor(name);
    const userInfo = profileOf(user);
    const rawData = JSON.stringify(userInfo);
    const sealed = seal({ ...identity, ...userInfo, watermark: watermark(), ...bent }, key);
    return { errMsg: `${name}:ok`, rawData, signature: sign(rawData, key), ...sealed, userInfo };
  }

  const unionId = user.unionid === undefined ? {} : { unionId: user.unionid };
  return {
    openid: user.openid,
    login: () => ({ code: wechat.newLogin(), errMsg: "login:ok" }),
    getUserInfo: (bent = {}) => result("getUserInfo", { openId: user.openid, ...unionId }, bent),
    getUserProfile: () => result("getUserProfile", {}, {}),
    getPhoneNumber() {
      const info = { ...phoneNumberOf(user), watermark: watermark() };
      const sealed = seal(info, keyFor("getPhoneNumber"));
      return { errMsg: "getPhoneNumber:ok", code: wechat.newPhoneCode(info), ...sealed };
    },
    authorize: (url, { refuse = false } = {}) => wechat.authorize(url, refuse),
    refuse: (button = "getUserInfo") => ({
      errMsg: `${button}:fail ${button === "getUserInfo" ? "auth" : "user"} deny`,
    }),
  };
}

/** Only a foreign number is written with its country code. */
function phoneNumberOf({ phoneNumber = "10012345678", countryCode = "86" }: PhoneUser) {
  const full = countryCode === "86" ? phoneNumber : `+${countryCode}${phoneNumber}`;
  return { phoneNumber: full, purePhoneNumber: phoneNumber, countryCode };
}

/** The user's own name and picture, which web pages still get. */
export function ownProfileOf({ nickName = "Band", avatarUrl = REAL_AVATAR }: PhoneUser) {
  return { nickName, avatarUrl };
}

/** Gender and place are empty for everyone since 2021, name and avatar for nearly everyone since 2022. */
function profileOf({ client = "current", ...user }: PhoneUser): Profile {
  const isReal = client !== "current";
  const shown = isReal ? ownProfileOf(user) : { nickName: PLACEHOLDER_NAME, avatarUrl: PLACEHOLDER_AVATAR };
  return { ...shown, gender: 0, language: "zh_CN", city: "", province: "", country: "" };
}
