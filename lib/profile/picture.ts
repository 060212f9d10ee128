/** A picture that someone sent, with the media type that its first bytes show. */
export interface Picture {
  bytes: Buffer;
  /** `image/png`, `image/jpeg`, `image/gif` or `image/webp`. */
  mediaType: string;
}

/** What a file of each type begins with, in hex. */
const SIGNATURES: [mediaType: string, pattern: RegExp][] = [
  ["image/png", /^89504e470d0a1a0a/],
  ["image/jpeg", /^ffd8ff/],
  ["image/gif", /^474946383[79]61/],
  ["image/webp", /^52494646.{8}57454250/],
];

/**
 * The picture in a file, told by its first bytes and not by its name or by what the client calls it; `undefined` for
 * everything else, SVG and HTML among it: they can hold scripts.
 */
export function pictureIn(bytes: Buffer): Picture | undefined {
  const head = bytes.toString("hex", 0, 12);
  const mediaType = SIGNATURES.find(([, pattern]) => pattern.test(head))?.[0];
  return mediaType === undefined ? undefined : { bytes, mediaType };
}
