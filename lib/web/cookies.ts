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
 * A cookie that no script reads and no other site's form brings along. Behind HTTPS its name has the prefix `__Host-`:
 * then no subdomain and no plain HTTP can plant one.
 */
export function cookieOf(name: string, isSecure: boolean): Cookie {
  const fullName = isSecure ? `__Host-${name}` : name;
  const attributes = `Path=/; HttpOnly; SameSite=Lax${isSecure ? "; Secure" : ""}`;
  return {
    read({ headers }) {
      const pairs = (headers.cookie ?? "").split(";").map((pair) => pair.trim());
      const [mine, another] = pairs.filter((pair) => pair.startsWith(`${fullName}=`));
      return another === undefined ? mine?.slice(fullName.length + 1) : undefined;
    },
    keep: (value) => `${fullName}=${value}; Max-Age=${MAX_AGE}; ${attributes}`,
    forget: () => `${fullName}=; Max-Age=0; ${attributes}`,
  };
}
