import { randomBytes } from "node:crypto";
import type { Phone, PhoneUser, WechatSimulator } from "express-wechat-login/simulator";

type Kind = "bound" | "button" | "unbound" | "minigame" | "old" | "blocked";

const isBound = () => ({ unionid: `o${randomBytes(21).toString("base64url").slice(0, 27)}` });

/** One of each kind of user. */
const PEOPLE: Record<Kind, (avatars: string) => PhoneUser> = {
  bound: (avatars) => ({ ...isBound(), nickName: "小明", avatarUrl: `${avatars}/hill.svg` }),
  button: (avatars) => ({
    ...isBound(),
    ...{ unionidAtLogin: false, nickName: "小红", avatarUrl: `${avatars}/flower.svg` },
    phoneNumber: "10012345679",
  }),
  unbound: (avatars) => ({ nickName: "阿强", avatarUrl: `${avatars}/boat.svg` }),
  minigame: (avatars) => ({
    ...isBound(),
    ...{ client: "minigame", nickName: "小游", avatarUrl: `${avatars}/kite.svg` },
  }),
  old: (avatars) => ({ ...isBound(), client: "old", nickName: "老王", avatarUrl: `${avatars}/boat.svg` }),
  blocked: () => ({ ...isBound(), nickName: "小赵", blocked: true }),
};

/** The people of the stage and their phones. */
export function people(simulator: WechatSimulator, avatars: string) {
  const phones = new Map<Kind, Phone>();

  return {
    /**
     * The phone of one kind of user, always the same, also where the server has forgotten its users: WeChat does not.
     *
     * @throws {RangeError} for a kind that is not there
     */
    phoneOf(kind: unknown): Phone {
      if (!isKind(kind)) throw new RangeError("There is no such user.");
      const phone = phones.get(kind) ?? simulator.phone(PEOPLE[kind](avatars));
      phones.set(kind, phone);
      return phone;
    },
  };
}

function isKind(kind: unknown): kind is Kind {
  return typeof kind === "string" && Object.hasOwn(PEOPLE, kind);
}
