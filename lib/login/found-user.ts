import { types } from "node:util";
import { isError } from "../as-error.ts";
import { type Identity, isUnionid } from "../identity.ts";
import { REQUIREMENTS } from "./requirements.ts";

/** What of a user is read here. */
const FIELDS = ["openid", ...REQUIREMENTS] as const;

/**
 * The user that `findUser` returned; nothing for a stranger.
 *
 * Fields are read by their names only, because documents of an ORM have them on the prototype.
 *
 * @throws {TypeError} what it returned is no user
 * @throws {Error} it is not the user who logged in
 */
export function checkFoundUser<User extends object>(
  found: User | null | undefined,
  identity: Identity,
): User | undefined {
  // Hosts also return false, 0 or "" for nobody: `rows.length && rows[0]`.
  if (!found) return undefined;
  const mistake = mistakeIn(found);
  if (mistake) {
    throw new TypeError(
      `wechatLogin: findUser returned ${mistake}. It must return one user, an object, or nothing for a stranger.`,
    );
  }
  if (!isWhoLoggedIn(found, identity)) throw anotherUser(found, identity);
  return found;
}

/** One of the two that is the same is enough: a unionid may change, and a person has an openid in each app. */
function isWhoLoggedIn(found: object, identity: Identity): boolean {
  const [openid, unionid] = [fieldOf(found, "openid"), fieldOf(found, "unionid")];
  if (isNothing(openid) && isNothing(unionid)) return true;
  return openid === identity.openid || (isUnionid(unionid) && unionid === identity.unionid);
}

/** Express shows errors to the client unless in production: hence the ends of the ids only. */
function anotherUser(found: object, { openid, unionid }: Identity): Error {
  const ids = [fieldOf(found, "openid"), fieldOf(found, "unionid")] as const;
  return new Error(
    `wechatLogin: findUser returned another user than the one who logged in. Asked for: ${describe(openid, unionid)}; returned: ${describe(...ids)}. ` +
      "Nobody was signed in and nothing was saved. Look by unionid only if it is given (many databases take undefined for any value), " +
      "and return the openid and the unionid that was asked for; if your users have several accounts, return these or leave both fields out.",
  );
}

function describe(openid: unknown, unionid: unknown): string {
  return `openid ${abbreviate(openid)}, unionid ${abbreviate(unionid)}`;
}

function abbreviate(id: unknown): string {
  if (isNothing(id)) return "none";
  return typeof id === "string" ? `"…${id.slice(-4)}"` : `${nameOf(id)} instead of a string`;
}

/** What was returned, if it is no user. */
function mistakeIn(found: object): string | undefined {
  if (typeof found !== "object" || Array.isArray(found)) return nameOf(found);
  if (isError(found)) return "an Error instead of throwing it";
  if (isList(found)) return "a list or a cursor instead of one of its items";
  const promise = FIELDS.find((name) => isPromise(fieldOf(found, name)));
  if (promise) return `a user whose "${promise}" is a Promise: an "await" is missing`;
  if (isQueryResult(found)) return "the result of a query instead of one of its rows";
  return isEmpty(found) ? 'an object without any field: perhaps an "await" is missing' : undefined;
}

/** A Set, a cursor of MongoDB, a stream. */
function isList(found: object): boolean {
  const { [Symbol.iterator]: iterate, [Symbol.asyncIterator]: iterateLater } = found as Record<
    symbol,
    unknown
  >;
  return typeof iterate === "function" || typeof iterateLater === "function";
}

/** Of pg and libsql. */
function isQueryResult(found: object): boolean {
  return Array.isArray(fieldOf(found, "rows")) && ("rowCount" in found || "rowsAffected" in found);
}

/** As `{ ...promise }` is. What is read is on the object, on its class, or behind a proxy. */
function isEmpty(found: object): boolean {
  if (types.isProxy(found)) return false;
  const own = Object.getOwnPropertyNames(found);
  const isUseful = (name: string) => !isPromise(Object.getOwnPropertyDescriptor(found, name)?.value);
  return !own.some(isUseful) && !hasClass(found);
}

/** Whether anything but `constructor` is inherited, from anything but `Object`. */
function hasClass(found: object): boolean {
  const parent: object | null = Object.getPrototypeOf(found);
  if (parent === null || parent === Object.prototype) return false;
  return Reflect.ownKeys(parent).some((name) => name !== "constructor") || hasClass(parent);
}

function isPromise(value: unknown): boolean {
  return typeof Object(value).then === "function";
}

function fieldOf(found: object, name: string): unknown {
  return (found as Record<string, unknown>)[name];
}

function isNothing(id: unknown): boolean {
  return id === undefined || id === null || id === "";
}

/** `an array`, `a string`, `true`. */
export function nameOf(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (value === null || typeof value === "boolean") return String(value);
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
