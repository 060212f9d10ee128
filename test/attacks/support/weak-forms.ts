import { isUtf8 } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import { parseStrictJson } from "../../../lib/login/strict-json.ts";
import { closedKind } from "../../../lib/login/user-data-kinds.ts";

type Data = Record<string, unknown>;

/** A way to open user data that is weaker than the product's, to see the attacks succeed. */
export interface WeakForm {
  name: string;
  /** Parses what was decrypted. */
  reader: (plaintext: Buffer) => Data | undefined;
  /** What it believes of the data that it read; nothing if it refuses them. */
  believe(data: Data, owner: Owner): Data | undefined;
}

/** Whose data they must be. `rawData` holds the members of the signed text, if one was sent. */
export interface Owner {
  appId: string;
  openid: string;
  rawData: Data | undefined;
}

/** What many libraries do: bytes that are no UTF-8 become U+FFFD. */
function lenient(plaintext: Buffer): Data | undefined {
  return parsed(plaintext.toString("utf8"));
}

function strict(plaintext: Buffer): Data | undefined {
  return isUtf8(plaintext) ? parsed(plaintext.toString("utf8")) : undefined;
}

const CONTROLS = /[^ -\uffff]/g;

/** Control bytes are stripped, since WeChat is known to leave some unescaped. */
function tolerant(plaintext: Buffer): Data | undefined {
  return isUtf8(plaintext) ? parsed(plaintext.toString("utf8").replaceAll(CONTROLS, "")) : undefined;
}

/** The product's parser. */
function closed(plaintext: Buffer): Data | undefined {
  try {
    return isUtf8(plaintext) ? Object.fromEntries(parseStrictJson(plaintext)) : undefined;
  } catch {
    return undefined;
  }
}

function parsed(text: string): Data | undefined {
  try {
    const data = JSON.parse(text);
    return typeof data === "object" && data !== null ? data : undefined;
  } catch {
    return undefined;
  }
}

/** The app and the user, if the data name one. */
function isOwn({ watermark, openId }: Data, { appId, openid }: Owner): boolean {
  return Object(watermark).appid === appId && (openId === undefined || openId === openid);
}

function everything(data: Data, owner: Owner): Data | undefined {
  return isOwn(data, owner) ? data : undefined;
}

/** A unionId counts beside an openId only, and a phone number only if its three fields say the same. */
function withOpenId(data: Data, owner: Owner): Data | undefined {
  if (!isOwn(data, owner)) return undefined;
  const { openId, unionId, phoneNumber, purePhoneNumber, countryCode, ...others } = data;
  const [number, pure] = [String(phoneNumber), String(purePhoneNumber)];
  const isNumber = /^\+?[\d-]+$/.test(number) && /^\d+$/.test(String(countryCode)) && /^[\d-]+$/.test(pure);
  return {
    ...others,
    openId,
    ...(openId !== undefined && { unionId }),
    ...(isNumber && number.endsWith(pure) && { phoneNumber, purePhoneNumber, countryCode }),
  };
}

/** A profile has the members of rawData, and any others; other data have no member of a profile. */
function compared(data: Data, owner: Owner): Data | undefined {
  const isProfile = ["openId", "unionId", "nickName", "avatarUrl"].some((name) => name in data);
  if (!isProfile) return withOpenId(data, owner);
  const members = Object.entries(owner.rawData ?? { none: 0 });
  return members.every(([name, value]) => isDeepStrictEqual(data[name], value))
    ? withOpenId(data, owner)
    : undefined;
}

function comparedForUnionId(data: Data, owner: Owner): Data | undefined {
  return "unionId" in data || "openGId" in data ? compared(data, owner) : withOpenId(data, owner);
}

/** The product's rule, with any text as unionId. */
function withAnyUnionId(data: Data, owner: Owner): Data | undefined {
  const { unionId } = data;
  const members = Object.entries(typeof unionId === "string" ? { ...data, unionId: "" } : data);
  const rawData = owner.rawData && new Map(Object.entries(owner.rawData));
  try {
    return isOwn(data, owner) ? { ...closedKind(new Map(members), rawData, owner).data, unionId } : undefined;
  } catch {
    return undefined;
  }
}

export const OLD_LOGIN: WeakForm = { name: "lenient UTF-8 (login)", reader: lenient, believe: withOpenId };

/** From the weakest to the strongest. JSON.parse takes the last of two members with one name in all of them. */
export const WEAK_FORMS: WeakForm[] = [
  { name: "lenient UTF-8 (openData)", reader: lenient, believe: everything },
  OLD_LOGIN,
  { name: "strict UTF-8 alone, tolerant", reader: tolerant, believe: withOpenId },
  { name: "strict UTF-8 alone", reader: strict, believe: withOpenId },
  { name: "rawData for a unionId only, tolerant", reader: tolerant, believe: comparedForUnionId },
  { name: "rawData for a unionId only", reader: strict, believe: comparedForUnionId },
  { name: "rawData compared, any other members, tolerant", reader: tolerant, believe: compared },
  { name: "rawData compared, any other members", reader: strict, believe: compared },
  { name: "closed form, but any text as unionId", reader: closed, believe: withAnyUnionId },
];
