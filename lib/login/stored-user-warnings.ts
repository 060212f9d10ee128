import type { Identity } from "../identity.ts";
import { warnOnce } from "../warnings.ts";
import { nameOf } from "./found-user.ts";
import { type Known, knownIn, missingOf, type Requirement } from "./requirements.ts";

/** The mistake and its likely cause, for the warning and for the Error of a login that cannot go on without the user. */
export const FINDS_NOBODY =
  'wechatLogin: findUser finds nobody where saveUser has just stored someone. Is there a "return" in it, and does it wait ' +
  "for the database?";

/** How tables and other programs call these fields. PostgreSQL makes `nickname` of an alias without quotes. */
const OTHER_NAMES = {
  openid: ["open_id", "openId", "openID"],
  unionid: ["union_id", "unionId", "unionID"],
  nickName: ["nick_name", "nickname"],
  avatarUrl: ["avatar_url", "avatarurl", "avatarURL"],
  phoneNumber: ["phone_number", "phonenumber"],
};

type Field = keyof typeof OTHER_NAMES;

/**
 * Warns of two mistakes in `findUser` that make no request fail: it finds nobody, for want of a `return`; or its users lack
 * a required field, often because the column has another name. Only the user who was saved last is remembered: whoever
 * tries out such a host is sure to meet them.
 *
 * @param findUser whose mistakes they are
 */
export function storedUserWarnings(findUser: object, require: readonly Requirement[]) {
  let saved: (Identity & Known) | undefined;

  function warnOfNobody(): void {
    warnOnce(
      findUser,
      "WECHAT_LOGIN_USER_NOT_FOUND",
      `${FINDS_NOBODY} Until then every login fails (500) if there is an onLogin; without one logins succeed, and every guarded ` +
        "route answers 401.",
    );
  }

  function warnOfField(name: Field, otherName: string | undefined, value: unknown): void {
    const isText = typeof value === "string" || !value;
    const question = isText
      ? "Does saveUser store it, and does findUser read it?"
      : `It is ${nameOf(value)} there: return a string.`;
    const [cure, effect] = [
      otherName === undefined
        ? question
        : `It has "${otherName}": map it in findUser, ({ ...row, ${name}: row.${otherName} }).`,
      name === "openid"
        ? "nobody checks that this is who logged in"
        : "this user is asked or saved at every login",
    ];
    const message = `wechatLogin: findUser returned a user without "${name}". ${cure} Until then ${effect}.`;
    warnOnce(findUser, "WECHAT_LOGIN_FIELD_MISSING", message, name);
  }

  function lookAt(user: object, justSaved: Known): void {
    const fields = user as Record<string, unknown>;
    const isMissing = ["openid", ...missingOf(require, knownIn(user))] as Field[];
    for (const name of isMissing) {
      const otherName = fields[name] ? undefined : OTHER_NAMES[name].find((other) => fields[other]);
      const isLost = name !== "openid" && justSaved[name] !== undefined;
      if (otherName !== undefined || isLost) warnOfField(name, otherName, fields[name]);
    }
  }

  return {
    afterSave(user: Identity & Known): void {
      saved = user;
    },
    /** To be called before `findUser`; the function that it returns takes what was found. */
    beforeLookup(identity: Identity): (user: object | undefined) => void {
      const isJustSaved = saved?.openid === identity.openid && saved.appId === identity.appId;
      const justSaved = isJustSaved ? saved : undefined;
      return (user) => {
        if (justSaved) saved = undefined;
        if (user) lookAt(user, justSaved ?? {});
        else if (justSaved) warnOfNobody();
      };
    },
  };
}
