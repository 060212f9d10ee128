import type { IncomingMessage, ServerResponse } from "node:http";
import type { Request } from "express";
import { asError } from "../as-error.ts";
import { WechatLoginError } from "../errors.ts";
import { operatorWarnings } from "./operator-warnings.ts";
import type { MountableHandler } from "./routes.ts";

/** The host sees its own request: where Express is the host, it is one of Express. */
const hostsOwn = (req: IncomingMessage) => req as Request;

/**
 * Makes request handlers of functions that throw where a request is refused. Our own errors are answered in the
 * contract's form; those of the host's callbacks and of Redis go to the host's error handler untouched.
 */
export function answerWith(onError: ((error: WechatLoginError, req: Request) => unknown) | undefined) {
  const warnOperator = operatorWarnings();

  /** Tells the host's `onError`; without one, the operator. */
  async function report(error: WechatLoginError, req: IncomingMessage): Promise<void> {
    if (!onError) return warnOperator(error);
    try {
      await onError(error, hostsOwn(req));
    } catch (failure) {
      throw asError(failure, "onError");
    }
  }

  /** Answers an error of ours. Gives the Error that is the host's to answer, if there is one. */
  async function answerError(
    error: Error,
    req: IncomingMessage,
    res: ServerResponse,
  ): Promise<Error | undefined> {
    if (!(error instanceof WechatLoginError)) return error;
    try {
      await report(error, req);
      // By a timeout of the host's, or by onError: nothing can be added.
      if (res.headersSent) return error;
      sendError(res, error);
      return undefined;
    } catch (failure) {
      return asError(failure);
    }
  }

  /** Never calls `next` without an Error: Express would take that as leave to go on. */
  async function refuse(
    thrown: unknown,
    req: IncomingMessage,
    res: ServerResponse,
    next: (error: Error) => void,
  ): Promise<void> {
    const error = await answerError(asError(thrown), req, res);
    if (error) next(error);
  }

  return {
    refuse,
    /** Answers with the body that `handle` gives. */
    answer(handle: (req: Request, res: ServerResponse) => Promise<object>): MountableHandler {
      return async (req, res, next) => {
        try {
          sendJson(res, 200, await handle(hostsOwn(req), res));
        } catch (error) {
          await refuse(error, req, res, next);
        }
      };
    },
    /** Sends the browser to where `handle` says; an `error` beside it is told to the host. */
    redirect(
      handle: (req: Request, res: ServerResponse) => Promise<{ location: string; error?: WechatLoginError }>,
    ): MountableHandler {
      return async (req, res, next) => {
        try {
          const { location, error } = await handle(hostsOwn(req), res);
          if (error) await report(error, req);
          res.writeHead(302, { Location: location, "Content-Length": 0, "Cache-Control": "no-store" }).end();
        } catch (error) {
          await refuse(error, req, res, next);
        }
      };
    },
    /** Lets pass what `check` does not refuse. */
    admit(check: (req: IncomingMessage) => Promise<unknown>): MountableHandler {
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
  const payload = JSON.stringify(body);
  res.writeHead(status, {
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": Buffer.byteLength(payload),
    "Cache-Control": "no-store",
  });
  // A string leaves in one piece with the headers, a Buffer in two.
  res.end(payload);
}

function sendError(res: ServerResponse, error: WechatLoginError): void {
  if (error.retryAfter !== undefined) res.setHeader("Retry-After", String(error.retryAfter));
  sendJson(res, error.status, error);
}
