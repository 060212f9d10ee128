import type { IncomingMessage } from "node:http";
import type { Request } from "express";
import type { SessionOption } from "../checks.ts";
import { answerWith } from "../http/answers.ts";
import { refuseCrossSite } from "../http/cross-site.ts";
import { rateLimiter } from "../http/rate-limit.ts";
import { behind, routes } from "../http/routes.ts";
import type { Identity } from "../identity.ts";
import { type Body, bodyReader } from "../profile/body.ts";
import { fillInOf } from "../profile/fill-in.ts";
import { guardOf } from "../session/guard.ts";
import { keptSessionKeys } from "../session/kept-session-keys.ts";
import { sessions as sessionsOf, sharedPrefix } from "../session/sessions.ts";
import { oneTimeTokens } from "../storage/one-time-tokens.ts";
import { openStore } from "../storage/open-store.ts";
import { hashOf } from "../storage/tokens.ts";
import { wechatApi } from "../wechat/wechat-api.ts";
import { checkOptions } from "./check-options.ts";
import { clientExtras } from "./client-extras.ts";
import { hostOf } from "./host.ts";
import { readCode, readCompletion, readProfile } from "./input.ts";
import { invalidTemporaryToken, loginFlow, type PendingLogin } from "./login-flow.ts";
import { openDataOf } from "./open-data.ts";
import type { StoredUser, WechatLogin, WechatLoginOptions, WechatLoginWith } from "./options.ts";
import { profileUpdate } from "./profile-update.ts";
import { isComplete, type Requirement } from "./requirements.ts";
import type { SealedUserData } from "./user-data.ts";
import { knownInUserData } from "./user-data-kinds.ts";
import { userDataOpener } from "./user-data-opener.ts";

/** Nobody knows how long a session_key lives; it is kept as long as a session by default. */
const KEY_SECONDS = 30 * 24 * 60 * 60;

/**
 * The login of a WeChat Mini Program (小程序登录) as an Express router: `POST /login`, `POST /login/complete`,
 * `POST /profile` and `POST /logout`.
 *
 * @example
 * const wx = wechatLogin({ appId, secret, redis, findUser, saveUser });
 * app.use("/wx", wx);
 * app.get("/me", wx.requireLogin, (req, res) => res.json(wx.userOf(req)));
 *
 * @param options see the options table in the README
 * @throws {TypeError} at creation, where an option is missing or wrong
 * @see https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/login.html
 */
export function wechatLogin<
  User extends StoredUser<Required>,
  const Required extends readonly Requirement[] = readonly ["unionid"],
  Session extends SessionOption | undefined = SessionOption,
