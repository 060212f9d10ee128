// Types of wechat-login.js.

/** What is required of a user and not known yet. */
export type Missing = "unionid" | "nickName" | "avatarUrl" | "phoneNumber";

/** How a login ends, unless it fails. */
export type LoginAnswer =
  | { status: "signed_in"; [fromOnLogin: string]: unknown }
  | {
      status: "incomplete";
      /** Ask for this, the first one first. */
      missing: Missing[];
      /** The user refused: nothing was sent, the next press asks again. */
      refused?: true;
      /** The key or the token was over: there is a new one, let the user press once more. */
      again?: true;
    };

/** What every promise rejects with. */
export interface LoginError extends Error {
  /**
   * A code of the README's error table, or `unreachable` (no answer), `unexpected_answer` (a gateway's page, or an error without a
   * code), `login_incomplete` (the user has to be asked: show the login page), `button_failed` (no data, and no refusal: the
   * message is WeChat's `errMsg`).
   */
  code: string;
  /** The HTTP status, where there was an answer. */
  statusCode?: number;
  /** Seconds. Before they are over, no request goes to the login. */
  retryAfter?: number;
}

/** What the user allowed or filled in. */
export interface Fields {
  /** `e.detail.errMsg`: tells a refusal from what else can fail. */
  errMsg?: string;
  encryptedData?: string;
  iv?: string;
  rawData?: string;
  signature?: string;
  nickName?: string;
  /** `e.detail.code` of the phone button. Where an old base library gives none, send its `encryptedData` and `iv`. */
  phoneCode?: string;
  /** `e.detail.avatarUrl` of the avatar button: a file on the phone. */
  avatar?: string;
}

/** A request to your own server. */
export interface RequestOptions {
  url: string;
  method?: "GET" | "POST" | "PUT" | "DELETE";
  data?: object;
  header?: Record<string, string>;
}

/** The login of an app. */
export interface Login {
  /** Whether a session token is stored. It may be over; `request` finds out. */
  isSignedIn(): boolean;
  /**
   * `wx.login`, and what the server says to it. Calls that come together share one; an answer `incomplete` is good as
   * long as its temporary token. Call it before you show a button, never in the button's callback.
   */
  start(): Promise<LoginAnswer>;
  /** Sends what was missing; while a login is under way, after it. */
  complete(fields: Fields): Promise<LoginAnswer>;
  /** A request with the session token: logs in where there is none or it is over, and then asks again, once. */
  request<Body = unknown>(options: RequestOptions): Promise<Body>;
  /** Changes what is stored of who is signed in. */
  updateProfile(fields: Pick<Fields, "nickName" | "phoneCode" | "avatar">): Promise<{ status: "saved" }>;
  /** Forgets the session token, and ends the session on the server. One that is over already is no error. */
  logout(): Promise<void>;
  /** WeChat's privacy agreement: whether the user agrees, has agreed, or need not. */
  agreeToPrivacy(): Promise<boolean>;
}

/** What is used of `wx`, `Taro` and `uni`. */
export interface WxLike {
  login(options: never): unknown;
  request(options: never): unknown;
  uploadFile(options: never): unknown;
  getStorageSync(key: string): unknown;
  setStorageSync(key: string, value: string): void;
  removeStorageSync(key: string): void;
  requirePrivacyAuthorize?(options: never): unknown;
}

/** One login for the whole app. */
export function createLogin(options: {
  wx: WxLike;
  /** Of the login on your server, e.g. `https://example.com/wx`. */
  url: string;
  /** Under which the session token is stored. Default: `wechat-login:session`. */
  storageKey?: string;
}): Login;
