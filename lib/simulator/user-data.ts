import { createCipheriv, createHash, randomBytes } from "node:crypto";

/** User data as WeChat seals it for the developer's server. */
export interface Sealed {
  /** base64 of AES-128-CBC with PKCS#7. */
  encryptedData: string;
  /** base64 of 16 random bytes. */
  iv: string;
}

/** Seals any object the way WeChat seals user data. */
export function seal(data: object, sessionKey: string, iv = randomBytes(16)): Sealed {
  const cipher = createCipheriv("aes-128-cbc", Buffer.from(sessionKey, "base64"), iv);
  const bytes = Buffer.concat([cipher.update(JSON.stringify(data), "utf8"), cipher.final()]);
  return { encryptedData: bytes.toString("base64"), iv: iv.toString("base64") };
}

/** WeChat's signature over `rawData`: the session_key goes in as the string it is, not decoded. */
export function sign(rawData: string, sessionKey: string): string {
  return createHash("sha1")
    .update(rawData + sessionKey)
    .digest("hex");
}
