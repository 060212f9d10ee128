import { WechatLoginError } from "../errors.ts";
import type { Identity } from "../identity.ts";
import { hasNews, type Known, knownIn, missingOf, type Requirement } from "../login/requirements.ts";
import { authorizationDenied, invalidState, snapshotUser, unavailable } from "./refusals.ts";
import type { Repetition } from "./repetition.ts";
import { withError } from "./return-to.ts";

/** What is asked of the user: nothing (the openid alone), name and picture inside WeChat, or the same by QR code. */
export type Scope = "snsapi_base" | "snsapi_userinfo" | "snsapi_login";

/** A login that is away at WeChat's authorise page. */
export interface Departure {
  app: "officialAccount" | "website";
  scope: Scope;
  /** Where it ends: a path of the own origin. */
  returnTo: string;
}

/** What WeChat's redirect to the callback carries, and the secrets of the cookies that the browser has. */
export interface Callback {
  state: string;
  /** Absent where the user refused. */
  code: string | undefined;
  /** The secret that the state is bound to. */
  browser: string;
  /** The secret that the next state is bound to; another one if two tabs began at once on a first visit. */
  nextBrowser: string;
}

/** How a callback ended: where the browser goes on, who was signed in and by which session, or why nobody was. */
export interface Arrival {
  location: string;
  identity?: Identity | undefined;
  sessionToken?: string | undefined;
  error?: WechatLoginError;
}

/** What WeChat says of who has authorised. */
export interface Grant {
  openid: string;
  unionid?: string;
  /** What the profile is asked for with. */
  accessToken: string;
  /** openid and unionid are virtual. */
  isSnapshot: boolean;
}

/** One app at WeChat: an Official Account (公众号) or a website application (网站应用). */
export interface WebApp {
  appId: string;
  authorizeUrl(state: string, scope: Scope): string;
  exchange(code: string): Promise<Grant>;
  userInfo(grant: Grant): Promise<object>;
}

/** What the story needs of the world. `Visit` is whatever one request brings along for `signIn`. */
export interface WebPorts<Visit, User extends object> {
  require: readonly Requirement[];
  app(name: Departure["app"]): WebApp;
  states: {
    issue(departure: Departure, browser: string): Promise<string>;
    /** Lets `arrive` run once for a good state; gives nothing for one that is unknown, foreign or used. */
    redeem(
      callback: Callback,
      arrive: (departure: Departure) => Promise<Arrival>,
    ): Promise<Arrival | Repetition | undefined>;
    /** Lets `signIn` run for a repetition; gives nothing for one too many. */
    again(callback: Callback, signIn: () => Promise<Arrival>): Promise<Arrival | undefined>;
  };
  /** What a repeated callback may do; `over` after a sign-out. */
  ruleOn(repetition: Repetition, visit: Visit): Promise<"again" | "done" | "over">;
  findUser(identity: Identity): Promise<User | null | undefined>;
  saveUser(user: Identity & Known): Promise<unknown>;
  /** Gives the session's token, if there are sessions. */
  signIn(identity: Identity, visit: Visit): Promise<string | undefined>;
}

/** The story of a web login: away to WeChat's authorise page, and back with a code. */
export function webFlow<Visit, User extends object>(ports: WebPorts<Visit, User>) {
  /** `GET /`: the address of WeChat's page, with a state that only this browser can come back with. */
  async function depart(departure: Departure, browser: string) {
    const { appId, authorizeUrl } = ports.app(departure.app);
    const state = await ports.states.issue(departure, browser);
    return { appId, state, location: authorizeUrl(state, departure.scope) };
  }

  /** `GET /callback`: who comes back with a good state goes where the login was started from, signed in or refused. */
  async function comeBack(callback: Callback, visit: Visit, fallback: string): Promise<Arrival> {
    const arrival = await ports.states.redeem(callback, (departure) =>
      refusable(departure.returnTo, async () => signedIn(await arrive(departure, callback), visit)),
    );
    if (!arrival) return refusal(fallback, invalidState());
    if (!("isSimultaneous" in arrival)) return arrival;
    return await refusable(arrival.location, () => repeat(arrival, callback, visit, fallback));
  }

  async function signedIn({ location, identity }: Arrival, visit: Visit): Promise<Arrival> {
    if (!identity) return { location };
    return { location, identity, sessionToken: await ports.signIn(identity, visit) };
  }

  async function repeat(first: Repetition, callback: Callback, visit: Visit, fallback: string) {
    const { location, identity } = first;
    const rule = identity ? await ports.ruleOn(first, visit) : "done";
    if (rule === "over") return refusal(fallback, invalidState());
    if (rule === "done") return { location };
    const arrival = await ports.states.again(callback, () => signedIn({ location, identity }, visit));
    return arrival ?? refusal(fallback, invalidState());
  }

  async function arrive(departure: Departure, { code, nextBrowser }: Callback): Promise<Arrival> {
    if (code === undefined) throw authorizationDenied();
    const app = ports.app(departure.app);
    const grant = await app.exchange(code);
    if (grant.isSnapshot) throw snapshotUser();
    const { user, known } = await recognise(app, grant, departure.scope);
    const missing = missingOf(ports.require, known);
    if (missing.length === 0) {
      const identity = identityOf(app, grant, known);
      if (!user || hasNews(grant.openid, known, user)) await ports.saveUser({ ...identity, ...known });
      return { location: departure.returnTo, identity };
    }
    if (departure.scope !== "snsapi_base") throw unavailable(missing);
    // The openid alone is not enough for this user: now ask, as the Mini Program does by its button.
    return { location: (await depart({ ...departure, scope: "snsapi_userinfo" }, nextBrowser)).location };
  }

  /** The stored user and all that is known; WeChat is asked for a profile only where something is lacking. */
  async function recognise(app: WebApp, grant: Grant, scope: Scope) {
    let told = knownIn({ unionid: grant.unionid });
    let user = await ports.findUser(identityOf(app, grant, told));
    const isComplete = user && missingOf(ports.require, { ...told, ...knownIn(user) }).length === 0;
    if (!isComplete && scope !== "snsapi_base") {
      const isBound = told.unionid !== undefined;
      told = { ...knownIn(await app.userInfo(grant)), ...told };
      if (!isBound && told.unionid !== undefined) user = await ports.findUser(identityOf(app, grant, told));
    }
    const stored = knownIn(user);
    // A profile that the user has filled in here stands; of the unionid WeChat knows best.
    return { user, known: knownIn({ ...told, ...stored, unionid: told.unionid ?? stored.unionid }) };
  }

  return { depart, comeBack };
}

function identityOf({ appId }: { appId: string }, { openid }: Grant, { unionid }: Known): Identity {
  return unionid === undefined ? { appId, openid } : { appId, openid, unionid };
}

/** What a step gives, or where it is refused to. */
async function refusable<Result>(returnTo: string, step: () => Promise<Result>): Promise<Result | Arrival> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof WechatLoginError) return refusal(returnTo, error);
    throw error;
  }
}

function refusal(path: string, error: WechatLoginError): Arrival {
  return { location: withError(path, error.code), error };
}
