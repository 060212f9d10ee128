import type { IncomingMessage, ServerResponse } from "node:http";
import { asError } from "../as-error.ts";
import { WechatLoginError } from "../errors.ts";

/** A request handler for `app.use` and for the routes of Express 4 and 5, and for `node:http`. */
export type MountableHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => unknown;

/** Answers a request that is refused. */
export type Refuse = (
  error: WechatLoginError,
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => unknown;

/**
 * Sends each request to the handler of its method and path, and every other request on to the host. As in Express, upper
 * and lower case and a slash at the end make no difference, and HEAD is a GET. Another method on one of the paths is
 * answered 405: the default method of `wx.request` is GET. Nothing but Node's own `req` and `res` is used: this can be
 * mounted on Express 4 and 5, and on `node:http`.
 */
export function routes(handlers: Record<string, MountableHandler>, refuse: Refuse): MountableHandler {
  const table = new Map(Object.entries(handlers));
  const methods = methodsByPath([...table.keys()]);
  return (req, res, next) => {
    const path = pathOf(req);
    const handler = table.get(`${req.method === "HEAD" ? "GET" : req.method} ${path}`);
    if (handler) return handler(req, res, next);
    const allowed = methods.get(path);
    if (allowed === undefined || isHosts(req)) return next();
    res.setHeader("Allow", allowed.join(", "));
    return refuse(methodNotAllowed(req, allowed), req, res, next);
  };
}

/**
 * A preflight of CORS is for the host's middleware. And on an Express app itself, without a path of its own, the host may
 * have pages at the same paths: `GET /login`.
 */
function isHosts(req: IncomingMessage & { baseUrl?: string }): boolean {
  return req.method === "OPTIONS" || req.baseUrl === "";
}

function methodNotAllowed({ method }: IncomingMessage, allowed: string[]): WechatLoginError {
  return new WechatLoginError(
    "method_not_allowed",
    `${method} is the wrong method here: send ${allowed[0]}. (wx.request sends GET where no method is given.)`,
  );
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

/** Some proxies name the whole URL, and Express leaves it so: `http://host/login`. */
const ORIGIN = /^https?:\/\/[^/?]*/;

function pathOf({ url = "" }: IncomingMessage): string {
  const [path = ""] = url.toLowerCase().replace(ORIGIN, "").split("?", 1);
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

/** What `Allow` says of each path. */
function methodsByPath(keys: string[]): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const key of keys) {
    const [method = "", path = ""] = key.split(" ");
    methods.set(path, [...(methods.get(path) ?? []), ...(method === "GET" ? ["GET", "HEAD"] : [method])]);
  }
  return methods;
}
