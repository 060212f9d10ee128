import type { IncomingMessage } from "node:http";
import { bytesLeftIn, collector, invalid, type MaybeParsed, receive, wasRead } from "./body-stream.ts";
import type { Held } from "./byte-budget.ts";

/** Far above the largest honest request (encrypted user data has about 1 kB), far below what would hurt. */
const MAX_BYTES = 16 * 1024;
/**
 * The first bytes of a body count against no budget: no honest request has more, and large slow ones of somebody else must
 * not stand in its way. A connection costs more memory than these.
 */
const FREE_BYTES = 4 * 1024;

/** A form under another media type: `code=…`, or parts between boundaries. */
const FORM = /^[\w.%+*[\]-]+=[^\s"{}<>]*$|^--[^\r\n]*\r?\nContent-Disposition: form-data\b/i;

/** Fatal: a name in another charset is refused here instead of being stored garbled. */
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a JSON object from a request of at most 16 kB. Where the host's own parser came first, its `req.body`
 * counts. The media type is not looked at: clients that call JSON `text/plain` are common.
 *
 * @throws {WechatLoginError} `invalid_request`: empty, too large, compressed, cut off, no UTF-8, no JSON, no object;
 *   `server_busy`
 */
export async function readJsonBody(req: MaybeParsed, held: Held): Promise<Record<string, unknown>> {
  const body = await bodyOf(req, held);
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw invalid("The request body must be a JSON object.");
  }
  return body as Record<string, unknown>;
}

async function bodyOf(req: MaybeParsed, held: Held): Promise<unknown> {
  const left = bytesLeftIn(req);
  if (left) return parse(left, req);
  const { body } = req;
  // Express 4 parsers leave `{}` in `req.body` for media types they did not read: then the stream still has it.
  if (typeof body === "object" && body !== null && Object.keys(body).length > 0) return body;
  if (!wasRead(req)) return parse(await readBytes(req, held), req);
  if (req.readableEnded && body !== undefined) return body;
  throw invalid(
    "The request body must be a JSON object, but a middleware has read it and left no req.body: mount the login before it.",
  );
}

function parse(bytes: Buffer, { headers }: IncomingMessage): unknown {
  if (bytes.length > MAX_BYTES) throw invalid(TOO_LARGE);
  if (bytes.length === 0) throw invalid("The request body is empty.");
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    throw invalid(`The request body is not JSON in UTF-8${hintAt(headers["content-type"], bytes)}.`);
  }
}

/** wx.request sends what its header says: JSON by default. */
function hintAt(mediaType = "", bytes: Buffer): string {
  const form = /x-www-form-urlencoded|form-data/i.exec(mediaType)?.[0].toLowerCase();
  if (form) return `, but a form (${form}): send JSON, with "content-type": "application/json"`;
  return FORM.test(String(bytes)) ? ", but looks like a form: send a JSON object" : "";
}

async function readBytes(req: IncomingMessage, held: Held): Promise<Buffer> {
  const encoding = req.headers["content-encoding"];
  // A few compressed bytes can unpack to gigabytes, and no client compresses a login.
  if (encoding !== undefined && encoding !== "identity")
    throw refuse(req, "The request body must not be compressed.");
  if (Number(req.headers["content-length"]) > MAX_BYTES) throw refuse(req, TOO_LARGE);
  const pieces = collector();
  let size = 0;
  await receive(req, (piece) => {
    size += piece.length;
    if (size > MAX_BYTES) throw invalid(TOO_LARGE);
    held.take(Math.max(0, Math.min(piece.length, size - FREE_BYTES)));
    pieces.push(piece);
  }).ended;
  return pieces.all();
}

const TOO_LARGE = `The request body is larger than ${MAX_BYTES} bytes.`;

/** The rest is read and dropped, so that the client gets to see the answer instead of a reset connection. */
function refuse(req: IncomingMessage, message: string) {
  req.resume();
  return invalid(message);
}
