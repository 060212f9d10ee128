const MAX_LENGTH = 2048;
/** Backslashes are slashes to a browser; tabs, line breaks and invisible characters are dropped on the way. */
const TRICKS = /[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/**
 * Where on the own origin a login ends: a path as a browser will read it, or `undefined` for everything that could lead
 * elsewhere, in one or more layers of encoding.
 */
export function pathOf(returnTo: string, origin: string): string | undefined {
  if (returnTo.length > MAX_LENGTH || !isPlainPath(returnTo)) return undefined;
  // The parser of URLs is the browser's own: what it takes for another host is one.
  const url = new URL(returnTo, origin);
  if (url.origin !== origin || !isDeepPlainPath(url.pathname)) return undefined;
  return url.pathname + url.search + url.hash;
}

/** The path with `error` in its query, for the page to show. */
export function withError(path: string, code: string): string {
  const url = new URL(path, "http://own");
  url.searchParams.set("error", code);
  return url.pathname + url.search + url.hash;
}

function isPlainPath(path: string): boolean {
  return path.startsWith("/") && !path.startsWith("//") && !TRICKS.test(path);
}

/** A proxy or a router may decode once more before it redirects. */
function isDeepPlainPath(path: string): boolean {
  if (!isPlainPath(path)) return false;
  try {
    const decoded = decodeURIComponent(path);
    return decoded === path || isDeepPlainPath(decoded);
  } catch {
    return false;
  }
}
