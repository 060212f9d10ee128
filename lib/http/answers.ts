import type { ServerResponse } from "node:http";
import type { Request, RequestHandler } from "express";
import { WechatLoginError } from "../errors.ts";

/**
 * Makes request handlers of functions that return the answer's body or throw. Our own errors are answered in the
 * contract's form; those of the host's callbacks and of Redis go to the host's error handler untouched.
 */
export function answerWith(onError: ((error: WechatLoginError, req: Request) => unknown) | undefined) {
  return (handle: (req: Request) => Promise<object>): RequestHandler =>
    async (req, res, next) => {
      try {
        sendJson(res, 200, await handle(req));
      } catch (error) {
        if (!(error instanceof WechatLoginError)) return next(error);
        try {
          await onError?.(error, req);
        } catch (failure) {
          return next(failure);
        }
        sendError(res, error);
      }
    };
}

/** Logins are cached by nobody, neither by a proxy nor by the client. */
function sendJson(res: ServerResponse, status: number, body: object): void {
  const payload = Buffer.from(JSON.stringify(body));
  res.writeHead(status, {
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": payload.length,
    "Cache-Control": "no-store",
  });
  res.end(payload);
}

function sendError(res: ServerResponse, error: WechatLoginError): void {
  if (error.retryAfter !== undefined) res.setHeader("Retry-After", String(error.retryAfter));
  sendJson(res, error.status, {
    error: { code: error.code, message: error.message, ...publicErrcode(error) },
  });
}

/** How the operator's configuration is broken is nobody else's business: that errcode goes to `onError` only. */
function publicErrcode({ code, errcode }: WechatLoginError): { errcode?: number } {
  return errcode === undefined || code === "misconfigured" ? {} : { errcode };
}
