import { asError } from "../as-error.ts";
import { nameOf } from "./found-user.ts";

/** The one would replace the prototype of the answer's body; clients take an answer with the other for a failure. */
const NEVER_SENT = ["__proto__", "error"];

/**
 * What `onLogin` returned, as the JSON that `res.json` would send: the `toJSON` of a document decides what of it leaves
 * the server, and what cannot be sent fails before a session begins.
 *
 * @throws {TypeError} it is neither an object nor nothing
 */
export function clientExtras(returned: unknown): object {
  const extras = returned ? toJson(returned) : undefined;
  // Hosts also return false or "" for nothing: `user.isMember && { member: true }`.
  if (!extras) return {};
  if (typeof extras !== "object" || Array.isArray(extras)) throw mistake(nameOf(extras));
  return Object.fromEntries(Object.entries(extras).filter(([name]) => !NEVER_SENT.includes(name)));
}

function toJson(returned: unknown): unknown {
  const text = stringify(returned);
  if (text !== undefined) return JSON.parse(text);
  // The toJSON of an object may say that there is nothing; functions and symbols are always a mistake.
  if (typeof returned !== "object") throw mistake(nameOf(returned));
  return undefined;
}

function stringify(returned: unknown): string | undefined {
  try {
    return JSON.stringify(returned);
  } catch (thrown) {
    const cause = asError(thrown, "onLogin");
    // An Error of the host's own toJSON is the host's.
    if (!(cause instanceof TypeError)) throw cause;
    throw mistake(`something that is no JSON (${cause.message.split("\n", 1)})`, { cause });
  }
}

function mistake(what: string, options?: ErrorOptions): TypeError {
  const message = `wechatLogin: onLogin returned ${what}. It must return an object for the client, or nothing.`;
  return new TypeError(message, options);
}
