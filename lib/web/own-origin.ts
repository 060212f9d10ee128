import type { IncomingMessage } from "node:http";
import { siteOf } from "../http/cross-site.ts";

const READING = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Whether a request may act by its cookie. A browser sends cookies for whoever makes it: what changes something must
 * come from a page of the own origin (CSRF).
 */
export function mayActByCookie(req: IncomingMessage, origin: string): boolean {
  // A WebSocket begins with a GET, and what is sent over it may change anything.
  const isReading = READING.has(String(req.method)) && !/websocket/i.test(req.headers.upgrade ?? "");
  return isReading || siteOf(req, (sent) => sent === origin) === "own";
}
