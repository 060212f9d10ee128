const MAX_LENGTH = 2048;
/** Nobody encodes a path more often. */
const MAX_LAYERS = 5;
/** A path made for it has four times as many in each layer, and reading them all would hold up everybody else. */
const MAX_READINGS = 16;
/** Backslashes are slashes to a browser; tabs and line breaks are dropped on the way. */
const TRICKS = /[\\\p{Cc}\p{Zl}\p{Zp}]/u;
/** Invisible characters: some are parts of emoji and of words, and some programs drop them. */
const INVISIBLE = /\p{Cf}/gu;
/** A percent sign that is text, as in `50%-off`; at the begin of a segment it is a broken escape. */
const TEXT_PERCENT = /(?<!\/)%(?![\da-f]{2})/gi;
const BROKEN_ESCAPE = /\/%(?![\da-f]{2})/i;
/** Encoded characters by the lengths of UTF-8; what is not of this form no decoder takes for a character. */
const ENCODED =
  /%[0-7][\da-f]|%[cd][\da-f]%[89ab][\da-f]|%e[\da-f](?:%[89ab][\da-f]){2}|%f[\da-f](?:%[89ab][\da-f]){3}/gi;

/**
 * Where on the own origin a login ends: a path as a browser will read it, or `undefined` for everything that could lead
 * elsewhere, in one or more layers of encoding.
 */
export function pathOf(returnTo: string, origin: string): string | undefined {
  if (returnTo.length > MAX_LENGTH || !isPlainPath(returnTo)) return undefined;
  // The parser of URLs is the browser's own: what it takes for another host is one.
  const url = new URL(returnTo, origin);
  const path = url.pathname.replace(TEXT_PERCENT, "%25");
  if (url.origin !== origin || BROKEN_ESCAPE.test(path) || !isDeepPlainPath(path)) return undefined;
  return path + url.search + url.hash;
}

/** The path with `error` in its query, for the page to show. The rest stays as the page wrote it, in whatever encoding. */
export function withError(path: string, code: string): string {
  const { pathname, search, hash } = new URL(path, "http://own");
  const others = search
    .slice(1)
    .split("&")
    .filter((pair) => pair !== "" && !new URLSearchParams(pair).has("error"));
  return `${pathname}?${[...others, `error=${encodeURIComponent(code)}`].join("&")}${hash}`;
}

function isPlainPath(path: string): boolean {
  return /^\/(?!\/)/.test(path) && !TRICKS.test(path);
}

/** A proxy or a router may decode once more before it redirects, and drop what is invisible, and resolve dots. */
function isDeepPlainPath(path: string): boolean {
  let layer = new Set([path]);
  for (let depth = 0; depth < MAX_LAYERS; depth++) {
    const readings = new Set([...layer].flatMap(readingsOf));
    if (readings.size > MAX_READINGS || ![...readings].every(isPlainPath)) return false;
    const decoded = [...readings].map(decode);
    if (decoded.includes(undefined)) return false;
    layer = new Set(decoded as string[]);
    if ([...layer].every((text) => readings.has(text))) return true;
  }
  return false;
}

/** One layer as different programs read it. */
function readingsOf(path: string): string[] {
  const visible = path.replace(INVISIBLE, "");
  return [path, visible, withoutDots(path), withoutDots(visible)];
}

/** The path alone, whatever `?` and `#` a layer has brought to light. */
function withoutDots(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split("/").slice(1)) {
    if (segment === "..") segments.pop();
    else if (segment !== ".") segments.push(segment);
  }
  return `/${segments.join("/")}`;
}

/** `undefined` for slashes in too many bytes and the like, which old decoders take. */
function decode(path: string): string | undefined {
  try {
    return path.replace(ENCODED, decodeURIComponent);
  } catch {
    return undefined;
  }
}
