import type { IncomingMessage } from "node:http";

const READING = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Whether a request may act by its cookie. A browser sends cookies for whoever makes it: what changes something must
 * come from a page of the own origin (CSRF), and both headers are out of a page's reach.
 */
export function mayActByCookie({ method, headers }: IncomingMessage, origin: string): boolean {
  // A WebSocket begins with a GET, and what is sent over it may change anything.
  const isWebSocket = /websocket/i.test(headers.upgrade ?? "");
  if (READING.has(String(method)) && !isWebSocket) return true;
  const site = headers["sec-fetch-site"];
  // Browsers before 2023 send Origin only. "none" is a person's own doing: typed, or from a bookmark.
  return site === undefined ? headers.origin === origin : site === "same-origin" || site === "none";
}
