import type { IncomingMessage } from "node:http";
import type { Request } from "express";
import { WechatLoginError } from "../errors.ts";
import { oneLine } from "./one-line.ts";

/** A Mini Program always sends it, and cannot change it; no web page can send it. */
const MINI_PROGRAM_REFERER = "https://servicewechat.com/";

/**
 * From where a request comes, by the two headers that browsers set and pages cannot. `unknown` if there is neither: then
 * it comes from no browser, or from one that sends them with no request of this kind.
 */
export function siteOf(
  { headers: { origin, "sec-fetch-site": site } }: IncomingMessage,
  isOwnOrigin: (origin: string) => boolean,
): "own" | "foreign" | "unknown" {
  // What the browser says of itself decides: behind a proxy that changes Host, Origin may look foreign.
  if (site === "same-origin") return "own";
  if (site !== undefined && site !== "none") return "foreign";
  // Browsers before 2023 send Origin only. "none" is a person's own doing: typed, or from a bookmark.
  if (origin === undefined) return site === "none" ? "own" : "unknown";
  return isOwnOrigin(origin) ? "own" : "foreign";
}

/**
 * For requests after which the host may set a cookie: another website's form would sign its visitors in as somebody else
 * (login CSRF). The DevTools send `Sec-Fetch-Site: cross-site` together with a Mini Program's Referer.
 *
 * @throws {WechatLoginError} `cross_site`
 */
export function refuseCrossSite(req: IncomingMessage): void {
  const { referer, origin = "absent", "sec-fetch-site": site = "absent" } = req.headers;
  if (referer?.startsWith(MINI_PROGRAM_REFERER)) return;
  if (siteOf(req, (origin) => isOriginOfHost(origin, req)) !== "foreign") return;
  const host = hostOf(req) || "absent";
  throw new WechatLoginError(
    "cross_site",
    "The request comes from another website: only a Mini Program and pages of this host may log in.",
    {
      cause: new Error(
        `Origin: ${oneLine(origin)}, Sec-Fetch-Site: ${oneLine(site)}, Host: ${oneLine(host)}`,
      ),
    },
  );
}

/** Whether an origin is the one that this request was sent to, as far as a process behind a proxy can know. */
function isOriginOfHost(origin: string, req: IncomingMessage): boolean {
  const url = parse(origin);
  // Express says so by X-Forwarded-Proto of a proxy that it trusts; an http page is not the own one then.
  if (!url || ((req as Request).secure && url.protocol !== "https:")) return false;
  const hosts = ownHostsOf(req).map((host) => parse(`${url.protocol}//${host}`)?.host);
  // A Host without a port says nothing of the port: proxies leave it out.
  return hosts.includes(url.host) || hosts.includes(url.hostname);
}

/** `Host`, and the host that a proxy tells whom Express trusts; of the latter Express gives no port. */
function ownHostsOf(req: IncomingMessage & { hostname?: string }): string[] {
  const host = hostOf(req);
  const { hostname = "" } = req;
  const isOfHost = hostname === "" || `${host}:`.startsWith(`${hostname}:`);
  return isOfHost ? [host] : [host, hostname];
}

/** HTTP/2 has a name of its own for it, which HTTP/1 does not allow. */
function hostOf({ headers }: IncomingMessage): string {
  return String(headers.host ?? headers[":authority"] ?? "");
}

function parse(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}
