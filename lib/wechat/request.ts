import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import nodeFetch from "node-fetch";
import { WechatLoginError } from "../errors.ts";
import { trace } from "../tracing.ts";
import { circuit } from "./circuit.ts";
import { busy, unreachable } from "./errcodes.ts";

/** What is used of a `fetch`; node-fetch (the default) and the global one both fit. */
export type Fetch = (url: string, init: FetchInit) => Promise<{ status: number; text(): Promise<string> }>;

/** What a request is sent with. `agent` and `size` are node-fetch's own and nothing to the global fetch. */
export interface FetchInit {
  method: "GET" | "POST";
  /** A string: node-fetch then sends a Content-Length, and WeChat answers 412 to a chunked body. */
  body?: string;
  headers?: Record<string, string>;
  signal: AbortSignal;
  redirect: "error";
  agent: (url: URL) => HttpAgent | HttpsAgent;
  size: number;
}

/**
 * Asks WeChat, and gives its answer with `errcode` as a number: 0 or absent means success.
 *
 * @param body sent as JSON by POST; without one it is a GET
 */
export type WechatRequest = (
  path: string,
  query: Record<string, string>,
  body?: object,
) => Promise<WechatAnswer>;

/** A JSON object as WeChat sent it. */
export type WechatAnswer = Record<string, unknown> & { errcode: number };

/** Where and how WeChat is asked. */
export interface WechatRequestOptions {
  baseUrl: string;
  /** Milliseconds for one attempt, from the connection to the last byte. */
  timeout: number;
  fetch?: Fetch | undefined;
}

const JSON_BODY = { "Content-Type": "application/json" };
const MAX_ANSWER_BYTES = 1024 * 1024;
const PAUSE_BEFORE_RETRY_MS = 100;
/** An idle connection is closed by us before a gateway closes it under the next request. */
const IDLE_MS = 15_000;
/** The request has not left this machine: it can be repeated without burning the code twice. */
const NOT_CONNECTED = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/**
 * The one function that talks to WeChat. Connections are kept alive; a connect error or `errcode` -1 is tried once
 * more after a short pause, nothing else is: a code that reached WeChat is burnt, whatever came of it.
 */
export function wechatRequest({ baseUrl, timeout, fetch = nodeFetch }: WechatRequestOptions): WechatRequest {
  const http = new HttpAgent({ keepAlive: true, timeout: IDLE_MS });
  const https = new HttpsAgent({ keepAlive: true, timeout: IDLE_MS });
  const agent = ({ protocol }: URL) => (protocol === "http:" ? http : https);

  async function attempt(url: string, signal: AbortSignal, body?: object) {
    const common = { signal, redirect: "error", agent, size: MAX_ANSWER_BYTES } as const;
    const init = body
      ? ({ ...common, method: "POST", headers: JSON_BODY, body: JSON.stringify(body) } as const)
      : common;
    const response = await fetch(url, { method: "GET", ...init });
    return { status: response.status, text: await response.text() };
  }

  function send(url: string, body?: object): Promise<{ status: number; text: string }> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeout);
    return attempt(url, abort.signal, body)
      .catch((error) => {
        throw unreachable(abort.signal.aborted ? `no answer within ${timeout} ms` : transportCode(error));
      })
      .finally(() => clearTimeout(timer));
  }

  async function sendTwice(url: string, body?: object): Promise<WechatAnswer> {
    const ask = async () => parse(await send(url, body));
    const first = await ask().catch((error) => (isNotConnected(error) ? undefined : Promise.reject(error)));
    if (first && first.errcode !== -1) return first;
    await pause(PAUSE_BEFORE_RETRY_MS);
    const second = await ask();
    if (second.errcode === -1) throw busy();
    return second;
  }

  const guarded = circuit();
  return (path, query, body) =>
    trace("wechat", path, async (traced) => {
      // URLSearchParams encodes: a code like "x&secret=…" stays a code.
      const url = `${baseUrl}${path}?${new URLSearchParams(query)}`;
      const answer = await guarded(() => sendTwice(url, body));
      if (answer.errcode !== 0) traced.errcode = answer.errcode;
      return answer;
    });
}

/** WeChat sends its JSON as text/plain; what is no JSON comes from a gateway in between. */
function parse({ status, text }: { status: number; text: string }): WechatAnswer {
  if (status >= 500) throw unreachable(`HTTP ${status}`);
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw unreachable(`HTTP ${status} without JSON`);
  }
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) {
    throw new WechatLoginError("wechat_error", "WeChat's answer makes no sense: it is no JSON object.");
  }
  // Absent on success, a number on failure, and once seen as a string.
  const errcode = Number((answer as { errcode?: unknown }).errcode ?? 0);
  if (!Number.isInteger(errcode)) {
    throw new WechatLoginError("wechat_error", "WeChat's answer makes no sense: its errcode is no number.");
  }
  return { ...answer, errcode };
}

/** Only the code: node-fetch's message, and the error itself, carry the URL, and the URL carries the AppSecret. */
function transportCode(error: unknown): string {
  const { code, type, cause } = (error ?? {}) as { code?: unknown; type?: unknown; cause?: unknown };
  if (typeof code === "string") return code;
  if (typeof cause === "object" && cause !== null) return transportCode(cause);
  return typeof type === "string" ? type : "network error";
}

function isNotConnected(error: unknown): boolean {
  const { cause } = error as WechatLoginError;
  return cause instanceof Error && NOT_CONNECTED.has(cause.message);
}
