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
  /** The button was pressed and the user refuses: what `e.detail` holds then. */
  refuse(): { errMsg: string };
}

const PLACEHOLDER_NAME = "微信用户";
const PLACEHOLDER_AVATAR =
  "https://thirdwx.qlogo.cn/mmopen/vi_32/POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132";
const REAL_AVATAR = "https://thirdwx.qlogo.cn/mmopen/vi_32/simulated/132";

/** A phone whose logins are known to the simulator by `newLogin`; `sessionKey` gives the newest one's key. */
export function phoneOf(
  user: PhoneUser & { openid: string },
  { appId, newLogin, sessionKey }: { appId: string; newLogin(): string; sessionKey(): string | undefined },
): Phone {
  function result(name: string, identity: object, bent: object): UserInfoResult {
    const key = sessionKey();
    if (!key) throw new Error(`${name} before login(): there is no session_key to seal the user data with.`);
    const userInfo = profileOf(user);
    const rawData = JSON.stringify(userInfo);
    const watermark = { timestamp: Math.floor(Date.now() / 1000), appid: appId };
    const sealed = seal({ ...identity, ...userInfo, watermark, ...bent }, key);
    return { errMsg: `${name}:ok`, rawData, signature: sign(rawData, key), ...sealed, userInfo };
  }

  const unionId = user.unionid === undefined ? {} : { unionId: user.unionid };
  return {
    openid: user.openid,
    login: () => ({ code: newLogin(), errMsg: "login:ok" }),
    getUserInfo: (bent = {}) => result("getUserInfo", { openId: user.openid, ...unionId }, bent),
    getUserProfile: () => result("getUserProfile", {}, {}),
    refuse: () => ({ errMsg: "getUserInfo:fail auth deny" }),
  };
}

/** Gender and place are empty for everyone since 2021, name and avatar for nearly everyone since 2022. */
function profileOf({ client = "current", nickName = "Band", avatarUrl = REAL_AVATAR }: PhoneUser): Profile {
  const isReal = client !== "current";
  const shown = isReal
    ? { nickName, avatarUrl }
    : { nickName: PLACEHOLDER_NAME, avatarUrl: PLACEHOLDER_AVATAR };
  return { ...shown, gender: 0, language: "zh_CN", city: "", province: "", country: "" };
}
