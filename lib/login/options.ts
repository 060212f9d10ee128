import type { IncomingMessage } from "node:http";
import type { Request } from "express";
import type { SessionOption } from "../checks.ts";
import type { WechatLoginError } from "../errors.ts";
import type { RateLimitOption } from "../http/rate-limit.ts";
import type { MountableHandler } from "../http/routes.ts";
import type { Identity } from "../identity.ts";
import type { Picture } from "../profile/picture.ts";
import type { Person } from "../session/person.ts";
import type { RedisClient } from "../storage/redis-store.ts";
import type { Fetch } from "../wechat/transport.ts";
import type { SessionKeys } from "./open-data.ts";
import type { Known, Requirement } from "./requirements.ts";
import type { SealedUserData, UserData } from "./user-data.ts";

/** What `saveUser` is given: what is required is always there, the rest where it is known. */
export type UserToSave<Required extends readonly Requirement[]> = Identity &
  Known &
  // Of an array that is no tuple the type does not tell what is in it.
  (number extends Required["length"] ? unknown : Record<Required[number], string>);

/**
 * What `findUser` must give back: an object with the required fields under these names, so that a stored user is
 * never asked again. A host whose columns are named otherwise maps them in `findUser`.
 */
export type StoredUser<Required extends readonly Requirement[]> = {
  [Name in Required[number]]?: string | null | undefined;
} & {
  /** If it is there at all: the openid in the app that was asked for. One that differs (found by unionid) is saved. */
  openid?: string | null | undefined;
};

/** The options of `wechatLogin`; the README has a table of them. */
export interface WechatLoginOptions<User extends object, Required extends readonly Requirement[]> {
  /** The Mini Program's AppID. */
  appId: string;
  /** The Mini Program's AppSecret. */
  secret: string;
  /**
   * An ioredis client. It is never connected, closed or listened to here. Without it an in-process store is used,
   * which is for trying out: under `NODE_ENV=production` that is a `TypeError`.
   */
  redis?: RedisClient | undefined;
  /**
   * Finds a stored user by `unionid` or by `appId` and `openid`; returns nothing for a stranger.
   *
   * The user must be the one who logged in: if it has an `openid` or a `unionid`, one of them must be that of `identity`.
   * Anything else is an Error, and nobody is signed in. A user with several accounts at WeChat: return the openid and the
   * unionid that was asked for, or leave both out.
   */
  findUser(identity: Identity): User | null | undefined | Promise<User | null | undefined>;
  /** Creates or updates a user. Two requests may save one person at the same time: make it an upsert. */
  saveUser(user: UserToSave<Required>): unknown;
  /** What must be known before a login is complete. Default: `["unionid"]`. */
  require?: Required | undefined;
  /**
   * Keeps a picture and gives the URL that `saveUser` then gets as `avatarUrl`. Without it no file is taken (415).
   */
  saveAvatar?(avatar: Picture, identity: Identity): string | Promise<string>;
  /** Bytes of the largest picture that is taken. Default: 2 MiB. */
  avatarMaxBytes?: number | undefined;
  /**
   * What the client receives besides `status`, as the JSON that `res.json` would make of it. Nothing of the user leaves
   * without it. Called with what `findUser` finds once the user is stored.
   */
  onLogin?(
    user: NoInfer<User>,
    visit: { identity: Identity; req: Request },
  ): object | undefined | Promise<object | undefined>;
  /**
   * The custom login state: seconds without a request after which a session is over (default: 30 days). `false` for
   * hosts that issue their own in `onLogin`. Logins with the same `name`, `keyPrefix` and Redis accept each other's
   * sessions; without one they are this app's own.
   */
  session?: SessionOption | undefined;
  /** Sends nicknames through WeChat's msg_sec_check before they are saved. Default: `false`. */
  checkContent?: boolean | undefined;
  /** Decides on a nickname that WeChat would have reviewed by a person. Default: it is accepted. */
  onReview?(nickName: string, identity: Identity): boolean | Promise<boolean>;
  /** Keeps the newest session_key of each user, encrypted, so that `openData` works later. Default: `false`. */
  keepSessionKey?: boolean | undefined;
  /** Seconds for which a temporary token is good. Default: 300. */
  temporaryTokenTtl?: number | undefined;
  /** Seconds that `watermark.timestamp` may be away from this server's clock. Default: 300. */
  userDataMaxAge?: number | undefined;
  /**
   * Whether encrypted user data may bring a unionid that code2Session did not give. Since 23 February 2021 WeChat gives it
   * there wherever the Mini Program is bound to an Open Platform account: then `false` closes one more door. Default: `true`.
   */
  sealedUnionid?: boolean | undefined;
  /**
   * Requests that an address (`req.ip`, see `trust proxy` of Express) may send to this router in `window` seconds, before
   * it is answered 429. Default: `{ limit: 1000, window: 60 }`.
   */
  rateLimit?: RateLimitOption | undefined;
  /** In front of every key in Redis; the appId always follows. Default: `wechat-login:`. */
  keyPrefix?: string | undefined;
  /** Where WeChat is. Default: `https://api.weixin.qq.com`; `api2` and others exist, and so does the simulator. */
  baseUrl?: string | undefined;
  /** Milliseconds to wait for an answer of WeChat. Default: 5000. */
  timeout?: number | undefined;
  /** Takes the place of node-fetch. */
  fetch?: Fetch | undefined;
  /** Told of every error that is answered here, with its `cause`, before the answer is sent. */
  onError?(error: WechatLoginError, req: Request): unknown;
}

