import { Agent, request } from "undici";
import { handler as ours } from "./ours.mjs";

/** Ours, with the README's recipe for `fetch`. */
export function handler(env) {
  const dispatcher = new Agent({ connections: 200, keepAliveTimeout: 15_000 });
  const fetch = async (url, { redirect, size, ...init }) => {
    const { statusCode, body } = await request(url, { dispatcher, ...init });
    return { status: statusCode, body, text: () => body.text() };
  };
  return ours({ ...env, fetch });
}
