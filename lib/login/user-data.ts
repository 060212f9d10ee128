import { createDecipheriv, createHash, timingSafeEqual } from "node:crypto";
import { WechatLoginError } from "../errors.ts";
import { type Known, knownIn } from "./requirements.ts";

/** User data as a phone sends it: `e.detail` of the button, or what `wx.getUserInfo` gave. */
export interface SealedUserData {
  /** base64; AES-128-CBC, PKCS#7 (加密数据). */
  encryptedData: string;
  /** base64 of 16 bytes (初始向量). */
  iv: string;
  /** The client's `rawData` string, byte for byte; goes with `signature`. */
  rawData?: string | undefined;
  /** hex `sha1(rawData + session_key)` (数据签名). */
  signature?: string | undefined;
}

/** Whose data it must be: what code2Session said. */
export interface Expected {
  appId: string;
  openid: string;
  sessionKey: string;
}

/** What was sealed: WeChat's own names, and more of them as time goes by. */
export type UserData = Record<string, unknown>;

/**
 * Opens encryptedData (加密数据解密) and believes it only if it was sealed for this Mini Program, for this user and
 * just now.
 *
 * @param maxAge seconds that the watermark may be away from our clock
 * @throws {WechatLoginError} `invalid_user_data`, the same for every way to fail: an attacker who can tell bad
 *   padding from bad JSON can forge a whole payload without the key (padding oracle)
 */
export function openUserData(sealed: SealedUserData, expected: Expected, maxAge: number): UserData {
  try {
    const data = decrypt(sealed, expected.sessionKey);
    checkSignature(sealed, expected.sessionKey);
    checkWatermark(data.watermark, expected.appId, maxAge);
    // wx.getUserProfile and the phone button seal no openId; where there is one, it must be this user's.
    if (data.openId !== undefined && data.openId !== expected.openid)
      throw new Error("openId belongs to another user");
    return data;
  } catch (cause) {
    throw new WechatLoginError("invalid_user_data", "The user data cannot be opened: call wx.login again.", {
      cause: new Error(reasonOf(cause)),
    });
  }
}

/**
 * What opened data says of the user. A `unionId` counts only beside an `openId`, which has been compared: CBC has no
 * MAC, so whoever flips bits of the iv can rename the first 16 bytes of the plaintext, where `openId` stands.
 */
export function knownInUserData(data: UserData): Known {
  const { openId, unionId, nickName, avatarUrl } = data;
  const unionid = openId === undefined ? undefined : unionId;
  return knownIn({ unionid, nickName, avatarUrl, ...phoneNumberIn(data) });
}

/**
 * A phone number counts only where its three fields say the same. Whoever knows the plaintext of data of their own can
 * choose the first 16 bytes of what is opened by the iv, and begin at any block: `{"phoneNumber":"` has 16 bytes, and a
 * nickname behind it may hold any number.
 */
function phoneNumberIn({ phoneNumber, purePhoneNumber, countryCode }: UserData): Known {
  // A string here, although WeChat was seen to send a number.
  const country = String(countryCode);
  const isWhole = /^\+?[\d-]+$/.test(String(phoneNumber)) && /^\d+$/.test(country);
  if (!isWhole || !/^[\d-]+$/.test(String(purePhoneNumber))) return {};
  const [number, pure] = [String(phoneNumber), String(purePhoneNumber)];
  return number.endsWith(pure) ? { phoneNumber: number, purePhoneNumber: pure, countryCode: country } : {};
}

function decrypt({ encryptedData, iv }: SealedUserData, sessionKey: string): UserData {
  // AES takes the decoded 16 bytes of the key; signatures take the string.
  const decipher = createDecipheriv("aes-128-cbc", base64(sessionKey), base64(iv));
  const plaintext = Buffer.concat([decipher.update(base64(encryptedData)), decipher.final()]);
  // A wrong key passes the padding check once in 227 times: the parse belongs to the same guarded block.
  const data: unknown = JSON.parse(plaintext.toString("utf8"));
  if (typeof data !== "object" || data === null) throw new Error("no JSON object inside");
  return data as UserData;
}

/** A "+" that became a blank on the way, in a hand-built query string, is turned back: base64 has no blanks. */
function base64(text: string): Buffer {
  return Buffer.from(text.replaceAll(" ", "+"), "base64");
}

function checkSignature({ rawData, signature }: SealedUserData, sessionKey: string): void {
  if (rawData === undefined || signature === undefined) return;
  const expected = createHash("sha1").update(rawData).update(sessionKey).digest("hex");
  // Equal lengths first: timingSafeEqual throws otherwise, and a length is no secret.
  if (!isSame(signature, expected)) throw new Error("signature does not match rawData");
}

function checkWatermark(watermark: unknown, appId: string, maxAge: number): void {
  const { appid, timestamp } = (watermark ?? {}) as { appid?: unknown; timestamp?: unknown };
  if (appid !== appId) throw new Error("watermark.appid is another app's");
  // Seconds; seen as a string, too. Both directions: a clock may be wrong either way.
  const age = Math.abs(Date.now() / 1000 - Number(timestamp));
  if (!(age <= maxAge))
    throw new Error(`watermark.timestamp is ${Math.round(age)} s away from this server's clock`);
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** For the operator. Messages of JSON.parse quote what they parsed, and that is the user's own data: not those. */
function reasonOf(cause: unknown): string {
  return cause instanceof SyntaxError ? "no JSON inside" : (cause as Error).message;
}
