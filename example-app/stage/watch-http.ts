import type { IncomingMessage } from "node:http";
import type { RequestHandler, Response } from "express";
import type { Messages } from "./messages.ts";
import { boxOf } from "./secret-box.ts";

/** Tells each request of the phone or the browser, and its answer, from the middle between them and the routers. */
export function watchHttp({ tell, tellChange }: Messages): RequestHandler {
  return (req, res, next) => {
    const path = req.url.replace(/\?.*/s, "");
    const request = { request: `${req.method} ${req.originalUrl}`, ...credentialsOf(req), body: req.body };
    const upload = /^multipart\//.test(req.headers["content-type"] ?? "");
    const body = upload ? `multipart/form-data, ${req.headers["content-length"]} bytes` : req.body;
    tell({
      from: "phone",
      to: "server",
      title: `${req.method} ${path}`,
      detail: { ...request, body },
    });
    onAnswer(res, (text) => {
      const { statusCode: status } = res;
      const detail = { status, ...headersOf(res), body: parsed(text) };
      const title = [status, wordOf(parsed(text))].join(" ");
      tell({ from: "server", to: "phone", title, detail, isAnswer: true, hasFailed: status >= 400 });
      tellChange();
    });
    next();
  };
}

function onAnswer(res: Response, tellAnswer: (text: string) => void): void {
  // Node remembers the headers of writeHead() only where one was set before.
  res.setHeader("Cache-Control", "no-store");
  const end = res.end.bind(res) as (...given: unknown[]) => Response;
  res.end = (...given: unknown[]) => {
    const [chunk] = given;
    const done = end(...given);
    tellAnswer(chunk instanceof Uint8Array || typeof chunk === "string" ? chunk.toString() : "");
    return done;
  };
}

/** The phone knows its own session token; a cookie of the website is HttpOnly, so that no page ever knows it. */
function credentialsOf({ headers }: IncomingMessage): object {
  const { authorization, cookie } = headers;
  return { ...(authorization && { authorization }), ...(cookie && { cookie: lockedCookies(cookie) }) };
}

function headersOf(res: Response): object {
  const [location, cookies] = [res.getHeader("Location"), res.getHeader("Set-Cookie")];
  return {
    ...(location && { location }),
    ...(cookies && { setCookie: [cookies].flat().map(lockedCookies) }),
  };
}

function lockedCookies(text: unknown): string {
  return String(text).replace(/(wechat-[\w.-]+)=[^;]+/g, (_cookie, name) => `${name}=${boxOf("cookie")}`);
}

function parsed(text: string): unknown {
  return text.startsWith("{") ? JSON.parse(text) : text || undefined;
}

/** What an answer says in one word. */
function wordOf(body: unknown): string {
  const { status, error } = Object(body) as { status?: string; error?: { code: string } };
  return error?.code ?? status ?? "";
}
