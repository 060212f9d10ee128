import { WechatLoginError } from "../errors.ts";
import type { Identity } from "../identity.ts";
import {
  hasNews,
  type Known,
  knownIn,
  missingOf,
  type Requirement,
  withoutStoredProfile,
} from "./requirements.ts";

/** A login under way: what is known of the user so far. Waits under a temporary token, never leaves the server. */
export interface PendingLogin {
  openid: string;
  sessionKey: string;
  /** What WeChat said: by code2Session, in user data that were opened, and of phone codes. */
  known: Known;
  /** Name and picture that the user chose. */
  filledIn?: Known;
  /** The code that the phone number in `known` came from. */
  phoneCode?: string | undefined;
  /** How many requests tried to complete this login. */
  tries?: number;
}

/** What a phone may send to complete a login. */
export interface CompletionInput {
  userData?: {
    encryptedData: string;
    iv: string;
    rawData?: string | undefined;
    signature?: string | undefined;
  };
  nickName?: string;
  phoneCode?: string;
  avatar?: { bytes: Buffer; mediaType: string };
}

/** What user data said that were opened. A profile holds a unionid if WeChat has one for this app. */
export interface Opened {
  known: Known;
  isProfile: boolean;
}

/** The user as the host has it now. */
interface Seen<User> {
  user: User | null | undefined;
  stored: Known;
  identity: Identity;
}

/** How a request for a login ends, unless it fails. */
export type Outcome =
  | { status: "signed_in" }
  | { status: "incomplete"; temporaryToken: string; expiresIn: number; missing: Requirement[] };

/** What the story needs of the world. `Visit` is whatever one request brings along for `signIn`. */
export interface LoginPorts<Visit, User extends object> {
  appId: string;
  require: readonly Requirement[];
  /** Whether user data may bring a unionid that neither code2Session nor the host knows. */
  sealedUnionid: boolean;
  code2Session(code: string): Promise<{ openid: string; sessionKey: string; unionid?: string }>;
  /** @throws {WechatLoginError} `invalid_user_data`; `rate_limited` after too many of these */
  openUserData(
    userData: NonNullable<CompletionInput["userData"]>,
    pending: PendingLogin,
    visit: Visit,
  ): Promise<Opened>;
  /** Refuses a nickname by WeChat's content check; absent if nicknames are not checked. */
  checkNickName?: ((nickName: string, identity: Identity) => Promise<void>) | undefined;
  /** What the user has filled in, checked. A phone code that was used before brings nothing. */
  fillIn(
    input: CompletionInput,
    identity: Identity,
    usedCode?: string,
  ): Promise<Known & { phoneCode?: string }>;
  /** Gives the URL that the picture is kept at. */
  saveAvatar(avatar: NonNullable<CompletionInput["avatar"]>, identity: Identity): Promise<string>;
  findUser(identity: Identity): Promise<User | null | undefined>;
  saveUser(user: Identity & Known): Promise<unknown>;
  /** `found` is the stored user, or nothing if it was stored or changed just now. */
  signIn(identity: Identity, visit: Visit, found: User | null | undefined): Promise<Outcome>;
  temporaryTokens: {
    /** @param until as `redeem` gave it: the new token then ends when the redeemed one would have ended */
    issue(pending: PendingLogin, until?: number): Promise<{ token: string; expiresIn: number }>;
    redeem(token: string): Promise<{ value: PendingLogin; until: number } | undefined>;
    putBack(token: string, entry: { value: PendingLogin; until: number }): Promise<void>;
  };
}

/** More than a user has patience for: each try may cost a request to WeChat and a picture. */
const MAX_TRIES = 20;

