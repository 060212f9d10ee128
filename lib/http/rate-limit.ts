import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { isIP } from "node:net";
import type { NextFunction, Request, Response } from "express";
import { ipKeyGenerator, rateLimit } from "express-rate-limit";
import { asError } from "../as-error.ts";
import { WechatLoginError } from "../errors.ts";
import { seeSection, warnOnce } from "../warnings.ts";
import type { MountableHandler } from "./routes.ts";

/** How many requests an address may send; `false` for hosts that limit them elsewhere. */
export type RateLimitOption = { limit?: number | undefined; window?: number | undefined } | false;

/** What the limit needs of the world. */
export interface RateLimitPorts {
  /** Requests of one address in one window. */
  limit: number;
  /** Seconds. */
  window: number;
  /** Counts one more request of an address; one command. The numbers are what the host's Redis client makes of them. */
  count(address: string, window: number): Promise<{ count: unknown; ms: unknown }>;
  /** Answers a request that is one too many. */
  refuse(error: WechatLoginError, req: Request, res: Response, next: NextFunction): unknown;
}

/**
 * Limits requests by the address that Express says (`req.ip`, by the app's `trust proxy`), with the standard `RateLimit`
 * headers. An IPv6 user has a whole /56 of addresses: it counts as one. Errors of the store go to the host.
 */
export function rateLimiter({ limit, window, count, refuse }: RateLimitPorts): MountableHandler {
  const limiter = rateLimit({
    windowMs: window * 1000,
    limit,
    standardHeaders: "draft-8",
    legacyHeaders: false,
    identifier: "wechat-login",
    keyGenerator: (req) => ipKeyGenerator(addressOf(req)),
    // They would be printed; a library has nothing to print. What matters of them is in the error's cause.
    validate: false,
    store: {
      async increment(address) {
        // A failure with nothing would be passed on as `next(undefined)`, which lets the request go on uncounted.
        const { count: hits, ms } = await count(hashOf(address), window).catch((thrown) => {
          throw asError(thrown, "Redis");
        });
        const resetTime = new Date(Date.now() + aboveZero(ms, window * 1000));
        return { totalHits: aboveZero(hits, 1), resetTime };
      },
      // Nothing of ours takes a request back; the type wants them to be there.
      /* c8 ignore next 2 */
      decrement() {},
      resetKey() {},
    },
    handler(req, res, next) {
      const { resetTime } = (req as Request & { rateLimit: { resetTime: Date } }).rateLimit;
      const retryAfter = Math.max(1, Math.ceil((resetTime.getTime() - Date.now()) / 1000));
      void refuse(rateLimited(retryAfter, req), req, res, next);
    },
  });
  return (req, res, next) => {
    if (isProxyUnknown(req as Request)) warnOfProxy((req as Request).app ?? limiter);
    limiter(req as Request, withAppend(res), next);
  };
}

/** An address with the port that some load balancers write behind it: `203.0.113.9:51000`, `[2001:db8::1]:51000`. */
const WITH_PORT = /^(?:\[([^\]]*)\]|([\d.]*))(?::\d*)?$/;

/**
 * The address that a request counts under. On node:http nobody has worked out an `ip`, and what a proxy wrote may be no
 * address: then it is that of the connection. Behind a Unix socket there is none: all count as one.
 */
function addressOf({ ip = "", socket }: IncomingMessage & { ip?: string | undefined }): string {
  const [, v6, v4] = WITH_PORT.exec(ip) ?? [];
  // Without the zone of a link-local address: "fe80::1%eth0".
  const address = (v6 ?? v4 ?? ip).replace(/%.*/s, "");
  return isIP(address) > 0 ? address : (socket.remoteAddress ?? "");
}

/** ioredis gives strings with `stringNumbers`, and other clients what they like. */
function aboveZero(value: unknown, otherwise: number): number {
  const number = Number(value);
  return number > 0 && number < Infinity ? number : otherwise;
}

/** Of Express's response the limiter uses this one method; on node:http it is Node's own under another name. */
function withAppend(res: ServerResponse): Response {
  return ("append" in res ? res : Object.assign(res, { append: res.appendHeader })) as Response;
}

/** A proxy has written down the user's address, and nobody reads it: all its users count as one. */
function isProxyUnknown({ app, ip, headers }: Request): boolean {
  if (headers["x-forwarded-for"] === undefined) return false;
  return app ? !app.get("trust proxy") : ip === undefined;
}

const PROXY_UNKNOWN =
  'X-Forwarded-For is there, but the app has no "trust proxy", so that all users behind the proxy count as one';

/** @param app whose setting it is */
function warnOfProxy(app: object): void {
  const cure = 'app.set("trust proxy", 1) for one proxy; on node:http set req.ip; or rateLimit: false.';
  const message = `wechatLogin: ${PROXY_UNKNOWN} for rateLimit. ${cure} ${seeSection("rate_limited")}.`;
  warnOnce(app, "WECHAT_LOGIN_TRUST_PROXY", message);
}

function rateLimited(retryAfter: number, req: Request): WechatLoginError {
  const hint = isProxyUnknown(req) ? `: ${PROXY_UNKNOWN}` : "";
  return new WechatLoginError("rate_limited", "Too many requests from this address: try again later.", {
    retryAfter,
    cause: new Error(`more requests than rateLimit allows${hint}`),
  });
}

/** Who reads the keys of the store reads no addresses of users at once. */
function hashOf(address: string): string {
  return createHash("sha256").update(address).digest("base64url").slice(0, 22);
}
