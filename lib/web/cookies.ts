import type { IncomingMessage } from "node:http";

/** One cookie of ours. Its values are tokens, which need no encoding. */
export interface Cookie {
  /** The value that a request carries; a name that comes twice was planted once, so that neither counts. */
  read(req: IncomingMessage): string | undefined;
  /** The `Set-Cookie` that keeps a value. */
  keep(value: string): string;
  /** The `Set-Cookie` that forgets it. */
  forget(): string;
}

/** 400 days, the longest that browsers keep a cookie: it is the server that says when its value is over. */
const MAX_AGE = 400 * 24 * 60 * 60;

/**
 * The only blanks around a cookie's name and value (RFC 6265). `trim()` takes others away, U+00A0 for example: a browser
 * lets any subdomain set the name `\xA0__Host-…`, which has no prefix that it knows, and trimmed it would be ours.
 */
const LEADING_BLANKS = /^[\t ]+/;
const VALUE = /^([^\t ]*)[\t ]*$/;

/**
 * A cookie that no script reads and no other site's form brings along. Behind HTTPS its name has the prefix `__Host-`:
 * then no subdomain and no plain HTTP can plant one.
 */
export function cookieOf(name: string, isSecure: boolean, maxAge = MAX_AGE): Cookie {
  const fullName = isSecure ? `__Host-${name}` : name;
  const attributes = `Path=/; HttpOnly; SameSite=Lax${isSecure ? "; Secure" : ""}`;
  return {
    read({ headers }) {
      const pairs = (headers.cookie ?? "").split(";").map((pair) => pair.replace(LEADING_BLANKS, ""));
      const [mine, another] = pairs.filter((pair) => pair.startsWith(`${fullName}=`));
      if (mine === undefined || another !== undefined) return undefined;
      return VALUE.exec(mine.slice(fullName.length + 1))?.[1];
    },
    keep: (value) => `${fullName}=${value}; Max-Age=${maxAge}; ${attributes}`,
    forget: () => `${fullName}=; Max-Age=0; ${attributes}`,
  };
}
