import type { IncomingMessage } from "node:http";
import { siteOf } from "../http/cross-site.ts";

const READING = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Whether a request may act by its cookie. A browser sends cookies for whoever makes it: what changes something must
 * come from a page of the own origin (CSRF).
 */
export function mayActByCookie(req: IncomingMessage, origin: string): boolean {
  return READING.has(String(req.method)) || siteOf(req, (sent) => sent === origin) === "own";
}