/** The router of the login, and what the host's other routes need of it. */
export interface WechatLogin<User extends object> extends MountableHandler {
  /**
   * A guard for the host's routes: lets pass who sends a good `Authorization: Bearer <sessionToken>` and is still found
   * by `findUser`, with all that is required; answers 401 `login_required` to everyone else. Errors of `findUser` go to the host's error handler,
   * but for an `AccountConflictError`, which is answered 409.
   */
  requireLogin: MountableHandler;
  /**
   * The same check without an answer, for pages that are for everybody, WebSocket upgrades, GraphQL, tRPC, NestJS: the user
   * and the identity, or `undefined` if nobody is signed in. `userOf` and `identityOf` know the user from then on.
   *
   * @throws {Error} the errors of `findUser` and Redis; with `session: false` always
   */
  authenticate(req: IncomingMessage): Promise<{ user: User; identity: Identity } | undefined>;
  /** The user that the guard found. @throws {Error} where the guard has not run for this request */
  userOf(req: IncomingMessage): User;
  /** The identity that the session was begun with. @throws {Error} where the guard has not run for this request */
  identityOf(req: IncomingMessage): Identity;
  /**
   * Ends every session that this user has in this app; where sessions are shared by a name, those in the other apps as
   * well, also those that were begun under an older unionid or before the unionid was known. Takes an identity, or the
   * host's row with these fields. Sessions that apps share belong together by the unionid: `findUser` is asked for it as
   * well, and what earlier logins said is remembered for 60 days at least; give the unionid where the user is deleted
   * already. It is enough there without an openid.
   *
   * @throws {TypeError} where nothing says who it is
   */
  signOutEverywhere(user: Person): Promise<void>;
  /**
   * Opens a signed-in user's encrypted data (WeRun 微信运动, openGId, the old phone form); needs `keepSessionKey: true`,
   * and the guard in front of the route.
   *
   * @throws {WechatLoginError} `invalid_user_data`: not this user's, too old, or sealed under another session_key; the
   *   client should `wx.login`, log in, and get the data again
   */
  openData(req: IncomingMessage, sealed: SealedUserData): Promise<UserData>;
  /** Upkeep of the kept session_keys; needs `keepSessionKey: true`. */
  sessionKeys: SessionKeys;
}

/**
 * What `wechatLogin` gives: with `session: false` nothing that looks for a session, since none begins. A host then checks
 * the login state that its `onLogin` issues.
 */
export type WechatLoginWith<User extends object, Session> = [Session] extends [false]
  ? MountableHandler & Pick<WechatLogin<User>, "sessionKeys">
  : WechatLogin<User>;
