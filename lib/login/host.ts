import type { Identity } from "../identity.ts";
import type { Picture } from "../profile/picture.ts";
import type { WechatLoginOptions } from "./options.ts";
import type { Requirement } from "./requirements.ts";

/** The host's callbacks, whatever way they fail: one that throws at once rejects like any other. */
export function hostOf<User extends object>(options: WechatLoginOptions<User, readonly Requirement[]>) {
  return {
    findUser: async (identity: Identity) => options.findUser(identity),
    saveUser: async (user: Identity) => options.saveUser(user as never),
    async saveAvatar(avatar: Picture, identity: Identity): Promise<string> {
      const url: unknown = await options.saveAvatar?.(avatar, identity);
      if (typeof url === "string" && url !== "") return url;
      throw new TypeError("wechatLogin: saveAvatar must return the URL of the picture, a string.");
    },
    /** A nickname that WeChat would show to a person is accepted, unless the host looks at it itself. */
    onReview: async (nickName: string, identity: Identity): Promise<boolean> =>
      (await options.onReview?.(nickName, identity)) ?? true,
  };
}
