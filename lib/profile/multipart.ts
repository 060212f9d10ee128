import type { IncomingMessage } from "node:http";
import { Busboy, type BusboyHeaders } from "@fastify/busboy";
import { bytesLeftIn, collector, invalid, type Reception, receive, wasRead } from "../http/body-stream.ts";
import type { Held } from "../http/byte-budget.ts";
import { isStringified } from "./nick-name.ts";

/** A form as `wx.uploadFile` sends it: fields, and at most one file, called `avatar`. */
export interface Form {
  fields: Record<string, unknown>;
  avatar: Buffer | undefined;
}

/** How a form is read. */
export interface FormReading {
  /** Bytes of the largest file that is taken. */
  maxBytes: number;
  held: Held;
  /** Refuses, by the fields in front of a file, to take it. */
  admitFile(fields: Form["fields"]): Promise<void>;
}

type Parser = InstanceType<typeof Busboy>;

const AVATAR = "avatar";
const CUT_OFF = "The form is broken or was cut off.";
/** One more than is good for anything, so that one too many is noticed instead of dropped. */
const LIMITS = {
  files: 2,
  fields: 20,
  parts: 22,
  fieldNameSize: 100,
  fieldSize: 8192,
  headerPairs: 20,
  headerSize: 4096,
};
/** More than all fields and headers together may have. */
const MAX_BESIDES_FILE = 512 * 1024;

/** Whether the request carries a form with files. */
export function isMultipart({ headers }: IncomingMessage): boolean {
  return /^multipart\/form-data\b/i.test(headers["content-type"] ?? "");
}

/**
 * Reads a form into memory; nothing is written anywhere.
 *
 * @throws {WechatLoginError} `invalid_request`: broken, cut off, too many or too long parts, a part twice, another
 *   file than `avatar`; with status 413 where the file is too large; `server_busy`, and what `admitFile` throws
 */
export async function readForm(req: IncomingMessage, reading: FormReading): Promise<Form> {
  const left = bytesLeftIn(req);
  if (!left && wasRead(req)) {
    throw new Error(
      "wechatLogin: the form was read by another parser (multer, …): mount the login before it.",
    );
  }
  const parser = parserOf(req, reading.maxBytes);
  if (!parser) {
    req.resume();
    throw invalid("The form has no boundary: send JSON by wx.request, or a file by wx.uploadFile.");
  }
  return await new Promise((resolve, reject) => {
    /** Pauses the request meanwhile: nothing of the file is collected. */
    async function admitFile(fields: Form["fields"]): Promise<void> {
      req.pause();
      await reading.admitFile(fields);
      req.resume();
    }
    const form = partsOf(parser, { ...reading, admitFile }, refuse);
    const feed = feedOf(parser, reading);
    const { ended, stop } = left ? given(() => feed(left)) : receive(req, feed, CUT_OFF);
    function refuse(error: unknown): void {
      stop(error);
      reject(error);
    }
    ended.then(() => parser.end()).catch(refuse);
    parser.on("error", () => refuse(invalid(CUT_OFF)));
    parser.on("finish", () => resolve(form()));
  });
}

/** Passes a piece on to the parser, which goes through it at once: it needs no pause. */
function feedOf(parser: Parser, { maxBytes, held }: FormReading) {
  let size = 0;
  return (piece: Buffer): void => {
    size += piece.length;
    if (size > maxBytes + MAX_BESIDES_FILE) throw invalid("The form is too large.", { status: 413 });
    held.take(piece.length);
    parser.write(piece);
  };
}

/** A body that is there already. */
function given(use: () => unknown): Reception {
  return { ended: Promise.resolve().then(() => void use()), stop() {} };
}

/** Collects what the parser finds; the function that is returned gives it. */
function partsOf(parser: Parser, { maxBytes, admitFile }: FormReading, refuse: (error: unknown) => void) {
  const fields = new Map<string, string>();
  let avatar: ReturnType<typeof collector> | undefined;
  parser.on("field", (name, value, _nameIsCut, valueIsCut) => {
    if (valueIsCut) refuse(invalid("A field of the form is too long."));
    else if (fields.has(name)) refuse(invalid("A field of the form was sent twice."));
    else if (!isStringified(value)) fields.set(name, value);
  });
  parser.on("file", (name, file) => {
    file.on("error", () => refuse(invalid(CUT_OFF)));
    if (name !== AVATAR) return refuse(invalid(`A file must be called ${AVATAR}.`));
    if (avatar) return refuse(invalid("Only one avatar can be sent."));
    const pieces = collector();
    avatar = pieces;
    file.once("limit", () =>
      refuse(invalid(`The avatar is larger than ${maxBytes} bytes.`, { status: 413 })),
    );
    admitFile(Object.fromEntries(fields)).then(() => file.on("data", pieces.push), refuse);
  });
  for (const limit of ["partsLimit", "filesLimit", "fieldsLimit"] as const) {
    parser.on(limit, () => refuse(invalid("The form has too many parts.")));
  }
  return (): Form => ({ fields: Object.fromEntries(fields), avatar: avatar?.all() });
}

function parserOf({ headers }: IncomingMessage, maxBytes: number) {
  try {
    const limits = { ...LIMITS, fileSize: maxBytes };
    // Larger than all that is read: the parser never ends a pause of its own in a part that it drops, and the request hangs.
    const fileHwm = 2 * (maxBytes + MAX_BESIDES_FILE);
    return new Busboy({ headers: headers as BusboyHeaders, limits, fileHwm });
  } catch {
    return undefined;
  }
}
