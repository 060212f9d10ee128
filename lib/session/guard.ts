import type { IncomingMessage } from "node:http";
import { WechatLoginError } from "../errors.ts";
import { type Identity, isUnionid } from "../identity.ts";
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
  /**
   * Whether all is known of the user that this login requires.
   *
   * @param known names of what the login knew that began the session
   */
  isComplete(visitor: Visitor<User>, known: readonly string[]): boolean;
  /** The session token of a request, or an empty string, which is nobody's. Default: that of `Authorization`. */
  tokenOf?(req: IncomingMessage): string;
}

const WITHOUT_SESSIONS =
  "wechatLogin: there are no sessions to look at with session: false. Leave this option out to use requireLogin, userOf, \
identityOf and signOutEverywhere; or check the login state that your onLogin issues: see the recipes in the README.";

/**
 * Finds out who sends a request, by its session token. What it finds is kept beside the
 * request and not in it.
 */
export function guardOf<User extends object>({
  sessions,
  findUser,
  isComplete,
  tokenOf = bearerToken,
}: GuardPorts<User>) {
  const visitors = new WeakMap<IncomingMessage, Visitor<User>>();

  function kept(): Sessions {
    if (!sessions) throw new Error(WITHOUT_SESSIONS);
    return sessions;
  }

  async function look(
    req: IncomingMessage,
    isEnough: GuardPorts<User>["isComplete"],
  ): Promise<Visitor<User> | undefined> {
    visitors.delete(req);
    const { find, isSignedOut } = kept();
    const token = tokenOf(req);
    const session = await find(token);
    const user = session && (await findUser(session.identity));
    if (!user || (await isSignedOut(token, session, unionidOf(user)))) return undefined;
    const visitor = { user, identity: session.identity };
    if (!isEnough(visitor, session.known)) return undefined;
    visitors.set(req, visitor);
    return visitor;
  }

  return {
    /** Who sends a request; nothing for anyone who is not signed in, for whatever reason. */
    async authenticate(req: IncomingMessage): Promise<Visitor<User> | undefined> {
      const visitor = await look(req, isComplete);
      return visitor && { ...visitor };
    },
    /** @throws {WechatLoginError} `login_required`: one answer for every reason */
    async admit(req: IncomingMessage): Promise<void> {
      if (!(await look(req, isComplete))) throw loginRequired();
    },
    /** As `admit`, also for a user who lacks something that is required. @throws {WechatLoginError} `login_required` */
    async admitIncomplete(req: IncomingMessage): Promise<Visitor<User>> {
      const visitor = await look(req, () => true);
      if (!visitor) throw loginRequired();
      return visitor;
    },
    /** Who was found for this request. */
    visitorOf(req: IncomingMessage): Visitor<User> {
      const visitor = visitors.get(req);
      if (visitor) return visitor;
      kept();
      throw new Error("wechatLogin: requireLogin has not run for this request.");
    },
    /** @throws {WechatLoginError} `login_required` */
    async signOut(req: IncomingMessage): Promise<void> {
      if (!(await kept().end(tokenOf(req)))) throw loginRequired();
    },
    async signOutEverywhere(person: Person): Promise<void> {
      const { pool, endAll } = kept();
      // Sessions that apps share belong together by the unionid: the host may know one that the caller does not.
      const { identities } = identitiesOf(person, pool);
      const lookups = await Promise.allSettled(pool.isShared ? identities.map(findUser) : []);
      await endAll(
        person,
        lookups.map((lookup) => (lookup.status === "fulfilled" ? unionidOf(lookup.value) : undefined)),
      );
      // What is known without the host has ended; what only the host knows has not.
      for (const lookup of lookups) if (lookup.status === "rejected") throw lookup.reason;
    },
  };
}

function unionidOf(user: object | null | undefined): string | undefined {
  const unionid = (user as { unionid?: unknown } | null | undefined)?.unionid;
  return isUnionid(unionid) ? unionid : undefined;
}

/** The token of `Authorization: Bearer …`, or an empty string, which is nobody's. */
export function bearerToken({ headers }: IncomingMessage): string {
  return /^Bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1] ?? "";
}

/** The one answer to whoever is not signed in. */
export function loginRequired(): WechatLoginError {
  return new WechatLoginError("login_required", "Nobody is signed in: log in again.");
}
