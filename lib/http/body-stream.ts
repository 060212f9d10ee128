import type { IncomingMessage } from "node:http";
import { WechatLoginError } from "../errors.ts";

/** A request, perhaps with the body that a parser of the host has already read. */
export type MaybeParsed = IncomingMessage & { body?: unknown };

/** The body of a request, as it comes in. */
export interface Reception {
  /** Settles when all has come, or with the error that ended it. */
  ended: Promise<void>;
  /** Ends it. The rest is read and dropped, so that the client sees the answer instead of a reset connection. */
  stop(error: unknown): void;
}

/** Encodings that give back every byte; `utf8` does if nothing in it was replaced. */
const LOSSLESS: readonly (BufferEncoding | null)[] = ["utf8", "latin1", "hex", "base64", "base64url"];
/** What a decoder puts in the place of bytes that are no UTF-8. */
const REPLACEMENT = "\uFFFD";
/** A Buffer costs some 200 bytes besides what it holds. */
const MAX_SMALL_PIECES = 256;

/**
 * Hands the body over, piece by piece. What `use` throws ends the reception: an exception in an event handler would end
 * the process.
 *
 * @param cutOff says that the client has hung up
 */
export function receive(
  req: IncomingMessage,
  use: (piece: Buffer) => void,
  cutOff = "The request was cut off.",
): Reception {
  let stop!: Reception["stop"];
  const ended = new Promise<void>((resolve, reject) => {
    function onData(chunk: Buffer | string): void {
      try {
        use(bytesOf(chunk, req.readableEncoding));
      } catch (error) {
        stop(error);
      }
    }
    const onCut = () => stop(invalid(cutOff));
    function onEnd(): void {
      // Every request closes after its end: without this each would pay for an error that nobody sees.
      req.off("close", onCut);
      resolve();
    }
    stop = (error) => {
      // A slow client keeps the request for minutes: nothing that hangs on these may wait with it.
      req.off("data", onData).off("end", onEnd).off("error", onCut).off("close", onCut);
      req.on("error", ignore).resume();
      reject(error);
    };
    // The client has hung up before we began to listen: no event would follow.
    if (req.destroyed) return onCut();
    req.on("data", onData).on("end", onEnd).on("error", onCut).on("close", onCut);
  });
  return { ended, stop };
}

function ignore(): void {}

/** Collects pieces of a body. A client can send byte by byte: many small pieces become one. */
export function collector() {
  const pieces: Buffer[] = [];
  let joined = 0;
  return {
    push(piece: Buffer): void {
      if (pieces.push(piece) - joined < MAX_SMALL_PIECES) return;
      pieces.push(Buffer.concat(pieces.splice(joined)));
      joined += 1;
    },
    all: () => Buffer.concat(pieces),
  };
}

/**
 * The bytes of a body that a middleware has left in `req.body`: a Buffer (express.raw, serverless-http), a Uint8Array or a
 * string (express.text). `undefined` if there are none, or if they are still in the stream.
 */
export function bytesLeftIn({ body, readableEnded }: MaybeParsed): Buffer | undefined {
  if (typeof body !== "string" && !(body instanceof Uint8Array)) return undefined;
  if (body.length === 0 && !readableEnded) return undefined;
  return typeof body === "string"
    ? bytesOf(body, "utf8")
    : Buffer.from(body.buffer, body.byteOffset, body.length);
}

/** Whether somebody has read the stream before us, wholly or in part. */
export function wasRead(req: IncomingMessage): boolean {
  return req.readableEnded || req.readableDidRead;
}

/** After `req.setEncoding()` the pieces of a body are strings. */
function bytesOf(chunk: Buffer | string, encoding: BufferEncoding | null): Buffer {
  if (typeof chunk !== "string") return chunk;
  if (!isLossless(chunk, encoding)) {
    throw invalid(
      `A middleware has decoded the request body as ${encoding}, and bytes were lost: mount the login before it.`,
    );
  }
  return Buffer.from(chunk, encoding);
}

function isLossless(text: string, encoding: BufferEncoding | null): encoding is BufferEncoding {
  return LOSSLESS.includes(encoding) && !(encoding === "utf8" && text.includes(REPLACEMENT));
}

/** The error for a request that is not as it should be. */
export function invalid(message: string, details?: { status: 413 | 415 }): WechatLoginError {
  return new WechatLoginError("invalid_request", message, details);
}
