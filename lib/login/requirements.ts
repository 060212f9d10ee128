import { isUnionid } from "../identity.ts";

/** What a host can require of a user before the login counts as complete. */
export type Requirement = "unionid" | "nickName" | "avatarUrl" | "phoneNumber";

/** What may be known of a user besides the openid; the same names everywhere, from WeChat's data to `saveUser`. */
export type Known = { [Name in Requirement | "purePhoneNumber" | "countryCode"]?: string };

/** Every requirement there is; `options.require` picks among them. */
export const REQUIREMENTS: readonly Requirement[] = ["unionid", "nickName", "avatarUrl", "phoneNumber"];
const FIELDS: readonly (keyof Known)[] = [...REQUIREMENTS, "purePhoneNumber", "countryCode"];

/** Since 2022 WeChat gives ordinary Mini Programs these instead of the user's own name and picture. */
const PLACEHOLDER_NAME = "微信用户";
const PLACEHOLDER_AVATAR =
  "POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg";

/** WeChat was seen to send these in nicknames; a database or a log may choke on them. No keyboard writes them. */
const NOT_IN_A_NAME = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * The fields of `source` (a stored user, decrypted data, …) that really say something. Empty strings, `null` and
 * WeChat's placeholder profile do not: they would be asked for once, stored, and never be asked for again. Nicknames
 * lose their control characters here, wherever they come from.
 */
export function knownIn(source: object | null | undefined): Known {
  const known: Known = {};
  for (const name of FIELDS) {
    const given = (source as Record<string, unknown> | null | undefined)?.[name];
    if (typeof given !== "string") continue;
    const value = name === "nickName" ? given.replaceAll(NOT_IN_A_NAME, "") : given;
    if (value !== "" && !isPlaceholder(name, value)) known[name] = value;
  }
  return known;
}

/**
 * What WeChat said, without a name and a picture in the place of stored ones: those may be the user's own choice, and are
 * overwritten only by what the user enters.
 */
export function withoutStoredProfile(known: Known, stored: Known): Known {
  const rest = { ...known };
  for (const name of ["nickName", "avatarUrl"] as const) if (stored[name] !== undefined) delete rest[name];
  return rest;
}

/** What is required and not known, in the order of `require`. */
export function missingOf(require: readonly Requirement[], known: Known): Requirement[] {
  return require.filter((name) => known[name] === undefined);
}

/**
 * Whether all that is required is known of a user who is signed in. A field that is `null` or empty is lost. One that
 * `findUser` does not return at all counts if the login knew it: the host stores it and reads it elsewhere, and a login
 * that succeeds must not be followed by 401 for ever.
 *
 * @param knownAtLogin names of what the login knew that began the session
 */
export function isComplete(
  require: readonly Requirement[],
  { user, identity }: { user: object; identity: object },
  knownAtLogin: readonly string[],
): boolean {
  const missing = missingOf(require, { ...knownIn(identity), ...knownIn(user) });
  return missing.every((name) => {
    const value = (user as { [name: string]: unknown })[name];
    return knownAtLogin.includes(name) && value !== null && typeof value !== "string";
  });
}

/** Something new for the stored user: a field, or an openid, where someone known by unionid comes by another app. */
export function hasNews(openid: string, learned: Known, user: object & { openid?: unknown }): boolean {
  if ("openid" in user && user.openid !== openid) return true;
  const stored = knownIn(user);
  return Object.entries(learned).some(([name, value]) => stored[name as keyof Known] !== value);
}

function isPlaceholder(name: keyof Known, value: string): boolean {
  if (name === "unionid") return !isUnionid(value);
  if (name === "nickName") return value === PLACEHOLDER_NAME;
  return name === "avatarUrl" && value.includes(PLACEHOLDER_AVATAR);
}
