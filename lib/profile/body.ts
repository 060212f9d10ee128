import type { IncomingMessage } from "node:http";
import { WechatLoginError } from "../errors.ts";
import { readJsonBody } from "../http/json-body.ts";
import { isMultipart, readForm } from "./multipart.ts";
import { type Picture, pictureIn } from "./picture.ts";

/** What a request brings: fields, and perhaps a picture beside them. */
export interface Body {
  fields: Record<string, unknown>;
  avatar?: Picture;
}

/**
 * Reads JSON, or a form with the user's avatar.
 *
 * @param avatarMaxBytes `undefined` where the host keeps no avatars
 * @throws {WechatLoginError} `invalid_request`; with status 415 for a file that is no picture, or that nobody keeps
 */
export async function readBody(req: IncomingMessage, avatarMaxBytes: number | undefined): Promise<Body> {
  if (!isMultipart(req)) return { fields: await readJsonBody(req) };
  if (avatarMaxBytes === undefined) {
    // Read and dropped, so that the client gets to see the answer instead of a reset connection.
    req.resume();
    throw unsupported("Files are not taken here: send JSON.");
  }
  const { fields, avatar } = await readForm(req, avatarMaxBytes);
  if (!avatar) return { fields };
  const picture = pictureIn(avatar);
  if (!picture) throw unsupported("The avatar must be a picture: PNG, JPEG, WebP or GIF.");
  return { fields, avatar: picture };
}

function unsupported(message: string): WechatLoginError {
  return new WechatLoginError("invalid_request", message, { status: 415 });
}
