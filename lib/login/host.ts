import type { Request } from "express";
import { asError } from "../as-error.ts";
import type { Identity } from "../identity.ts";
import type { Picture } from "../profile/picture.ts";
import { trace } from "../tracing.ts";
import { checkFoundUser } from "./found-user.ts";
import type { Requirement } from "./requirements.ts";
import { FINDS_NOBODY, storedUserWarnings } from "./stored-user-warnings.ts";

/** What a host gives a login to work with, whatever is required of a user. */
export interface HostCallbacks<User extends object> {
  findUser(identity: Identity): User | null | undefined | Promise<User | null | undefined>;
  saveUser(user: never): unknown;
  saveAvatar?(avatar: Picture, identity: Identity): string | Promise<string>;
  onReview?(nickName: string, identity: Identity): boolean | Promise<boolean>;
  onLogin?(user: User, visit: { identity: Identity; req: Request }): unknown;
}

/**
 * The host's callbacks. They fail in one way: the promise rejects with an Error. What they return is checked. Each gets an
 * identity of its own, because what a callback changes in it must not change who is signed in.
 */
export function hostOf<User extends object>(options: HostCallbacks<User>, require: readonly Requirement[]) {
  const warnings = storedUserWarnings(options.findUser, require);

  /** @throws {Error} it is no user, or another than the one who logged in */
  async function findUser(identity: Identity): Promise<User | undefined> {
    // Before the callback: what is saved while it looks need not be found.
    const look = warnings.beforeLookup(identity);
    const found = await call("findUser", () => options.findUser({ ...identity }));
    const user = checkFoundUser(found, identity);
    look(user);
    return user;
  }

  return {
    findUser,
    async saveUser(user: Identity): Promise<void> {
      await call("saveUser", () => options.saveUser({ ...user } as never));
      warnings.afterSave(user);
    },
    async saveAvatar(avatar: Picture, identity: Identity): Promise<string> {
      const url: unknown = await call("saveAvatar", () => options.saveAvatar?.(avatar, { ...identity }));
      if (typeof url === "string" && url !== "") return url;
      throw new TypeError("wechatLogin: saveAvatar must return the URL of the picture, a string.");
    },
    /** A nickname that WeChat would show to a person is accepted, unless the host looks at it itself. */
    async onReview(nickName: string, identity: Identity): Promise<boolean> {
      if (!options.onReview) return true;
      const isGood = await call("onReview", () => options.onReview?.(nickName, { ...identity }));
      return isGood !== false;
    },
    /** What the host has to tell the client, unchecked. */
    async onLogin(identity: Identity, req: Request, found?: User | null): Promise<unknown> {
      if (!options.onLogin) return undefined;
      const user = found ?? (await findUser(identity));
      if (!user) throw new Error(FINDS_NOBODY);
      return await call("onLogin", () => options.onLogin?.(user, { identity: { ...identity }, req }));
    },
  };
}

/** Runs a callback of the host, traced. */
async function call<Result>(name: string, callback: () => Result | Promise<Result>): Promise<Result> {
  return await trace("host", name, async () => {
    try {
      return await callback();
    } catch (thrown) {
      throw asError(thrown, name);
    }
  });
}
