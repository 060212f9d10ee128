import { Agent, request } from "undici";
import { handler as ours } from "./ours.mjs";

/** Ours, with the README's recipe for `fetch`. */
export function handler(env) {
  const dispatcher = new Agent({ connections: 200, keepAliveTimeout: 15_000 });
  const fetch = async (url, { method, headers, body, signal }) => {
    const response = await request(url, { dispatcher, method, headers, body, signal });
    return { status: response.statusCode, body: response.body, text: () => response.body.text() };
  };
  return ours({ ...env, fetch });
}
