import { accessTokens } from "./access-tokens.ts";
import { type Account, newOpenid, type WebAccount } from "./app.ts";
import { AUTHORIZE_PAGES, authorizePages } from "./authorize-page.ts";
import { logins } from "./code2session.ts";
import { contentCheck, type Suggestion } from "./content-check.ts";
import { type Phone, type PhoneUser, phoneOf } from "./phone.ts";
import { phoneNumbers } from "./phone-numbers.ts";
import { type Bend, type SeenRequest, serve } from "./server.ts";
import { type Person, webLogins } from "./web-logins.ts";

/** A WeChat to test against. */
export interface WechatSimulator {
  /** To be given as the option `baseUrl`, and as `authorizeBaseUrl` of the web login. */
  baseUrl: string;
  /** Every request so far, the oldest first. */
  requests: SeenRequest[];
  /** A person's phone; each call without an `openid` is a new person. */
  phone(user?: PhoneUser): Phone;
  /** Bends the next answer; several calls bend the next several answers in turn. */
  bendNext(bend: Bend): void;
  /** Every access_token so far is refused from now on (40001), as after a forced refresh by someone else. */
  endAccessTokens(): void;
  /** Stops listening and drops every connection. */
  close(): Promise<void>;
}

/** The apps that the simulator knows, and where it listens. */
export interface WechatSimulatorOptions extends Account {
  /** An Official Account (公众号) for the web login inside WeChat. */
  officialAccount?: WebAccount;
  /** A website application (网站应用) for the web login by QR code. */
  website?: WebAccount;
  /** Default: a free port. */
  port?: number;
  /** What the content check (msg_sec_check) suggests for a text. Default: `pass` for everything. */
  suggest?(content: string): Suggestion;
}

/**
 * Starts a WeChat on 127.0.0.1 that behaves as the real one does: codes work once and for five minutes, a new login
 * replaces the session_key, answers are JSON in text/plain, code2Session has no `errcode` on success. It knows
 * code2Session, stable_token, getuserphonenumber, msg_sec_check, checksession, resetusersessionkey; and for the web login
 * the authorise pages, sns/oauth2/access_token, refresh_token, sns/userinfo and sns/auth.
 *
 * @throws {Error} where the port is taken
 * @throws {TypeError} if a `domain` is more than a domain
 */
export async function wechatSimulator(options: WechatSimulatorOptions): Promise<WechatSimulator> {
  const { appId, officialAccount, website, port = 0, suggest = () => "pass" } = options;
  const { newLogin, sessionKeyOf, wasHere, ...sessions } = logins(options);
  const { stableToken, guarded, endAll } = accessTokens(options);
  const { newCode, getUserPhoneNumber } = phoneNumbers();
  const people = new Map<string, Person>();
  const { grant, ...oauth } = webLogins([officialAccount, website].filter((app) => app !== undefined));
  const { authorize, page } = authorizePages({ officialAccount, website }, people, grant);
  const requests: SeenRequest[] = [];
  const bends: Bend[] = [];
  const routes = {
    "GET /sns/jscode2session": sessions.code2Session,
    "POST /cgi-bin/stable_token": stableToken,
    "POST /wxa/business/getuserphonenumber": guarded(getUserPhoneNumber),
    "POST /wxa/msg_sec_check": guarded(contentCheck(suggest, wasHere)),
    "GET /wxa/checksession": guarded(sessions.checkSessionKey),
    "GET /wxa/resetusersessionkey": guarded(sessions.resetUserSessionKey),
    "GET /sns/oauth2/access_token": oauth.accessToken,
    "GET /sns/oauth2/refresh_token": oauth.refreshToken,
    "GET /sns/userinfo": oauth.userInfo,
    "GET /sns/auth": oauth.auth,
  };
  const pages = Object.fromEntries(Object.keys(AUTHORIZE_PAGES).map((path) => [path, page]));
  const server = await serve({ routes, pages, bends, requests }, port);

  return {
    ...server,
    requests,
    phone(user = {}) {
      const person = { ...user, openid: user.openid ?? newOpenid() };
      people.set(person.openid, person);
      return phoneOf(person, {
        appId,
        newLogin: () => newLogin(person),
        newPhoneCode: (info) => newCode(person.openid, info),
        sessionKey: () => sessionKeyOf(person.openid),
        authorize: (url, refuse) => authorize(url, person, refuse),
      });
    },
    bendNext: (bend) => void bends.push(bend),
    endAccessTokens: endAll,
  };
}
