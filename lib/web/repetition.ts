import type { IncomingMessage } from "node:http";
import type { Identity } from "../identity.ts";
import { locatorOf, type Sessions } from "../session/sessions.ts";
import type { Cookie } from "./cookies.ts";

/** A callback that comes again, and how the first one ended. */
export interface Repetition {
  location: string;
  /** Absent if nobody was signed in. */
  identity?: Identity | undefined;
  /** The locators of all sessions that this callback has begun; none with `session: false`. */
  sessions: string[];
  /** It came while the first one was still at work. */
  isSimultaneous: boolean;
}

/**
 * What a repeated callback may do. WeChat's redirect is sometimes fetched twice, and the browser may show either answer:
 * so it may sign in `again`. If it has the first one's session, or the first one was answered long before, all is `done`.
 * After a sign-out it is `over`: somebody went back in the history.
 */
export function repetitionRule(sessions: Sessions | undefined, cookie: Cookie) {
  return async (
    { sessions: locators, isSimultaneous }: Repetition,
    req: IncomingMessage,
  ): Promise<"again" | "done" | "over"> => {
    if (!sessions) return isSimultaneous ? "again" : "done";
    const answers = await Promise.all(locators.map((locator) => sessions.isAlive(locator)));
    if (answers.includes(false)) return "over";
    return locators.includes(locatorOf(cookie.read(req) ?? "")) ? "done" : "again";
  };
}
