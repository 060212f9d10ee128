import type { ServerResponse } from "node:http";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { WechatLoginError } from "../errors.ts";

/**
 * Makes request handlers of functions that throw where a request is refused. Our own errors are answered in the
 * contract's form; those of the host's callbacks and of Redis go to the host's error handler untouched.
 */
export function answerWith(onError: ((error: WechatLoginError, req: Request) => unknown) | undefined) {
  async function refuse(
    error: unknown,
    req: Request,
    res: ServerResponse,
    next: NextFunction,
  ): Promise<void> {
    if (!(error instanceof WechatLoginError)) return next(error);
    try {
      await onError?.(error, req);
    } catch (failure) {
      return next(failure);
    }
    sendError(res, error);
  }

  return {
    refuse,
    /** Answers with the body that `handle` gives. */
    answer(handle: (req: Request, res: Response) => Promise<object>): RequestHandler {
      return async (req, res, next) => {
        try {
          sendJson(res, 200, await handle(req, res));
        } catch (error) {
          await refuse(error, req, res, next);
        }
      };
    },
    /** Sends the browser to where `handle` says; an `error` beside it is told to the host. */
    redirect(
      handle: (req: Request, res: Response) => Promise<{ location: string; error?: WechatLoginError }>,
    ): RequestHandler {
      return async (req, res, next) => {
        try {
          const { location, error } = await handle(req, res);
          if (error) await onError?.(error, req);
          res.writeHead(302, { Location: location, "Content-Length": 0, "Cache-Control": "no-store" }).end();
        } catch (error) {
          await refuse(error, req, res, next);
        }
      };
    },
    /** Lets pass what `check` does not refuse. */
    admit(check: (req: Request) => Promise<unknown>): RequestHandler {
      return async (req, res, next) => {
        try {
          await check(req);
        } catch (error) {
          return await refuse(error, req, res, next);
        }
        next();
      };
    },
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
  sendJson(res, error.status, error);
}
