import type { IncomingMessage, ServerResponse } from "node:http";
import type { Request } from "express";
import type { SessionOption } from "../checks.ts";
import { WechatLoginError } from "../errors.ts";
import { answerWith } from "../http/answers.ts";
import { rateLimiter } from "../http/rate-limit.ts";
import { behind, routes } from "../http/routes.ts";
import { hostOf } from "../login/host.ts";
import type { StoredUser } from "../login/options.ts";
import { isComplete } from "../login/requirements.ts";
import { bearerToken, guardOf } from "../session/guard.ts";
import { sessions as sessionsOf, sharedPrefix } from "../session/sessions.ts";
import { openStore } from "../storage/open-store.ts";
import { isToken, newToken } from "../storage/tokens.ts";
import { wechatRequest } from "../wechat/request.ts";
import { checkWebOptions } from "./check-options.ts";
import { cookieOf } from "./cookies.ts";
import type { WebRequirement, WechatWebLogin, WechatWebLoginOptions, WechatWebLoginWith } from "./options.ts";
import { otherHostWarning } from "./other-host.ts";
import { mayActByCookie } from "./own-origin.ts";
import { repetitionRule } from "./repetition.ts";
import { pathOf } from "./return-to.ts";
import { STATE_SECONDS, states } from "./states.ts";
import { webApps } from "./web-apps.ts";
import { type Callback, type Departure, webFlow } from "./web-flow.ts";

const MAX_CODE_LENGTH = 512;
/** A refusal comes without a code, says the documentation; some clients were seen to send this one. */
const DENIED = "authdeny";

/**
 * The login of web pages by WeChat (网页授权, 网站应用扫码登录) as an Express router: `GET /` starts, `GET /callback` ends,
 * `GET /embed` is for a QR code in the own page, `POST /logout` signs out.
 *
 * @example
 * const website = { appId, secret };
 * const callbackUrl = "https://example.com/web/callback";
 * const web = wechatWebLogin({ website, callbackUrl, redis, findUser, saveUser });
 * app.use("/web", web);
 * app.get("/me", web.requireLogin, (req, res) => res.json(web.userOf(req)));
 *
 * @param options see the options table in the README
 * @throws {TypeError} at creation, where an option is missing or wrong
 * @see https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html
 */
export function wechatWebLogin<
  User extends StoredUser<Required>,
  const Required extends readonly WebRequirement[] = readonly ["unionid"],
  Session extends SessionOption | undefined = SessionOption,