>(options: WechatLoginOptions<User, Required> & { session?: Session }): WechatLoginWith<User, Session> {
  const settings = checkOptions(options);
  const { appId, temporaryTokenTtl } = settings;
  const prefix = `${settings.keyPrefix}${appId}:`;
  const store = openStore(settings.redis);
  const host = hostOf(options, settings.require);
  const wechat = wechatApi({ ...settings, store, prefix });
  const sessions = settings.session ? sessionsOf(store, poolOf(settings.session)) : undefined;
  const guard = guardOf<User>({
    sessions,
    findUser: host.findUser,
    isComplete: (visitor, known) => isComplete(settings.require, visitor, known),
  });
  const keys = settings.keepSessionKey
    ? keptSessionKeys(store, { ...settings, prefix, ttl: KEY_SECONDS })
    : undefined;
  const open = userDataOpener({
    ...settings,
    countFailure: (openid, window) => store.count(`${prefix}refused:${hashOf(openid)}`, window),
  });

  /** Sessions are this app's own, unless a name says with whom they are shared. */
  function poolOf({ ttl, name }: { ttl: number; name: string | undefined }) {
    const isShared = name !== undefined;
    return { appId, ttl, isShared, prefix: isShared ? sharedPrefix(settings.keyPrefix, name) : prefix };
  }

  /** The session comes last: none is left behind where the host fails. */
  async function signIn(identity: Identity, req: Request, found?: User | null) {
    const extras = clientExtras(await host.onLogin(identity, req, found));
    const state = sessions && {
      sessionToken: await sessions.begin(identity, settings.require),
      expiresIn: sessions.pool.ttl,
    };
    return success("signed_in", extras, state);
  }

  const ports = {
    appId,
    require: settings.require,
    sealedUnionid: settings.sealedUnionid,
    ...host,
    ...fillInOf({
      ...host,
      ...wechat,
      checkContent: settings.checkContent ? wechat.checkContent : undefined,
    }),
    signIn,
    async code2Session(code: string) {
      const session = await wechat.code2Session(code);
      await keys?.keep(session.openid, session.sessionKey);
      return session;
    },
    async openUserData(sealed: SealedUserData, { openid, sessionKey, known }: PendingLogin, req: Request) {
      const opened = await open(sealed, { openid, sessionKey, unionid: known.unionid }, req);
      return { known: knownInUserData(opened), isProfile: opened.kind === "profile" };
    },
    temporaryTokens: oneTimeTokens<PendingLogin>(store, `${prefix}pending:`, temporaryTokenTtl),
  };
  const flow = loginFlow<Request, User>(ports);
  const updateProfile = profileUpdate(ports);

  const { answer, admit, refuse } = answerWith(settings.onError);
  const { withJson, withBody } = bodyReader(options.saveAvatar && settings.avatarMaxBytes);
  const count = (address: string, window: number) => store.count(`${prefix}rate:${address}`, window);
  const limit = settings.rateLimit ? rateLimiter({ ...settings.rateLimit, count, refuse }) : undefined;

  const complete = (req: Request) => async (body: Body) => {
    const { temporaryToken, input } = readCompletion(body, settings.require);
    return await flow.complete(temporaryToken, input, req);
  };
  /** The token is looked at before a file is read, and stays good. */
  async function admitFile({ temporaryToken }: Body["fields"]): Promise<void> {
    if (temporaryToken === undefined) return;
    if (!(await ports.temporaryTokens.isGood(String(temporaryToken)))) throw invalidTemporaryToken();
  }

  const profile = answer(async (req) => {
    const visitor = await guard.admitIncomplete(req);
    await withBody(req, (body) => updateProfile(readProfile(body), visitor));
    return success("saved", clientExtras(await host.onLogin(visitor.identity, req)));
  });
  // A token of ours is of no use to another website; a cookie of the host's would be set in its visitor's browser.
  const sameSite = sessions ? undefined : admit(async (req) => refuseCrossSite(req));
  const logins = behind(sameSite, {
    "POST /login": answer((req) => withJson(req, (fields) => flow.start(readCode(fields), req))),
    "POST /login/complete": answer((req) => withBody(req, complete(req), admitFile)),
    ...(sessions && { "POST /profile": profile }),
  });
  const limited = behind(limit, logins);
  // To count a request costs as much as to end a session; and a session can be ended also where nothing can be counted.
  const logout = answer(async (req) => {
    await guard.signOut(req);
    return { status: "signed_out" };
  });

  const login: WechatLogin<User> = Object.assign(
    routes({ ...limited, ...(sessions && { "POST /logout": logout }) }, refuse),
    {
      requireLogin: admit(guard.admit),
      authenticate: guard.authenticate,
      userOf: (req: IncomingMessage) => guard.visitorOf(req).user,
      identityOf: (req: IncomingMessage) => guard.visitorOf(req).identity,
      signOutEverywhere: guard.signOutEverywhere,
      ...openDataOf({
        keys,
        api: wechat.sessionKeys,
        identityOf: (req) => guard.visitorOf(req).identity,
        open,
      }),
    },
  );
  return login as WechatLoginWith<User, Session>;
}

/** The body of an answer; the host cannot turn it into something else. */
function success<Status extends string>(
  status: Status,
  ...parts: (object | undefined)[]
): { status: Status } {
  return Object.assign({ status }, ...parts, { status });
}
