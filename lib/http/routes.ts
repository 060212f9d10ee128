import type { IncomingMessage, ServerResponse } from "node:http";
import { asError } from "../as-error.ts";

/** A request handler for `app.use` and for the routes of Express 4 and 5, and for `node:http`. */
export type MountableHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => unknown;

/**
 * Sends each request to the handler of its method and path, and every other request on to the host. As in Express, upper
 * and lower case and a slash at the end make no difference, and HEAD is a GET. Nothing but Node's own `req` and `res` is
 * used: this can be mounted on Express 4 and 5, and on `node:http`.
 */
export function routes(handlers: Record<string, MountableHandler>): MountableHandler {
  const table = new Map(Object.entries(handlers));
  return (req, res, next) => {
    const handler = table.get(routeOf(req));
    return handler ? handler(req, res, next) : next();
  };
}

/** The same handlers, each of them after `first`, if there is one. */
export function behind(
  first: MountableHandler | undefined,
  handlers: Record<string, MountableHandler>,
): Record<string, MountableHandler> {
  if (!first) return handlers;
  const after =
    (handler: MountableHandler): MountableHandler =>
    (req, res, next) =>
      first(req, res, (error) => (error === undefined ? handler(req, res, next) : next(asError(error))));
  return Object.fromEntries(Object.entries(handlers).map(([route, handler]) => [route, after(handler)]));
}

function routeOf({ method, url = "" }: IncomingMessage): string {
  const [path = ""] = url.toLowerCase().split("?", 1);
  return `${method === "HEAD" ? "GET" : method} ${path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path}`;
}
