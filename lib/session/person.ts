import { type Identity, isUnionid } from "../identity.ts";

/**
 * Whose sessions to end: an identity, or a row of the host's table. Without an appId it is the app that asks, or each of its
 * apps; a unionid is enough where apps share sessions. With the appId of another app nothing ends in an app whose sessions
 * are its own: nobody has a session there by that openid. Other members of a row do no harm.
 */
export type Person = { appId?: string | null | undefined } & (
  | { openid: string; unionid?: string | null | undefined }
  | { openid?: string | null | undefined; unionid: string }
);

/**
 * The identities that a person may have in a pool. Empty strings, `null` and `undefined` say nothing.
 *
 * @throws {TypeError} where nothing says who it is: that would end nothing, and nobody would notice
 */
export function identitiesOf(
  person: Person,
  pool: { appId: string; otherAppIds?: string[] | undefined; isShared: boolean },
): { identities: Identity[]; unionid?: string } {
  const { appId, openid, unionid } = {
    appId: given(person, "appId"),
    openid: given(person, "openid"),
    unionid: unionidIn(person),
  };
  if (openid === undefined && (unionid === undefined || !pool.isShared)) {
    const more = pool.isShared ? ", or the unionid" : "";
    throw new TypeError(`wechatLogin: signOutEverywhere needs the openid of a user${more}.`);
  }
  const ofUnion = unionid === undefined ? {} : { unionid };
  const appIds = appId === undefined ? [pool.appId, ...(pool.otherAppIds ?? [])] : [appId];
  const identities = openid === undefined ? [] : appIds.map((id) => ({ appId: id, openid, ...ofUnion }));
  return { identities, ...ofUnion };
}

/** A row may hold a word for nothing. */
function unionidIn(person: Person): string | undefined {
  const unionid = given(person, "unionid");
  return isUnionid(unionid) ? unionid : undefined;
}

function given(person: Person, name: string): string | undefined {
  const value: unknown = Object(person)[name];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string") return value;
  throw new TypeError(`wechatLogin: signOutEverywhere takes a string as ${name}.`);
}
