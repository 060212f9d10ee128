import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { type Answer, failure } from "./answer.ts";
import type { Page } from "./authorize-page.ts";

/** How one answer is bent. */
export interface Bend {
  /** Fails with this errcode; a string is sent as a string, as WeChat was once seen to do. */
  errcode?: number | string;
  /** This text instead of the answer: a gateway's HTML, broken JSON. */
  body?: string;
  /** This HTTP status. */
  status?: number;
  /** The answer comes so many milliseconds late. */
  delay?: number;
  /** No answer at all: `hang` keeps the connection open, `reset` cuts it. */
  fault?: "hang" | "reset";
}

/** One request as it came in. */
export interface SeenRequest {
  method: string;
  path: string;
  query: Record<string, string>;
  /** The JSON of a POST. */
  body?: Record<string, unknown>;
}

/** What the server answers. */
export interface Served {
  /** APIs, by method and path: `GET /sns/userinfo`. */
  routes: Record<string, (query: URLSearchParams, body: Record<string, unknown>) => Answer>;
  /** Pages for browsers, by path; they are not bent. */
  pages: Record<string, (url: URL) => Page>;
  /** How the next answers of APIs are bent, the next first. */
  bends: Bend[];
  requests: SeenRequest[];
}

/**
 * Listens on 127.0.0.1.
 *
 * @throws {Error} where the port is taken
 */
export async function serve({ routes, pages, bends, requests }: Served, port: number) {
  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    // Not by its second parameter: it takes "//" for the begin of a host.
    const url = new URL(`http://simulator${req.url}`);
    const { pathname, searchParams } = url;
    const method = String(req.method);
    const isPost = method === "POST";
    const body = isPost ? await jsonOf(req) : {};
    requests.push({
      method,
      path: pathname,
      query: Object.fromEntries(searchParams),
      ...(isPost && { body }),
    });
    // WeChat's gateway takes no chunked bodies.
    if (isPost && req.headers["content-length"] === undefined) return void res.writeHead(412).end();
    const page = pages[pathname];
    if (page && method === "GET") return show(page(url), res);
    const bend = bends.shift() ?? {};
    if (bend.fault === "hang") return;
    if (bend.fault === "reset") return void req.socket.resetAndDestroy();
    const route = routes[`${method} ${pathname}`];
    const result = bend.errcode === undefined && route ? route(searchParams, body) : failureOf(bend);
    if (bend.delay) await pause(bend.delay);
    res.writeHead(bend.status ?? 200, { "Content-Type": "text/plain" });
    res.end(bend.body ?? JSON.stringify(result));
  }

  // A request that breaks off is the client's affair; the process is often that of the tests.
  const server = createServer((req, res) => void answer(req, res).catch(() => res.destroy()));
  await new Promise<void>((resolve, reject) => {
    // Also later: an error without a listener would end the process, which is often that of the tests.
    server.on("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function show(page: Page, res: ServerResponse): void {
  if ("location" in page) res.writeHead(302, { Location: page.location }).end();
  else res.writeHead(page.status, { "Content-Type": "text/html; charset=utf-8" }).end(page.html);
}

function failureOf({ errcode = 40066 }: Bend): Answer {
  return { ...failure(Number(errcode), Number(errcode) === 40066 ? "invalid url" : "bent"), errcode };
}

/** A body that is no JSON object counts as an empty one: the API then misses its fields. */
async function jsonOf(req: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  try {
    return Object(JSON.parse(Buffer.concat(chunks).toString()));
  } catch {
    return {};
  }
}
