import type { IncomingMessage } from "node:http";
import { WechatLoginError } from "../errors.ts";
import type { Identity } from "../identity.ts";
import { identitiesOf, type Person } from "./person.ts";
import type { Sessions } from "./sessions.ts";

/** What the guard found out about a request. */
export interface Visitor<User> {
  user: User;
  identity: Identity;
}

/** What the guard needs of the world; `sessions` is absent where the host issues its own login state. */
export interface GuardPorts<User> {
  sessions: Sessions | undefined;
  findUser(identity: Identity): Promise<User | null | undefined>;
  /** The session token of a request, or an empty string, which is nobody's. Default: that of `Authorization`. */
  tokenOf?(req: IncomingMessage): string;
}

/**
 * Finds out who sends a request, by its session token. What it finds is kept beside the
 * request and not in it.
 */
export function guardOf<User extends object>({
  sessions,
  findUser,
  tokenOf = bearerToken,
}: GuardPorts<User>) {
  const visitors = new WeakMap<IncomingMessage, Visitor<User>>();

  function kept(): Sessions {
    if (!sessions) throw new Error("wechatLogin: there are no sessions to look at with session: false.");
    return sessions;
  }

  return {
    /** @throws {WechatLoginError} `login_required`: one answer for every reason */
    async admit(req: IncomingMessage): Promise<Visitor<User>> {
      const { find, isSignedOut } = kept();
      const token = tokenOf(req);
      const session = await find(token);
      const user = session && (await findUser(session.identity));
      if (!user || (await isSignedOut(token, session, unionidOf(user)))) throw loginRequired();
      const visitor = { user, identity: session.identity };
      visitors.set(req, visitor);
      return visitor;
    },
    /** Whom `admit` has found for this request. */
    visitorOf(req: IncomingMessage): Visitor<User> {
      const visitor = visitors.get(req);
      if (!visitor) throw new Error("wechatLogin: requireLogin has not run for this request.");
      return visitor;
    },
    /** @throws {WechatLoginError} `login_required` */
    async signOut(req: IncomingMessage): Promise<void> {
      if (!(await kept().end(tokenOf(req)))) throw loginRequired();
    },
    async signOutEverywhere(person: Person): Promise<void> {
      const { pool, endAll } = kept();
      // Sessions that apps share belong together by the unionid: the host may know one that the caller does not.
      const { identities } = identitiesOf(person, pool);
      const users = pool.isShared ? await Promise.all(identities.map(findUser)) : [];
      await endAll(person, users.map(unionidOf));
    },
  };
}

function unionidOf(user: object | null | undefined): unknown {
  return (user as { unionid?: unknown } | null | undefined)?.unionid;
}

/** The token of `Authorization: Bearer …`, or an empty string, which is nobody's. */
export function bearerToken({ headers }: IncomingMessage): string {
  return /^Bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1] ?? "";
}

/** The one answer to whoever is not signed in. */
export function loginRequired(): WechatLoginError {
  return new WechatLoginError("login_required", "Nobody is signed in: log in again.");
}