/** The story of a login: two requests at the most, and the second only if something required is not known. */
export function loginFlow<Visit, User extends object>(ports: LoginPorts<Visit, User>) {
  /** `POST /login`: the code of `wx.login()` says who it is; perhaps that is all there is to know. */
  async function start(code: string, visit: Visit): Promise<Outcome> {
    const { openid, sessionKey, unionid } = await ports.code2Session(code);
    const pending = { openid, sessionKey, known: knownIn({ unionid }) };
    const seen = await look(pending);
    if (!ports.sealedUnionid) refuseUnbound(seen.identity);
    return await settle(pending, seen, visit);
  }

  /** `POST /login/complete`: what was missing comes in, under the token that stands for the session_key. */
  async function complete(temporaryToken: string, input: CompletionInput, visit: Visit): Promise<Outcome> {
    const entry = await ports.temporaryTokens.redeem(temporaryToken);
    if (!entry) throw invalidTemporaryToken();
    const { value: pending, until } = entry;
    pending.tries = (pending.tries ?? 0) + 1;
    try {
      const opened = input.userData && (await ports.openUserData(input.userData, pending, visit));
      const { nickName, ...others } = { ...opened?.known };
      pending.known = { ...pending.known, ...others };
      let seen = await look(pending);
      // Before a phone code is exchanged and a picture is kept: repeating this request would not help.
      if (opened?.isProfile) refuseUnbound(seen.identity);
      await checkSealedName(nickName, input, pending, seen);
      await takeIn(pending, input, seen.identity);
      // Another request may have changed the user while this one waited for WeChat or for the picture to be kept.
      if (ports.checkNickName || isFilledIn(input)) seen = await look(pending);
      return await settle(pending, seen, visit, until);
    } catch (error) {
      // A fault of the host or of WeChat must not lose an honest user's attempt, nor a phone number that was paid for.
      if (!isFinal(error) && pending.tries < MAX_TRIES) {
        await ports.temporaryTokens.putBack(temporaryToken, entry).catch(() => {});
      }
      throw error;
    }
  }

  /** A nickname in user data counts if it passes the content check, and if there is no other that would be kept. */
  async function checkSealedName(
    nickName: string | undefined,
    input: CompletionInput,
    pending: PendingLogin,
    { stored, identity }: Seen<User>,
  ): Promise<void> {
    const others = [knownIn(input).nickName, pending.filledIn?.nickName, stored.nickName];
    if (nickName === undefined || others.some((other) => other !== undefined)) return;
    await ports.checkNickName?.(nickName, identity);
    pending.known.nickName = nickName;
  }

  /** What the user filled in; each piece is remembered as soon as it is known, also if the next one fails. */
  async function takeIn(pending: PendingLogin, input: CompletionInput, identity: Identity): Promise<void> {
    const { phoneCode, nickName, ...phone } = await ports.fillIn(input, identity, pending.phoneCode);
    pending.known = { ...pending.known, ...knownIn(phone) };
    if (phoneCode !== undefined) pending.phoneCode = phoneCode;
    pending.filledIn = { ...pending.filledIn, ...knownIn({ nickName }) };
    if (input.avatar) pending.filledIn.avatarUrl = await ports.saveAvatar(input.avatar, identity);
  }

  async function look(pending: PendingLogin): Promise<Seen<User>> {
    const user = await ports.findUser(identityOf(pending.openid, pending.known));
    const stored = knownIn(user);
    return { user, stored, identity: identityOf(pending.openid, { ...stored, ...pending.known }) };
  }

  /** Signs the user in if everything required is known, and asks for the rest otherwise. */
  async function settle(
    pending: PendingLogin,
    { user, stored, identity }: Seen<User>,
    visit: Visit,
    until?: number,
  ): Promise<Outcome> {
    const learned = { ...withoutStoredProfile(pending.known, stored), ...pending.filledIn };
    const known = { ...stored, ...learned };
    const missing = missingOf(ports.require, known);
    if (missing.length > 0) return await askFor(missing, pending, until);
    const isUpToDate = user && !hasNews(pending.openid, learned, user);
    if (!isUpToDate) await ports.saveUser({ ...identity, ...known });
    return await ports.signIn(identity, visit, isUpToDate ? user : undefined);
  }

  async function askFor(missing: Requirement[], pending: PendingLogin, until?: number): Promise<Outcome> {
    if (pending.tries === MAX_TRIES) throw invalidTemporaryToken();
    const { token, expiresIn } = await ports.temporaryTokens.issue(pending, until);
    return { status: "incomplete", temporaryToken: token, expiresIn, missing };
  }

  /** @throws {WechatLoginError} if the unionid is required, and nothing that the client could send will bring it */
  function refuseUnbound({ unionid }: Identity): void {
    if (unionid === undefined && ports.require.includes("unionid")) throw unionidUnavailable();
  }

  const identityOf = (openid: string, { unionid }: Known): Identity =>
    unionid === undefined ? { appId: ports.appId, openid } : { appId: ports.appId, openid, unionid };

  return { start, complete };
}

function isFilledIn({ nickName, phoneCode, avatar }: CompletionInput): boolean {
  return nickName !== undefined || phoneCode !== undefined || avatar !== undefined;
}

function unionidUnavailable(): WechatLoginError {
  return new WechatLoginError(
    "unionid_unavailable",
    "WeChat has no unionid for this user: bind the Mini Program to an Open Platform account, and take the data from wx.getUserInfo, not from wx.getUserProfile.",
  );
}

export function invalidTemporaryToken(): WechatLoginError {
  return new WechatLoginError(
    "invalid_temporary_token",
    "The temporary token is unknown, used or expired: call wx.login again.",
  );
}

/**
 * Repeating the request would not help: the token is spent. Nor does anyone get a second try at user data that cannot be
 * opened; too many of these are the cause of a `rate_limited`.
 */
function isFinal(error: unknown): boolean {
  if (!(error instanceof WechatLoginError)) return false;
  return ["unionid_unavailable", "invalid_user_data"].includes(error.code) || isFinal(error.cause);
}
