import { WechatLoginError } from "../errors.ts";
import { type Known, knownIn, missingOf, type Requirement } from "./requirements.ts";

/** Who a user is, as WeChat says. An `openid` means something only together with its `appId`. */
export interface Identity {
  appId: string;
  openid: string;
  unionid?: string;
}

/** A login under way: what WeChat said of the user so far. Waits under a temporary token, never leaves the server. */
export interface PendingLogin {
  openid: string;
  sessionKey: string;
  known: Known;
}

/** What a phone may send to complete a login. */
export interface CompletionInput {
  userData:
    | { encryptedData: string; iv: string; rawData?: string | undefined; signature?: string | undefined }
    | undefined;
  nickName: string | undefined;
}

/** How a request for a login ends, unless it fails. */
export type Outcome =
  | { status: "signed_in" }
  | { status: "incomplete"; temporaryToken: string; expiresIn: number; missing: Requirement[] };

/** What the story needs of the world. `Visit` is whatever one request brings along for `signIn`. */
export interface LoginPorts<Visit> {
  appId: string;
  require: readonly Requirement[];
  temporaryTokenTtl: number;
  code2Session(code: string): Promise<{ openid: string; sessionKey: string; unionid?: string }>;
  openUserData(userData: NonNullable<CompletionInput["userData"]>, pending: PendingLogin): Known;
  findUser(identity: Identity): Promise<object | null | undefined>;
  saveUser(user: Identity & Known): Promise<unknown>;
  /** `found` is the stored user, or nothing where it was stored or changed just now. */
  signIn(identity: Identity, visit: Visit, found: object | null | undefined): Promise<Outcome>;
  temporaryTokens: {
    issue(pending: PendingLogin): Promise<string>;
    redeem(token: string): Promise<{ value: PendingLogin; expiresAt: number } | undefined>;
    putBack(token: string, kept: { value: PendingLogin; expiresAt: number }): Promise<void>;
  };
}

/** The story of a login: two requests at the most, and the second only for whom something required is not known. */
export function loginFlow<Visit>(ports: LoginPorts<Visit>) {
  /** `POST /login`: the code of `wx.login()` says who it is; perhaps that is all there is to know. */
  async function start(code: string, visit: Visit): Promise<Outcome> {
    const { openid, sessionKey, unionid } = await ports.code2Session(code);
    return await finish({ openid, sessionKey, known: knownIn({ unionid }) }, visit);
  }

  /** `POST /login/complete`: what was missing comes in, under the token that stands for the session_key. */
  async function complete(temporaryToken: string, input: CompletionInput, visit: Visit): Promise<Outcome> {
    const kept = await ports.temporaryTokens.redeem(temporaryToken);
    if (!kept) {
      throw new WechatLoginError(
        "invalid_temporary_token",
        "The temporary token is unknown, used or expired: call wx.login again.",
      );
    }
    const opened = input.userData ? ports.openUserData(input.userData, kept.value) : undefined;
    const pending = learn(kept.value, opened, knownIn({ nickName: input.nickName }));
    try {
      return await finish(pending, visit, opened);
    } catch (error) {
      // The attempt of an honest user must not be lost to a fault of ours or of the host.
      if (!(error instanceof WechatLoginError))
        await ports.temporaryTokens.putBack(temporaryToken, kept).catch(() => {});
      throw error;
    }
  }

  async function finish(pending: PendingLogin, visit: Visit, opened?: Known): Promise<Outcome> {
    const identity = { appId: ports.appId, openid: pending.openid, ...unionidOf(pending.known) };
    const user = await ports.findUser(identity);
    const known = { ...knownIn(user), ...pending.known };
    const missing = missingOf(ports.require, known);
    if (opened && missing.includes("unionid")) throw unionidUnavailable();
    if (missing.length > 0) return await askFor(missing, pending);
    const upToDate = user && !hasNews(pending, user);
    if (!upToDate) await ports.saveUser({ ...identity, ...known });
    return await ports.signIn({ ...identity, ...unionidOf(known) }, visit, upToDate ? user : undefined);
  }

  async function askFor(missing: Requirement[], pending: PendingLogin): Promise<Outcome> {
    const temporaryToken = await ports.temporaryTokens.issue(pending);
    return { status: "incomplete", temporaryToken, expiresIn: ports.temporaryTokenTtl, missing };
  }

  return { start, complete };
}

/** What code2Session said of the unionid stands; decrypted data may only add one where it said none. */
function learn(pending: PendingLogin, opened: Known | undefined, filledIn: Known): PendingLogin {
  return { ...pending, known: { ...pending.known, ...opened, ...filledIn, ...unionidOf(pending.known) } };
}

function unionidOf({ unionid }: Known): Pick<Known, "unionid"> {
  return unionid === undefined ? {} : { unionid };
}

/** Something new for the stored user: a field, or an openid, where someone known by unionid comes by another app. */
function hasNews({ openid, known }: PendingLogin, user: object & { openid?: unknown }): boolean {
  if ("openid" in user && user.openid !== openid) return true;
  const stored = knownIn(user);
  return Object.entries(known).some(([name, value]) => stored[name as Requirement] !== value);
}

function unionidUnavailable(): WechatLoginError {
  return new WechatLoginError(
    "unionid_unavailable",
    "The user data holds no unionId: bind the Mini Program to an Open Platform account, and take the data from wx.getUserInfo, not from wx.getUserProfile.",
  );
}