>(options: WechatWebLoginOptions<User, Required> & { session?: Session }): WechatWebLoginWith<User, Session> {
  const settings = checkWebOptions(options);
  const { origin, protocol } = new URL(settings.callbackUrl);
  const warnOfOtherHost = otherHostWarning(settings.callbackUrl);
  const store = openStore(settings.redis);
  const host = hostOf(options, settings.require);
  const apps = webApps({ ...settings, request: wechatRequest(settings) });
  const prefix = `${settings.keyPrefix}${apps.appIds.join("+")}:web-`;
  const { ttl, name } = settings.session || {};
  // Both apps of a website have one pool: it is the same people, in two browsers.
  const [appId = "", ...otherAppIds] = apps.appIds;
  const pool = { appId, otherAppIds, isShared: true };
  const poolPrefix = name === undefined ? prefix : sharedPrefix(settings.keyPrefix, name);
  const sessions = ttl ? sessionsOf(store, { ...pool, prefix: poolPrefix, ttl }) : undefined;
  // Websites beside each other on one domain have a cookie each, unless they share their sessions.
  const sessionCookie = cookieOf(`wechat-session-${name ?? apps.appIds.join(".")}`, protocol === "https:");
  const browserCookie = cookieOf("wechat-browser", protocol === "https:");
  const firstCookieOf = (state: string) =>
    cookieOf(`wechat-browser-${state.slice(0, 16)}`, protocol === "https:", STATE_SECONDS);
  const guard = guardOf<User>({
    sessions,
    findUser: host.findUser,
    isComplete: (visitor, known) => isComplete(settings.require, visitor, known),
    tokenOf,
  });

  function tokenOf(req: IncomingMessage): string {
    return bearerToken(req) || (mayActByCookie(req, origin) && sessionCookie.read(req)) || "";
  }

  const flow = webFlow<Request, User>({
    require: settings.require,
    app: apps.of,
    states: states(store, prefix),
    ...host,
    ruleOn: repetitionRule(sessions, sessionCookie),
    async signIn(identity, req) {
      await host.onLogin(identity, req);
      return await sessions?.begin(identity, settings.require);
    },
  });

  async function depart(req: Request, res: ServerResponse, app: Pick<Departure, "app" | "scope">) {
    const returnTo = pathOf(queryOf(req).get("returnTo") ?? settings.returnTo, origin);
    if (returnTo === undefined) {
      throw new WechatLoginError("invalid_request", "returnTo must be a path of this website.");
    }
    warnOfOtherHost(req);
    // One secret for all tabs of a browser, each of which has a state of its own.
    const known = browserCookie.read(req) ?? "";
    const browser = isToken(known) ? known : newToken();
    res.appendHeader("Set-Cookie", browserCookie.keep(browser));
    const departure = await flow.depart({ ...app, returnTo }, browser);
    // On a first visit two tabs that begin at once get a secret each, and the browser keeps the last one under one name.
    if (browser !== known) res.appendHeader("Set-Cookie", firstCookieOf(departure.state).keep(browser));
    return departure;
  }

  function callbackIn(req: Request): Callback {
    const query = queryOf(req);
    const code = query.get("code")?.slice(0, MAX_CODE_LENGTH);
    const isGranted = code && code !== DENIED;
    const state = query.get("state") ?? "";
    const nextBrowser = browserCookie.read(req) ?? "";
    const browser = firstCookieOf(state).read(req) ?? nextBrowser;
    return { state, code: isGranted ? code : undefined, browser, nextBrowser };
  }

  const { answer, admit, redirect, refuse } = answerWith(settings.onError);
  const count = (address: string, window: number) => store.count(`${prefix}rate:${address}`, window);
  const limit = settings.rateLimit ? rateLimiter({ ...settings.rateLimit, count, refuse }) : undefined;

  const embed = answer(async (req, res) => {
    const { appId, state } = await depart(req, res, { app: "website", scope: "snsapi_login" });
    // wxLogin.js puts it into its URL as it is; what stays of a plain URL may also be encoded by other copies of it.
    const redirect_uri = settings.callbackUrl.replace(/[%&+]/g, encodeURIComponent);
    return { appid: appId, scope: "snsapi_login", redirect_uri, state };
  });
  const limited = behind(limit, {
    "GET /": redirect((req, res) => depart(req, res, apps.forBrowser(req.headers["user-agent"]))),
    "GET /callback": redirect(async (req, res) => {
      const { sessionToken, ...arrival } = await flow.comeBack(callbackIn(req), req, settings.returnTo);
      if (sessionToken !== undefined) {
        // Always a new session: nobody can have planted its token. The one that this browser had is over.
        await sessions?.end(sessionCookie.read(req) ?? "");
        res.appendHeader("Set-Cookie", sessionCookie.keep(sessionToken));
      }
      return arrival;
    }),
    ...(settings.website && { "GET /embed": embed }),
  });
  const forgetSession = (res: ServerResponse) => res.appendHeader("Set-Cookie", sessionCookie.forget());
  const logout = answer(async (req, res) => {
    // Also a cookie whose session has ended, or the page sends it for ever; not if a token or another website came with it.
    const isByCookie = bearerToken(req) === "" && tokenOf(req) !== "";
    await guard.signOut(req).catch((error) => {
      if (isByCookie && error instanceof WechatLoginError) forgetSession(res);
      throw error;
    });
    // A subdomain's page may sign out a token of its own here, and that is not the token of the cookie.
    if (mayActByCookie(req, origin)) forgetSession(res);
    return { status: "signed_out" };
  });

  const login: WechatWebLogin<User> = Object.assign(
    routes({ ...limited, ...(sessions && { "POST /logout": logout }) }, refuse),
    {
      requireLogin: admit(guard.admit),
      authenticate: guard.authenticate,
      userOf: (req: IncomingMessage) => guard.visitorOf(req).user,
      identityOf: (req: IncomingMessage) => guard.visitorOf(req).identity,
      signOutEverywhere: guard.signOutEverywhere,
    },
  );
  return login as WechatWebLoginWith<User, Session>;
}

/** Not `req.query`: hosts set its parser as they like. */
function queryOf(req: Request): URLSearchParams {
  return new URLSearchParams(/\?.*/.exec(req.url)?.[0]);
}
