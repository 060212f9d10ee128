// Types of wechat-login.js.

/** What is required of a user and not known yet. */
export type Missing = "unionid" | "nickName" | "avatarUrl" | "phoneNumber";

/** How a login ends, unless it fails. With `session: false` on the server `signed_in` has what `onLogin` returned, and no token. */
export type LoginAnswer =
  | { status: "signed_in"; [fromOnLogin: string]: unknown }
  | {
      status: "incomplete";
      /** Ask for this, the first one first. */
      missing: Missing[];
      /** The user refused: nothing was sent, the next press asks again. */
      refused?: true;
      /**
       * The key or the token was over: there is a new one, let the user press once more. If the server refuses three times in
       * a row, its error is thrown instead.
       */
      again?: true;
    };

/** What every promise rejects with. */
export interface LoginError extends Error {
  /**
   * A code of the README's error table, or `unreachable` (no answer), `unexpected_answer` (a gateway's page, or an error without a
   * code), `login_incomplete` (the user has to be asked: show the login page), `button_failed` (no data, and no refusal: the
   * message is WeChat's `errMsg`), `signed_out` (`logout` was called during this login), `no_session_token` (the server has
   * `session: false`), `foreign_origin` (a server of another origin wants the session token: see `origins`).
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
  /**
   * In full, or as a path on the login's server (`/me`). The session token goes to the origin of the login's `url` and to
   * `origins`; a request to any other server is sent without it.
   */
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
  /**
   * A request with the session token. Logs in if there is none, or if the answer is a 401 with the code `login_required`;
   * then it asks again, once. With `session: false` on the server it rejects with `no_session_token`: send your own login
   * state with `wx.request`.
   */
  request<Body = unknown>(options: RequestOptions): Promise<Body>;
  /** Changes what is stored of who is signed in. */
  updateProfile(fields: Pick<Fields, "nickName" | "phoneCode" | "avatar">): Promise<{ status: "saved" }>;
  /**
   * Forgets the session token, and ends the session on the server. One that is over already is no error. A login that is
   * under way rejects with `signed_out`, and its session is ended, too.
   */
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
  /** Your other servers that get the session token, e.g. `["https://api.example.com"]`. Default: only that of `url`. */
  origins?: string[];
  /** Under which the session token is stored. Default: `wechat-login:session`. */
  storageKey?: string;
}): Login;
