import { isDeepStrictEqual } from "node:util";
import { type Known, knownIn } from "./requirements.ts";

/** The members of a JSON object, by name. */
export type Members = ReadonlyMap<string, unknown>;

/** User data that were opened and believed. */
export interface OpenedUserData {
  kind: "profile" | "phone" | "group" | "werun";
  /** Under WeChat's names. */
  data: Record<string, unknown>;
  /** Names of members that this version does not know, and has dropped. */
  unknownNames: string[];
}

/** What user data are compared with. */
export interface Expectations {
  openid: string;
  /** What is known of the unionid so far. */
  unionid?: string | undefined;
}

/**
 * Nobody vouches for its value: with any characters a block of garbage would hide here, and its owner could read it. WeChat's
 * unionids have letters, digits, - and _; with the dot, 65 of 256 bytes leave a block one chance in 3,400,000,000.
 */
const UNION_ID = /^[\w.-]*$/;
const OPEN_GID = /^[\w-]{28}$/;
/** What a member that a later WeChat adds may look like: nothing that a block of garbage could hide in. */
const UNKNOWN_NAME = /^[A-Za-z_]{1,12}$/;
const UNKNOWN_INTEGERS_BELOW = 10 ** 10;

/**
 * Decides which of four closed kinds opened data are, and believes nothing else. CBC has no MAC: whoever knows some plaintext
 * of their own can rearrange its blocks, so that any 16 bytes of their choice open before any of their own. The price is a
 * block of garbage, which has to hide in some string. Hence there is no string that nobody vouches for, but a unionId and an
 * openGId of letters. And the garbage must stay unknown: whoever can read it takes it for a nickname, which WeChat signs.
 *
 * @param rawData the members of the signed `rawData`; `undefined` if none was sent
 * @throws {Error} for all data that are of no kind
 */
export function closedKind(
  opened: Members,
  rawData: Members | undefined,
  expected: Expectations,
): OpenedUserData {
  if (opened.has("phoneNumber")) return phoneNumber(opened);
  if (opened.has("openGId")) return group(opened);
  if (opened.has("stepInfoList")) return weRun(opened);
  if (!rawData) throw new Error("profile data without rawData and signature");
  return profile(opened, rawData, expected);
}

/** What opened data say of the user. */
export function knownInUserData({ kind, data }: OpenedUserData): Known {
  const { unionId, nickName, avatarUrl, phoneNumber, purePhoneNumber, countryCode } = data;
  if (kind === "profile") return knownIn({ unionid: unionId, nickName, avatarUrl });
  if (kind === "phone") return knownIn({ phoneNumber, purePhoneNumber, countryCode: String(countryCode) });
  return {};
}

/** Names and picture are those of the signed `rawData`; a `unionId` counts only beside this user's `openId`. */
function profile(opened: Members, rawData: Members, { openid, unionid }: Expectations): OpenedUserData {
  const [openId, unionId] = [opened.get("openId"), opened.get("unionId") ?? ""];
  // wx.getUserProfile seals neither of the two.
  const isAnonymous = !opened.has("openId") && !opened.has("unionId");
  if (!isAnonymous && openId !== openid) throw new Error("openId belongs to another user");
  if (typeof unionId !== "string" || !UNION_ID.test(unionId)) throw new Error("no unionId");
  if (unionId && unionid !== undefined && unionId !== unionid) {
    throw new Error("unionId is not the one that WeChat gave for the code");
  }
  const own = ["openId", "unionId", "watermark"];
  for (const [name, value] of rawData) {
    // A flag that only rawData has (WeChat's is_demote, say) takes nothing away from what was sealed.
    if (typeof value === "boolean" && !opened.has(name)) continue;
    const isSealed = opened.has(name) && !own.includes(name);
    if (!isSealed || !isEqual(opened.get(name), value)) throw new Error("rawData is not what was sealed");
  }
  const unknownNames = [...opened.keys()].filter((name) => !own.includes(name) && !rawData.has(name));
  if (!unknownNames.every((name) => UNKNOWN_NAME.test(name) && isHarmless(opened.get(name)))) {
    throw new Error("a member that rawData does not have");
  }
  const data = Object.fromEntries([...opened].filter(([name]) => !unknownNames.includes(name)));
  return { kind: "profile", data: { ...data, ...Object.fromEntries(rawData) }, unknownNames };
}

function isEqual(one: unknown, other: unknown): boolean {
  return one === other || isDeepStrictEqual(one, other);
}

function isHarmless(value: unknown): boolean {
  if (typeof value !== "number") return value === null || typeof value === "boolean";
  return Number.isInteger(value) && Math.abs(value) < UNKNOWN_INTEGERS_BELOW;
}

/** The old form of the phone button: its three fields have to say the same. */
function phoneNumber(opened: Members): OpenedUserData {
  const data = exactly(opened, ["phoneNumber", "purePhoneNumber", "countryCode"]);
  const pure = digits(data.purePhoneNumber, /^\d{4,15}$/);
  // WeChat was seen to send it as a number.
  const code = digits(
    typeof data.countryCode === "number" ? String(data.countryCode) : data.countryCode,
    /^\d{1,4}$/,
  );
  const spellings = [pure, code + pure, `+${code}${pure}`, `${code}-${pure}`, `+${code}-${pure}`];
  if (!spellings.some((spelling) => spelling === data.phoneNumber)) {
    throw new Error("the phone number's fields differ");
  }
  return { kind: "phone", data, unknownNames: [] };
}

function digits(value: unknown, pattern: RegExp): string {
  if (typeof value !== "string" || !pattern.test(value)) throw new Error("no phone number");
  return value;
}

/** The first four characters are not authentic: they stand in the first block, which the iv changes at will. */
function group(opened: Members): OpenedUserData {
  const data = exactly(opened, ["openGId"]);
  if (typeof data.openGId !== "string" || !OPEN_GID.test(data.openGId)) throw new Error("no openGId");
  return { kind: "group", data, unknownNames: [] };
}

function weRun(opened: Members): OpenedUserData {
  const data = exactly(opened, ["stepInfoList"]);
  const { stepInfoList } = data;
  if (!Array.isArray(stepInfoList) || !stepInfoList.every(isStepInfo)) throw new Error("no stepInfoList");
  return { kind: "werun", data, unknownNames: [] };
}

function isStepInfo(entry: unknown): boolean {
  const { timestamp, step, ...others } = Object(entry);
  return Number.isInteger(timestamp) && Number.isInteger(step) && Object.keys(others).length === 0;
}

/** These members and the watermark, and no other. */
function exactly(opened: Members, names: string[]): Record<string, unknown> {
  const wanted = [...names, "watermark"];
  if (opened.size !== wanted.length || !wanted.every((name) => opened.has(name))) {
    throw new Error("other members than its kind of data has");
  }
  return Object.fromEntries(opened);
}
