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

/**
 * The connections to WeChat: they are kept alive.
 *
 * @param timeout milliseconds for a whole exchange
 */
export function createAgent(protocol: string, timeout: number): Agent {
  const agent: Agent = new (protocol === "https:" ? HttpsAgent : HttpAgent)({
    keepAlive: true,
    timeout: IDLE_MS,
    maxSockets: MAX_SOCKETS,
    // Of several addresses Node 20 gives each but the last 250 ms, and fails with ETIMEDOUT if the last is unreachable.
    autoSelectFamilyAttemptTimeout: timeout,
  });
  // Node calls it with each request, before that has a connection; a fetch shows neither.
  const node = agent as unknown as { addRequest(request: ClientRequest, ...rest: unknown[]): void };
  const addRequest = node.addRequest.bind(agent);
  node.addRequest = (request, ...rest) => {
    request.once("upgrade", (response, socket) => failUpgrade(request, response, socket));
    request.once("error", (error: NodeJS.ErrnoException) => {
      if (!request.reusedSocket || !CLOSED.has(String(error.code))) return;
      // The listeners of node-fetch come later, and keep this code.
      error.code = CLOSED_WHILE_KEPT;
      closeIdle(agent);
    });
    addRequest(request, ...rest);
  };
  return agent;
}

/** If nobody listens to an upgrade, Node closes the socket without an error, and node-fetch waits for ever. */
function failUpgrade(request: ClientRequest, { statusCode }: IncomingMessage, socket: Socket): void {
  socket.destroy();
  request.emit("error", Object.assign(new Error(), { code: `HTTP ${statusCode} without JSON` }));
}

/** A gateway that closes one idle connection closes the others with it: the retry gets a new one. */
function closeIdle({ freeSockets }: Agent): void {
  for (const socket of Object.values(freeSockets).flat()) socket?.destroy();
}
