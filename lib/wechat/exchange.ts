import { type Agent, Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { unreachable } from "./errcodes.ts";

/**
 * One HTTP exchange with WeChat: GET, or POST where there is a body.
 *
 * @throws {WechatLoginError} `wechat_unavailable` where no answer is there in time; anything else where it cannot be had
 */
export type Exchange = (path: string, body?: string) => Promise<{ status: number; text: string }>;

/** No honest answer comes near it. */
export const MAX_ANSWER_BYTES = 1024 * 1024;
export const JSON_BODY = { "Content-Type": "application/json" };
/** A body that is sent in one piece has its length beside it: WeChat answers 412 to a chunked one. */
const POST = { method: "POST", headers: JSON_BODY };
/** An idle connection is closed by us before a gateway closes it under the next request. */
const IDLE_MS = 15_000;
/** WeChat answers within a fraction of a second: good for a thousand logins a second, and who comes on top waits. */
const MAX_SOCKETS = 200;

/**
 * Exchanges by Node's own client. Connections are kept alive; a redirect is not followed, since the URL holds the
 * secret; an answer is bounded in size, and in time from the connection to its last byte.
 *
 * @param timeout milliseconds
 */
export function nodeExchange(baseUrl: string, timeout: number): Exchange {
  const { target, request } = clientOf(new URL(baseUrl));
  return (path, body) =>
    new Promise((resolve, reject) => {
      const asking = request({ ...target, ...(body !== undefined && POST), path: target.path + path });
      function fail(error: Error): void {
        reject(error);
        asking.destroy();
      }
      const timer = setTimeout(() => fail(noAnswerWithin(timeout)), timeout);
      asking.once("close", () => clearTimeout(timer));
      asking.on("error", reject);
      // Without a listener the socket is closed, and neither an answer nor an error is told.
      asking.once("upgrade", ({ statusCode }, socket) => {
        socket.destroy();
        resolve({ status: Number(statusCode), text: "" });
      });
      asking.once("response", (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (piece: string) => {
          text += piece;
          if (text.length > MAX_ANSWER_BYTES) fail(Object.assign(new Error(), { code: "max-size" }));
        });
        answer.once("end", () => resolve({ status: Number(answer.statusCode), text }));
        answer.on("error", reject);
      });
      asking.end(body);
    });
}

/** The failure of an exchange that took too long. */
export function noAnswerWithin(timeout: number): Error {
  return unreachable(`no answer within ${timeout} ms`);
}

function clientOf({ protocol, hostname, port, pathname }: URL) {
  const isPlain = protocol === "http:";
  const options = { keepAlive: true, timeout: IDLE_MS, maxSockets: MAX_SOCKETS };
  const agent: Agent = isPlain ? new HttpAgent(options) : new HttpsAgent(options);
  // An IPv6 address has brackets in URLs only.
  const target = {
    agent,
    hostname: hostname.replaceAll(/[[\]]/g, ""),
    port,
    path: pathname.replace(/\/$/, ""),
  };
  return { target, request: isPlain ? httpRequest : httpsRequest };
}
