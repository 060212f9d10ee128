import { WechatLoginError } from "../errors.ts";
import type { Identity } from "../identity.ts";
import { hasNews, type Known, keepingProfile, knownIn, missingOf, type Requirement } from "./requirements.ts";

/** A login under way: what is known of the user so far. Waits under a temporary token, never leaves the server. */
export interface PendingLogin {
  openid: string;
  sessionKey: string;
  known: Known;
  /** The code that the phone number in `known` came from. */
  phoneCode?: string | undefined;
  /** How often the token was put back. */
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

/** What came with the request that is being finished. */
interface Arrived {
  opened?: Known | undefined;
  avatar?: CompletionInput["avatar"] | undefined;
}

/** How a request for a login ends, unless it fails. */
export type Outcome =
  | { status: "signed_in" }
  | { status: "incomplete"; temporaryToken: string; expiresIn: number; missing: Requirement[] };

/** What the story needs of the world. `Visit` is whatever one request brings along for `signIn`. */
export interface LoginPorts<Visit, User extends object> {
  appId: string;
  require: readonly Requirement[];
  temporaryTokenTtl: number;
  code2Session(code: string): Promise<{ openid: string; sessionKey: string; unionid?: string }>;
  openUserData(userData: NonNullable<CompletionInput["userData"]>, pending: PendingLogin): Known;
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
  /** `found` is the stored user, or nothing where it was stored or changed just now. */
  signIn(identity: Identity, visit: Visit, found: User | null | undefined): Promise<Outcome>;
  temporaryTokens: {
    issue(pending: PendingLogin): Promise<string>;
    redeem(token: string): Promise<{ value: PendingLogin; expiresAt: number } | undefined>;
    putBack(token: string, kept: { value: PendingLogin; expiresAt: number }): Promise<void>;
  };
}

/** More than a user has patience for: each try may cost a request to WeChat. */
const MAX_TRIES = 20;

/** The story of a login: two requests at the most, and the second only for whom something required is not known. */
export function loginFlow<Visit, User extends object>(ports: LoginPorts<Visit, User>) {
  /** `POST /login`: the code of `wx.login()` says who it is; perhaps that is all there is to know. */
  async function start(code: string, visit: Visit): Promise<Outcome> {
    const { openid, sessionKey, unionid } = await ports.code2Session(code);
    return await finish({ openid, sessionKey, known: knownIn({ unionid }) }, visit, {});
  }

  /** `POST /login/complete`: what was missing comes in, under the token that stands for the session_key. */
  async function complete(temporaryToken: string, input: CompletionInput, visit: Visit): Promise<Outcome> {
    const kept = await ports.temporaryTokens.redeem(temporaryToken);
    if (!kept) throw invalidTemporaryToken();
    const opened = input.userData && ports.openUserData(input.userData, kept.value);
    let pending = learn(kept.value, opened);
    try {
      const { phoneCode, ...filledIn } = await ports.fillIn(
        input,
        identityOf(pending.openid, pending.known),
        pending.phoneCode,
      );
      pending = learn({ ...pending, phoneCode: phoneCode ?? pending.phoneCode }, knownIn(filledIn));
      return await finish(pending, visit, { opened, avatar: input.avatar });
    } catch (error) {
      // The attempt of an honest user must not be lost to a fault of the host or of WeChat, nor a paid phone number.
      const tries = (pending.tries ?? 0) + 1;
      if (!isFinal(error) && tries < MAX_TRIES) {
        const value = { ...pending, tries };
        await ports.temporaryTokens.putBack(temporaryToken, { ...kept, value }).catch(() => {});
      }
      throw error;
    }
  }

  async function finish(pending: PendingLogin, visit: Visit, arrived: Arrived): Promise<Outcome> {
    const user = await ports.findUser(identityOf(pending.openid, pending.known));
    const stored = knownIn(user);
    const identity = identityOf(pending.openid, { ...stored, ...pending.known });
    if (identity.unionid === undefined && ports.require.includes("unionid")) refuseUnbound(arrived.opened);
    const picture = arrived.avatar && { avatarUrl: await ports.saveAvatar(arrived.avatar, identity) };
    const learned = { ...keepingProfile(stored, pending.known, arrived.opened), ...picture };
    const known = { ...stored, ...learned };
    const missing = missingOf(ports.require, known);
    if (missing.length > 0) return await askFor(missing, { ...pending, known: learned });
    const upToDate = user && !hasNews(pending.openid, learned, user);
    if (!upToDate) await ports.saveUser({ ...identity, ...known });
    return await ports.signIn(identity, visit, upToDate ? user : undefined);
  }

  async function askFor(missing: Requirement[], pending: PendingLogin): Promise<Outcome> {
    const temporaryToken = await ports.temporaryTokens.issue(pending);
    return { status: "incomplete", temporaryToken, expiresIn: ports.temporaryTokenTtl, missing };
  }

  const identityOf = (openid: string, { unionid }: Known): Identity =>
    unionid === undefined ? { appId: ports.appId, openid } : { appId: ports.appId, openid, unionid };

  return { start, complete };
}

/** What code2Session said of the unionid stands; decrypted data may only add one where it said none. */
function learn(pending: PendingLogin, learned: Known | undefined): PendingLogin {
  const { unionid } = pending.known;
  const known = { ...pending.known, ...learned };
  return { ...pending, known: unionid === undefined ? known : { ...known, unionid } };
}

/** Phone data says nothing of the unionid; all other user data would hold one if WeChat had one for this app. */
function refuseUnbound(opened: Known | undefined): void {
  if (!opened || opened.phoneNumber !== undefined) return;
  throw new WechatLoginError(
    "unionid_unavailable",
    "The user data holds no unionId: bind the Mini Program to an Open Platform account, and take the data from wx.getUserInfo, not from wx.getUserProfile.",
  );
}

export function invalidTemporaryToken(): WechatLoginError {
  return new WechatLoginError(
    "invalid_temporary_token",
    "The temporary token is unknown, used or expired: call wx.login again.",
  );
}

/** No repetition of the request would help: the token is spent. */
function isFinal(error: unknown): boolean {
  return error instanceof WechatLoginError && error.code === "unionid_unavailable";
}
