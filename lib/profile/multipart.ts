import type { IncomingMessage } from "node:http";
import { Busboy, type BusboyHeaders } from "@fastify/busboy";
import { WechatLoginError } from "../errors.ts";

/** A form as `wx.uploadFile` sends it: fields, and at most one file, called `avatar`. */
export interface Form {
  fields: Record<string, unknown>;
  avatar: Buffer | undefined;
}

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
    function refuse(message: string, details?: { status: 413 }): void {
      req.unpipe();
      // The rest is read and dropped, so that the client gets to see the answer instead of a reset connection.
      req.resume();
      reject(new WechatLoginError("invalid_request", message, details));
    }

    const parser = parserOf(req, maxBytes);
    if (!parser) return refuse("The form has no boundary.");
    const form = partsOf(parser, maxBytes, refuse);
    parser.on("error", () => refuse(CUT_OFF));
    parser.on("finish", () => resolve(form()));
    // A request also closes when all has come; the parser may then still have work to do.
    req.once("close", () => req.complete || refuse(CUT_OFF));
    if (req.destroyed) refuse(CUT_OFF);
    else req.pipe(parser);
  });
}

/** Collects what the parser finds; the function that is returned gives it. */
function partsOf(
  parser: InstanceType<typeof Busboy>,
  maxBytes: number,
  refuse: (message: string, details?: { status: 413 }) => void,
) {
  const fields = new Map<string, string>();
  let avatar: Buffer | undefined;
  parser.on("field", (name, value, _nameIsCut, valueIsCut) => {
    if (valueIsCut) refuse("A field of the form is too long.");
    else if (fields.has(name)) refuse("A field of the form was sent twice.");
    else fields.set(name, value);
  });
  parser.on("file", (name, file) => {
    if (name !== AVATAR) refuse(`A file must be called ${AVATAR}.`);
    if (avatar) refuse("Only one avatar can be sent.");
    avatar = Buffer.alloc(0);
    const chunks: Buffer[] = [];
    file.on("data", (chunk: Buffer) => chunks.push(chunk));
    file.once("limit", () => refuse(`The avatar is larger than ${maxBytes} bytes.`, { status: 413 }));
    file.once("error", () => refuse(CUT_OFF));
    file.once("end", () => {
      avatar = Buffer.concat(chunks);
    });
  });
  for (const limit of ["partsLimit", "filesLimit", "fieldsLimit"] as const) {
    parser.on(limit, () => refuse("The form has too many parts."));
  }
  return (): Form => ({ fields: Object.fromEntries(fields), avatar });
}

function parserOf({ headers }: IncomingMessage, maxBytes: number) {
  try {
    return new Busboy({ headers: headers as BusboyHeaders, limits: { ...LIMITS, fileSize: maxBytes } });
  } catch {
    return undefined;
  }
}
