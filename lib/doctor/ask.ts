/** What came of a request: an answer, or the code of why there is none. */
export type Answer =
  | { status: number; headers: Headers; json: Record<string, unknown> | undefined; ms: number }
  | { reason: string };

/** Sends one request, without following redirects: a proxy's login page is an answer, too. It never throws. */
export async function ask(url: string, timeout: number, init: RequestInit = {}): Promise<Answer> {
  const began = performance.now();
  try {
    const signal = AbortSignal.timeout(timeout);
    const response = await fetch(url, { redirect: "manual", ...init, signal });
    const { status, headers } = response;
    return { status, headers, json: objectIn(await response.text()), ms: performance.now() - began };
  } catch (error) {
    return { reason: reasonOf(error, timeout) };
  }
}

/** POSTs JSON, with a Content-Length. */
export const post = (url: string, timeout: number, body: object, headers: Record<string, string> = {}) =>
  ask(url, timeout, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Only the code: messages carry URLs, and URLs carry secrets. */
function reasonOf(error: unknown, timeout: number): string {
  const { name, cause } = error as Error;
  if (name === "TimeoutError") return `no answer within ${timeout} ms`;
  const code = Object(cause).code;
  return typeof code === "string" ? code : "network error";
}
