import { type Agent, type ClientRequest, Agent as HttpAgent, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Socket } from "node:net";

/** The code of a failure if the connection was kept alive and the other side closed it before it answered. */
export const CLOSED_WHILE_KEPT = "CLOSED_WHILE_KEPT";

/** We close an idle connection before a gateway closes it under the next request. */
const IDLE_MS = 15_000;
/** WeChat answers within a fraction of a second: enough for a thousand logins a second; further requests queue. */
const MAX_SOCKETS = 200;
/** How a request fails on a connection that the other side has closed. */
const CLOSED = new Set(["ECONNRESET", "EPIPE"]);

/** Connections to WeChat that are kept alive. */
export interface WechatAgent {
  agent: Agent;
  /** The request that was begun last: a fetch does not show its own, but begins it before it returns. */
  latest(): ClientRequest | undefined;
}

/** @param timeout milliseconds for a whole exchange */
export function createAgent(protocol: string, timeout: number): WechatAgent {
  const agent: Agent = new (protocol === "https:" ? HttpsAgent : HttpAgent)({
    keepAlive: true,
    timeout: IDLE_MS,
    maxSockets: MAX_SOCKETS,
    // Of several addresses Node 20 gives each but the last 250 ms, and fails with ETIMEDOUT if the last is unreachable.
    autoSelectFamilyAttemptTimeout: timeout,
  });
  let latest: ClientRequest | undefined;
  // Node calls it with each request, before that has a connection.
  const node = agent as unknown as { addRequest(request: ClientRequest, ...rest: unknown[]): void };
  const addRequest = node.addRequest.bind(agent);
  node.addRequest = (request, ...rest) => {
    latest = request;
    request.once("upgrade", failUpgrade);
    request.once("error", markClosed);
    addRequest(request, ...rest);
  };
  return { agent, latest: () => latest };
}

/** If nobody listens to an upgrade, Node closes the socket without an error, and node-fetch waits for ever. */
function failUpgrade(this: ClientRequest, { statusCode }: IncomingMessage, socket: Socket): void {
  socket.destroy();
  this.emit("error", Object.assign(new Error(), { code: `HTTP ${statusCode} without JSON` }));
}

/** The listeners of node-fetch come later, and keep this code. */
function markClosed(this: ClientRequest, error: NodeJS.ErrnoException): void {
  if (!this.reusedSocket || !CLOSED.has(String(error.code))) return;
  error.code = CLOSED_WHILE_KEPT;
  // A gateway that closes one idle connection closes the others with it: the retry gets a new one.
  const { freeSockets } = (this as unknown as { agent: Agent }).agent;
  for (const socket of Object.values(freeSockets).flat()) socket?.destroy();
}
