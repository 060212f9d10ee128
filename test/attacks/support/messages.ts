import { isUtf8 } from "node:buffer";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** Data that WeChat sealed for the attacker: they know the plaintext, and so what each block decrypts to. */
export interface Message {
  text: string;
  /** The iv and the ciphertext. */
  sealed: Buffer;
  /** With its padding. */
  plain: Buffer;
}

const BLOCK = 16;

/** Seals a text as WeChat does, under a new iv. */
export function message(key: Buffer, text: string): Message {
  const iv = randomBytes(BLOCK);
  const cipher = createCipheriv("aes-128-cbc", key, iv);
  const sealed = Buffer.concat([iv, cipher.update(text, "utf8"), cipher.final()]);
  const bytes = Buffer.from(text);
  const padding = BLOCK - (bytes.length % BLOCK);
  return { text, sealed, plain: Buffer.concat([bytes, Buffer.alloc(padding, padding)]) };
}

/** What the server decrypts; nothing if the padding is wrong. */
export function decrypted(key: Buffer, sealed: Buffer): Buffer | undefined {
  const decipher = createDecipheriv("aes-128-cbc", key, sealed.subarray(0, BLOCK));
  const bytes = decipher.update(sealed.subarray(BLOCK));
  try {
    return Buffer.concat([bytes, decipher.final()]);
  } catch {
    return undefined;
  }
}

/** The blocks from one to the one before another; the iv is block -1. */
export function blocks({ sealed }: Message, from: number, to?: number): Buffer {
  return sealed.subarray((from + 1) * BLOCK, to === undefined ? undefined : (to + 1) * BLOCK);
}

/** A block of one's own, and behind it a block of a message, which opens as 16 bytes of one's choice. */
export function opensAs(from: Message, index: number, wanted: string): Buffer {
  return Buffer.concat([xor(decryption(from, index), Buffer.from(wanted)), blocks(from, index, index + 1)]);
}

/** What a block decrypts to before the block in front of it is added; its owner knows it. */
export function decryption(from: Message, index: number): Buffer {
  return xor(from.plain.subarray(index * BLOCK, (index + 1) * BLOCK), blocks(from, index - 1, index));
}

export function xor(a: Buffer, b: Buffer): Buffer {
  const result = Buffer.allocUnsafe(BLOCK);
  for (let i = 0; i < BLOCK; i++) result[i] = Number(a[i]) ^ Number(b[i]);
  return result;
}

/** Characters up to the end of a block. */
export function fillerBehind(beginning: string): string {
  return "-".repeat((BLOCK - (Buffer.byteLength(beginning) % BLOCK)) % BLOCK);
}

/** The number of the block at whose end the plaintext is inside a value. */
export function blockInside(text: string, value: string): number {
  const start = text.lastIndexOf(value);
  const index = Math.ceil(start / BLOCK) - 1;
  if (start < 0 || (index + 1) * BLOCK > start + value.length) throw new Error(`No block ends in ${value}`);
  return index;
}

/** What kinds of message a jump leads from and to, and where it leaves the one and enters the other. */
export interface JumpPlan {
  fromText: string;
  /** The last block before the jump. */
  last: number;
  toText: string;
  /** The first block behind it, which opens as garbage. */
  first: number;
}

/**
 * Seeks, offline, two messages for a jump whose garbage is harmless text: the attacker asks WeChat for messages until a pair
 * is found, once in about 400,000 pairs.
 */
export function findJump(key: Buffer, { fromText, last, toText, first }: JumpPlan) {
  const froms = Array.from({ length: 2000 }, () => message(key, fromText));
  const ends = froms.map((from) => blocks(from, last, last + 1));
  for (;;) {
    const to = message(key, toText);
    const opened = decryption(to, first);
    const from = froms[ends.findIndex((end) => isHarmless(opened, end))];
    if (from) return { from, to };
  }
}

/** Whether a garbage block can stand in a JSON string. */
export function isHarmless(opened: Buffer, end: Buffer): boolean {
  for (let i = 0; i < BLOCK; i++) {
    const byte = Number(opened[i]) ^ Number(end[i]);
    if (byte < 0x20 || byte === 0x22 || byte === 0x5c || byte > 0xf4) return false;
  }
  return isUtf8(xor(opened, end));
}
