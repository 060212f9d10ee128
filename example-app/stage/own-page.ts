import { isIP } from "node:net";
import type { Request, RequestHandler } from "express";

const READS = ["GET", "HEAD"];

/**
 * Lets only the page itself use the stage. Another website's page could otherwise end its Redis or sign people in: by a
 * request that the browser sends across sites, or under a name of its own that leads to this machine (DNS rebinding).
 *
 * @param publicUrl where the browser finds the example
 */
export function ownPageOnly(publicUrl: string): RequestHandler {
  const names = ["localhost", new URL(publicUrl).hostname];
  // An address of digits cannot be rebound: the browser would have to be there already.
  const isOwnHost = (host: string) => names.includes(host) || isIP(host.replace(/^\[|\]$/g, "")) > 0;

  return (req, res, next) => {
    const refuse = (message: string) => void res.status(403).json({ error: { code: "foreign", message } });
    if (!isOwnHost(urlOf(`http://${req.headers.host}`).hostname)) {
      return refuse(`Set PUBLIC_URL if browsers reach this server as ${req.headers.host}.`);
    }
    if (READS.includes(req.method) || isOwnPage(req, publicUrl)) return next();
    refuse("Only the page itself may do this.");
  };
}

/** Clients other than browsers send neither of the two headers. */
function isOwnPage({ headers }: Request, publicUrl: string): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin" || site === "none";
  const { origin, host } = headers;
  if (origin === undefined) return true;
  return origin === new URL(publicUrl).origin || urlOf(origin).host === host;
}

/** One that belongs to nobody, if it is none. */
function urlOf(text: string): URL {
  return new URL(URL.canParse(text) ? text : "none://nobody.invalid");
}
