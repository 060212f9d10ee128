import { createDecipheriv, hash, timingSafeEqual } from "node:crypto";
import { WechatLoginError } from "../errors.ts";
import { parseStrictJson } from "./strict-json.ts";
import { closedKind, type Expectations, type Members, type OpenedUserData } from "./user-data-kinds.ts";

/** User data as a phone sends it: `e.detail` of the button, or what `wx.getUserInfo` gave. */
export interface SealedUserData {
  /** base64; AES-128-CBC, PKCS#7 (加密数据). */
  encryptedData: string;
  /** base64 of 16 bytes (初始向量). */
  iv: string;
  /** The client's `rawData` string, byte for byte; goes with `signature`. A profile is believed with both only. */
  rawData?: string | undefined;
  /** hex `sha1(rawData + session_key)` (数据签名). */
  signature?: string | undefined;
}

/** Whose data it must be: what code2Session said. */
export interface Expected extends Expectations {
  appId: string;
  sessionKey: string;
}

/** What was sealed, under WeChat's own names. */
export type UserData = Record<string, unknown>;

/**
 * Opens encryptedData (加密数据解密) and believes it only if it was sealed for this Mini Program, for this user and
 * just now, and if it is one of the four closed kinds of {@link closedKind}.
 *
 * @param maxAge seconds that the watermark may differ from our clock
 * @throws {WechatLoginError} `invalid_user_data`, the same for every failure: an attacker who can tell bad padding from
 *   bad JSON can forge a whole payload without the key (padding oracle)
 */
export function openUserData(sealed: SealedUserData, expected: Expected, maxAge: number): OpenedUserData {
  try {
    const opened = parseStrictJson(decrypt(sealed, expected.sessionKey));
    const rawData = signedRawData(sealed, expected.sessionKey);
    checkWatermark(opened.get("watermark"), expected.appId, maxAge);
    return closedKind(opened, rawData, expected);
  } catch (cause) {
    throw invalidUserData((cause as Error).message);
  }
}

/** In the place of OpenSSL's words ("bad decrypt"), which name no cause: by far the likeliest one. */
const NOT_OPENED = "sealed with another session_key: did the client call wx.login in between?";

/** The one answer for all user data that cannot be believed. @param reason for the operator */
export function invalidUserData(reason: string): WechatLoginError {
  return new WechatLoginError("invalid_user_data", "The user data cannot be opened: call wx.login again.", {
    cause: new Error(reason),
  });
}

function decrypt({ encryptedData, iv }: SealedUserData, sessionKey: string): Buffer {
  // AES takes the decoded 16 bytes of the key; signatures take the string. A wrong key passes the padding check once in
  // 255 times: only the JSON behind it tells.
  try {
    const decipher = createDecipheriv("aes-128-cbc", base64(sessionKey), base64(iv));
    return Buffer.concat([decipher.update(base64(encryptedData)), decipher.final()]);
  } catch {
    throw new Error(NOT_OPENED);
  }
}

/** Blanks were a "+" before a hand-built query string: base64 has no blanks. */
function base64(text: string): Buffer {
  return Buffer.from(text.replaceAll(" ", "+"), "base64");
}

/** The members of `rawData`, for which WeChat vouches by `signature`. */
function signedRawData({ rawData, signature }: SealedUserData, sessionKey: string): Members | undefined {
  if (rawData === undefined && signature === undefined) return undefined;
  // The bytes, not the string: a half of a surrogate pair is hashed as U+FFFD, and would be parsed as something else.
  const bytes = Buffer.from(`${rawData}`);
  const expected = hash("sha1", Buffer.concat([bytes, Buffer.from(sessionKey)]), "hex");
  if (!isSame(`${signature}`, expected)) throw new Error("signature does not match rawData");
  return parseStrictJson(bytes);
}

function checkWatermark(watermark: unknown, appId: string, maxAge: number): void {
  const { appid, timestamp, ...others } = Object(watermark);
  if (appid !== appId) throw new Error("watermark.appid is another app's");
  if (Object.keys(others).length > 0) throw new Error("watermark has other members");
  // Seconds; seen as a string, too. Both directions: a clock may be wrong either way.
  const isText = typeof timestamp === "string" && /^\d+$/.test(timestamp);
  const seconds = isText || Number.isInteger(timestamp) ? Number(timestamp) : Number.NaN;
  const age = Math.abs(Date.now() / 1000 - seconds);
  if (!(age <= maxAge))
    throw new Error(`watermark.timestamp is ${Math.round(age)} s away from this server's clock`);
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  // A length is no secret, and timingSafeEqual throws if the lengths differ.
  return a.length === b.length && timingSafeEqual(a, b);
}
