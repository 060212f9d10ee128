import { Readable } from "node:stream";
import nodeFetch from "node-fetch";
import { CLOSED_WHILE_KEPT, createAgent } from "./agent.ts";
import { unreachable } from "./errcodes.ts";

/** What is used of a `fetch`; the global one and node-fetch both fit. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchResponse>;

/** What a request is sent with. `size` is node-fetch's own, and nothing to the global fetch. */
export interface FetchInit {
  method: "GET" | "POST";
  /** A string: a fetch then sends a Content-Length, and WeChat answers 412 to a chunked body. */
  body?: string;
  headers?: Record<string, string>;
  signal: AbortSignal;
  redirect: "error";
  size: number;
}

/** What is used of a response. A body that can be iterated is read no further than allowed; without one, `text` is called. */
export interface FetchResponse {
  status: number;
  body?: unknown;
  bodyUsed?: boolean;
  /** All of the body. */
  text(): Promise<string>;
}

/** One HTTP exchange with WeChat: GET, or POST if there is a body. Rejects with a {@link TransportError}. */
export type Transport = (path: string, body?: string) => Promise<{ status: number; text: string }>;

export interface TransportOptions {
  baseUrl: string;
  /** Milliseconds from the connection to the last byte. */
  timeout: number;
  /** The host's own; node-fetch without one. */
  fetch?: Fetch | undefined;
}

/** No honest answer comes near it. */
const MAX_ANSWER_BYTES = 1024 * 1024;
const JSON_TYPE = { "Content-Type": "application/json" };
const utf8 = new TextDecoder();
const closedWhileKept = new WeakSet<object>();

/** A request under way. Aborting it only saves work: one that ignores it times out all the same. */
interface Sending {
  response: Promise<FetchResponse>;
  abort(): void;
}

type Send = (url: string, body: string | undefined) => Sending;

/**
 * What bounds and times an exchange, whichever fetch sends it: no redirect is followed, since the URL holds the secret; an
 * answer is bounded in size, and in time from the connection to its last byte; of a failure only the code is kept.
 */
export function createTransport({ baseUrl, timeout, fetch }: TransportOptions): Transport {
  const send = fetch ? byFetch(fetch) : byNodeFetch(baseUrl, timeout);
  return (path, body) =>
    new Promise((resolve, reject) => {
      const { response, abort } = send(baseUrl + path, body);
      const timer = setTimeout(() => {
        reject(unreachable(`no answer within ${timeout} ms`));
        abort();
      }, timeout);
      answerOf(response)
        .then(resolve, (error) => reject(failureOf(error)))
        .finally(() => clearTimeout(timer));
    });
}

/** Whether the failure is a connection that was kept alive and that the other side closed before it answered. */
export function isClosedWhileKept(error: object): boolean {
  return closedWhileKept.has(error);
}

/** A fetch of the host's. */
function byFetch(fetch: Fetch): Send {
  return (url, body) => {
    const controller = new AbortController();
    const init = { signal: controller.signal, redirect: "error", size: MAX_ANSWER_BYTES } as const;
    const response = (async () =>
      await fetch(
        url,
        body === undefined
          ? { method: "GET", ...init }
          : { method: "POST", headers: JSON_TYPE, body, ...init },
      ))();
    return { response, abort: () => controller.abort() };
  };
}

/** node-fetch with connections that are kept alive. To abort a request itself costs less than a signal for each. */
function byNodeFetch(baseUrl: string, timeout: number): Send {
  const { agent, latest } = createAgent(new URL(baseUrl).protocol, timeout);
  // Answers are too short to gain by compression. What is compressed all the same is opened, and its size counts then.
  const headers = { "Accept-Encoding": "identity" };
  const get = { agent, redirect: "manual", headers } as const;
  const post = { ...get, method: "POST", headers: { ...headers, ...JSON_TYPE } };
  return (url, body) => {
    const response = nodeFetch(url, body === undefined ? get : { ...post, body });
    const request = latest();
    return { response, abort: () => request?.destroy(new Error()) };
  };
}

async function answerOf(sent: Promise<FetchResponse>): Promise<{ status: number; text: string }> {
  const response = await sent;
  return { status: response.status, text: await textOf(response) };
}

async function textOf(response: FetchResponse): Promise<string> {
  if (response.bodyUsed || !isIterable(response.body)) {
    const text = await response.text();
    if (text.length > MAX_ANSWER_BYTES) throw tooLarge();
    return text;
  }
  const pieces = await read(response.body instanceof Readable ? response.body : Readable.from(response.body));
  return utf8.decode(Buffer.concat(pieces.map((piece) => Buffer.from(piece))));
}

function isIterable(body: unknown): body is AsyncIterable<Uint8Array | string> {
  return Symbol.asyncIterator in Object(body);
}

/**
 * By events: for so short an answer the iterator would cost more than the reading. Nothing here may throw, whatever a host's
 * fetch gives: nobody could catch it.
 */
function read(body: Readable): Promise<Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const pieces: Uint8Array[] = [];
    let room = MAX_ANSWER_BYTES;
    body.on("data", (piece) => {
      room -= Number(Object(piece).length);
      if (room >= 0) pieces.push(piece);
      else body.destroy(tooLarge());
    });
    body.once("end", () => resolve(pieces));
    body.on("error", reject);
  });
}

function tooLarge(): Error {
  return Object.assign(new Error(), { code: "max-size" });
}

function failureOf(error: unknown) {
  const code = transportCode(error);
  if (code !== CLOSED_WHILE_KEPT) return unreachable(code);
  const failure = unreachable("ECONNRESET");
  closedWhileKept.add(failure);
  return failure;
}

/** Only the code: the message of a fetch's error carries the URL, and the URL carries the AppSecret. */
function transportCode(error: unknown): string {
  const { code, type, cause } = (error ?? {}) as { code?: unknown; type?: unknown; cause?: unknown };
  if (typeof code === "string") return code;
  if (typeof cause === "object" && cause !== null) return transportCode(cause);
  return typeof type === "string" ? type : "network error";
}
