import type { IncomingMessage } from "node:http";
import { Busboy, type BusboyFileStream, type BusboyHeaders } from "@fastify/busboy";
import { WechatLoginError } from "../errors.ts";

/** A form as `wx.uploadFile` sends it: fields, and at most one file, called `avatar`. */
export interface Form {
  fields: Record<string, unknown>;
  avatar: Buffer | undefined;
}

const AVATAR = "avatar";
/** One more than is good for anything, so that one too many is noticed instead of dropped. */
const LIMITS = { files: 2, fields: 20, parts: 22, fieldNameSize: 100, fieldSize: 8192, headerPairs: 20 };

/** Whether the request carries a form with files. */
export function isMultipart({ headers }: IncomingMessage): boolean {
  return /^multipart\/form-data\b/i.test(headers["content-type"] ?? "");
}

/**
 * Reads a form into memory; nothing is written anywhere.
 *
 * @param maxBytes of the file
 * @throws {WechatLoginError} `invalid_request`: broken, cut off, too many or too long parts, a part twice, another
 *   file than `avatar`; with status 413 where the file is too large
 */
export async function readForm(req: IncomingMessage, maxBytes: number): Promise<Form> {
  if (req.readableEnded) {
    throw new Error(
      "wechatLogin: the form was read by another parser (multer, …): mount the login before it.",
    );
  }
  return await new Promise((resolve, reject) => {
    const fields = new Map<string, string>();
    let avatar: Buffer | undefined;

    function refuse(message: string, status?: 413): void {
      req.unpipe();
      // The rest is read and dropped, so that the client gets to see the answer instead of a reset connection.
      req.resume();
      reject(new WechatLoginError("invalid_request", message, status === undefined ? {} : { status }));
    }

    const parser = parserOf(req, maxBytes);
    if (!parser) return refuse("The form has no boundary.");
    parser.on("field", (name, value, nameIsCut, valueIsCut) => {
      if (nameIsCut || valueIsCut) refuse("A field of the form is too long.");
      else if (fields.has(name)) refuse(`${name} was sent twice.`);
      else fields.set(name, value);
    });
    parser.on("file", (name, file) => {
      if (name !== AVATAR) refuse(`A file must be called ${AVATAR}.`);
      else if (avatar) refuse("Only one avatar can be sent.");
      avatar = Buffer.alloc(0);
      collect(file, (bytes) => {
        if (bytes) avatar = bytes;
        else refuse(`The avatar is larger than ${maxBytes} bytes.`, 413);
      });
    });
    for (const limit of ["partsLimit", "filesLimit", "fieldsLimit"] as const) {
      parser.on(limit, () => refuse("The form has too many parts."));
    }
    parser.on("error", () => refuse("The form is broken or was cut off."));
    parser.on("finish", () => resolve({ fields: Object.fromEntries(fields), avatar }));
    req.once("close", () => refuse("The form was cut off."));
    req.pipe(parser);
  });
}

function parserOf({ headers }: IncomingMessage, maxBytes: number) {
  try {
    // A byte more than is allowed: the parser only says that it cut, not whether there was anything to cut.
    return new Busboy({ headers: headers as BusboyHeaders, limits: { ...LIMITS, fileSize: maxBytes + 1 } });
  } catch {
    return undefined;
  }
}

/** Gives the whole file, or nothing where it was too large. */
function collect(file: BusboyFileStream, done: (bytes: Buffer | undefined) => void): void {
  const chunks: Buffer[] = [];
  file.on("data", (chunk: Buffer) => chunks.push(chunk));
  file.once("limit", () => done(undefined));
  file.once("end", () => {
    if (!file.truncated) done(Buffer.concat(chunks));
  });
}
