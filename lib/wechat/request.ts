import { setTimeout as pause } from "node:timers/promises";
import { WechatLoginError } from "../errors.ts";
import { trace } from "../tracing.ts";
import { circuit } from "./circuit.ts";
import { busy, senseless, unreachable } from "./errcodes.ts";
import { nodeExchange } from "./exchange.ts";
import { type Fetch, fetchExchange } from "./fetch-exchange.ts";
import { parseWechatJson } from "./json.ts";

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
  /** Takes the place of Node's own client. */
  fetch?: Fetch | undefined;
}

const PAUSE_BEFORE_RETRY_MS = 100;
/** The request has not left this machine: it can be repeated without burning the code twice. */
const NOT_CONNECTED = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/**
 * The one function that talks to WeChat. A connect error or `errcode` -1 is tried once more after a short pause,
 * nothing else is: a code that reached WeChat is burnt, whatever came of it.
 */
export function wechatRequest({ baseUrl, timeout, fetch }: WechatRequestOptions): WechatRequest {
  const exchange = fetch ? fetchExchange(fetch, baseUrl, timeout) : nodeExchange(baseUrl, timeout);

  async function ask(path: string, body: string | undefined): Promise<WechatAnswer> {
    return parse(
      await exchange(path, body).catch((error) => {
        throw error instanceof WechatLoginError ? error : unreachable(transportCode(error));
      }),
    );
  }

  async function askTwice(path: string, body?: string): Promise<WechatAnswer> {
    const first = await ask(path, body).catch((error) =>
      isNotConnected(error) ? undefined : Promise.reject(error),
    );
    if (first && first.errcode !== -1) return first;
    await pause(PAUSE_BEFORE_RETRY_MS);
    const second = await ask(path, body);
    if (second.errcode === -1) throw busy();
    return second;
  }

  const guarded = circuit();
  return (path, query, body) =>
    trace("wechat", path, async (traced) => {
      // URLSearchParams encodes: a code like "x&secret=…" stays a code.
      const whole = `${path}?${new URLSearchParams(query)}`;
      const answer = await guarded(() => askTwice(whole, body && JSON.stringify(body)));
      if (answer.errcode !== 0) traced.errcode = answer.errcode;
      return answer;
    });
}

/** WeChat sends its JSON as text/plain; what is no JSON comes from a gateway in between. */
function parse({ status, text }: { status: number; text: string }): WechatAnswer {
  const isRedirect = status >= 300 && status < 400;
  if (status >= 500 || isRedirect) throw unreachable(`HTTP ${status}`);
  let answer: unknown;
  try {
    answer = parseWechatJson(text);
  } catch {
    const what = `HTTP ${status} without JSON`;
    // A gateway that refuses one request, perhaps for what the client has sent, is not away for all others.
    throw status >= 400 ? senseless(what) : unreachable(what);
  }
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) {
    throw senseless("it is no JSON object");
  }
  // Absent on success, a number on failure, and once seen as a string.
  const errcode = Number((answer as { errcode?: unknown }).errcode ?? 0);
  if (!Number.isInteger(errcode)) {
    throw senseless("its errcode is no number");
  }
  return { ...answer, errcode };
}

/** Only the code: the message of a fetch's error carries the URL, and the URL carries the AppSecret. */
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
