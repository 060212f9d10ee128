import { setTimeout as pause } from "node:timers/promises";
import type { WechatLoginError } from "../errors.ts";
import { trace } from "../tracing.ts";
import { circuit } from "./circuit.ts";
import { busy, senseless, unreachable } from "./errcodes.ts";
import { parseWechatJson } from "./json.ts";
import { createTransport, isClosedWhileKept, type TransportOptions } from "./transport.ts";

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

const PAUSE_BEFORE_RETRY_MS = 100;
/** The request has not left this machine: it can be repeated without burning the code twice. */
const NOT_CONNECTED = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/**
 * The one function that talks to WeChat. A request is sent once more after a connect error or `errcode` -1, after a short
 * pause, and at once on a new connection if one that was kept alive was closed before it answered: WeChat rarely saw that
 * request, and if it did, it answers 40163, after which a client logs in anew by itself. After anything else it is not: a
 * code that reached WeChat is used up.
 */
export function wechatRequest(options: TransportOptions): WechatRequest {
  const transport = createTransport(options);

  async function ask(path: string, body: string | undefined): Promise<WechatAnswer> {
    return parse(await transport(path, body));
  }

  async function askTwice(path: string, body?: string): Promise<WechatAnswer> {
    let wait = PAUSE_BEFORE_RETRY_MS;
    try {
      const first = await ask(path, body);
      if (first.errcode !== -1) return first;
    } catch (error) {
      if (isClosedWhileKept(error as Error)) wait = 0;
      else if (!isNotConnected(error)) throw error;
    }
    if (wait > 0) await pause(wait);
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

function isNotConnected(error: unknown): boolean {
  const { cause } = error as WechatLoginError;
  return cause instanceof Error && NOT_CONNECTED.has(cause.message);
}
