import type { IncomingMessage } from "node:http";
import { WechatLoginError } from "../errors.ts";

/** Far above the largest honest request (encrypted user data has about 1 kB), far below what would hurt. */
const MAX_BYTES = 16 * 1024;

/** Fatal: a name in another charset is refused here instead of being stored garbled. */
const decoder = new TextDecoder("utf-8", { fatal: true });

/** A request, perhaps with the body that a parser of the host has already read. */
type MaybeParsed = IncomingMessage & { body?: unknown };

/**
 * Reads a JSON object from a request of at most 16 kB. Where the host's own parser came first, its `req.body`
 * counts. The media type is not looked at: clients that call JSON `text/plain` are common.
 *
 * @throws {WechatLoginError} `invalid_request`: too large, compressed, cut off, no UTF-8, no JSON, no object
 */
export async function readJsonBody(req: MaybeParsed): Promise<Record<string, unknown>> {
  const body = wasReadBefore(req) ? req.body : parse(await readBytes(req));
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw invalid("The request body must be a JSON object.");
  }
  return body as Record<string, unknown>;
}

/** Express 4 parsers leave `{}` in `req.body` for media types they did not read: then the stream still has it. */
function wasReadBefore({ body, readableEnded }: MaybeParsed): boolean {
  if (readableEnded) return true;
  return typeof body === "object" && body !== null && Object.keys(body).length > 0;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    throw invalid("The request body is not JSON in UTF-8.");
  }
}

async function readBytes(req: IncomingMessage): Promise<Buffer> {
  const encoding = req.headers["content-encoding"];
  // A few compressed bytes can unpack to gigabytes, and no client compresses a login.
  if (encoding !== undefined && encoding !== "identity")
    throw refuse(req, "The request body must not be compressed.");
  if (Number(req.headers["content-length"]) > MAX_BYTES) throw refuse(req, TOO_LARGE);
  // Hung up while we were busy with the session: no event would follow.
  if (req.destroyed) throw invalid(CUT_OFF);
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BYTES) reject(refuse(req, TOO_LARGE));
      else chunks.push(chunk);
    });
    req.on("end", () => resolve(Buffer.concat(chunks)));
    req.on("error", () => reject(invalid(CUT_OFF)));
  });
}

const CUT_OFF = "The request was cut off.";
const TOO_LARGE = `The request body is larger than ${MAX_BYTES} bytes.`;

/** The rest is read and dropped, so that the client gets to see the answer instead of a reset connection. */
function refuse(req: IncomingMessage, message: string): WechatLoginError {
  req.removeAllListeners("data");
  req.resume();
  return invalid(message);
}

function invalid(message: string): WechatLoginError {
  return new WechatLoginError("invalid_request", message);
}
