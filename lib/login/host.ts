import type { Request } from "express";
import type { Identity } from "../identity.ts";
import type { Picture } from "../profile/picture.ts";
import { trace } from "../tracing.ts";

/** What a host gives a login to work with, whatever is required of a user. */
export interface HostCallbacks<User extends object> {
  findUser(identity: Identity): User | null | undefined | Promise<User | null | undefined>;
  saveUser(user: never): unknown;
  saveAvatar?(avatar: Picture, identity: Identity): string | Promise<string>;
  onReview?(nickName: string, identity: Identity): boolean | Promise<boolean>;
  onLogin?(user: User, visit: { identity: Identity; req: Request }): unknown;
}

/** The host's callbacks, whatever way they fail: one that throws at once rejects like any other. */
export function hostOf<User extends object>(options: HostCallbacks<User>) {
  const findUser = (identity: Identity) => trace("host", "findUser", async () => options.findUser(identity));
  return {
    findUser,
    saveUser: (user: Identity) => trace("host", "saveUser", async () => options.saveUser(user as never)),
    async saveAvatar(avatar: Picture, identity: Identity): Promise<string> {
      const url: unknown = await trace("host", "saveAvatar", async () =>
        options.saveAvatar?.(avatar, identity),
      );
      if (typeof url === "string" && url !== "") return url;
      throw new TypeError("wechatLogin: saveAvatar must return the URL of the picture, a string.");
    },
    /** A nickname that WeChat would show to a person is accepted, unless the host looks at it itself. */
    async onReview(nickName: string, identity: Identity): Promise<boolean> {
      if (!options.onReview) return true;
      const isGood = await trace("host", "onReview", async () => options.onReview?.(nickName, identity));
      return isGood !== false;
    },
    /** What the host has to tell the client. */
    async onLogin(identity: Identity, req: Request, found?: User | null): Promise<object | undefined> {
      if (!options.onLogin) return undefined;
      const user = found ?? (await findUser(identity));
      if (!user)
        throw new Error("wechatLogin: findUser finds nobody where saveUser has just stored someone.");
      const told = trace("host", "onLogin", async () => options.onLogin?.(user, { identity, req }));
      return (await told) as object | undefined;
    },
  };
}
