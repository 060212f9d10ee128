import { type Exchange, JSON_BODY, MAX_ANSWER_BYTES, noAnswerWithin } from "./exchange.ts";

/** What is used of a `fetch`; the global one and node-fetch both fit. */
export type Fetch = (url: string, init: FetchInit) => Promise<{ status: number; text(): Promise<string> }>;

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

/**
 * Exchanges by a fetch that the host has given.
 *
 * @param timeout milliseconds
 */
export function fetchExchange(fetch: Fetch, baseUrl: string, timeout: number): Exchange {
  async function ask(path: string, body: string | undefined, signal: AbortSignal) {
    const common = { signal, redirect: "error", size: MAX_ANSWER_BYTES } as const;
    const method = body === undefined ? { method: "GET" } : { method: "POST", headers: JSON_BODY, body };
    const response = await fetch(baseUrl + path, { ...common, ...method } as FetchInit);
    return { status: response.status, text: await response.text() };
  }

  return (path, body) =>
    new Promise((resolve, reject) => {
      const abort = new AbortController();
      // The signal is for the fetch to save work; one that does not listen to it keeps nobody waiting either.
      const timer = setTimeout(() => {
        reject(noAnswerWithin(timeout));
        abort.abort();
      }, timeout);
      ask(path, body, abort.signal)
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    });
}
