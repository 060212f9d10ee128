import type { IncomingMessage } from "node:http";
import { invalid } from "../http/body-stream.ts";
import { byteBudget, type Held } from "../http/byte-budget.ts";
import { readJsonBody } from "../http/json-body.ts";
import { type FormReading, isMultipart, readForm } from "./multipart.ts";
import { type Picture, pictureIn } from "./picture.ts";

/** What a request brings: fields, and perhaps a picture beside them. */
export interface Body {
  fields: Record<string, unknown>;
  avatar?: Picture;
}

type Use<Given, Result> = (given: Given) => Promise<Result>;

/** Five thousand of the largest JSON bodies, or thirty of the largest pictures that are taken by default. */
const BUDGET = 64 * 1024 * 1024;
const MIN_PICTURES = 8;

/**
 * Reads the bodies of requests. Their bytes count against a budget until `use` has ended; forms have one of their own, so
 * that uploads never stand in the way of logins.
 *
 * @param avatarMaxBytes `undefined` where the host keeps no avatars
 */
export function bodyReader(avatarMaxBytes: number | undefined) {
  const jsonBudget = byteBudget(BUDGET);
  const formBudget = byteBudget(Math.max(BUDGET, MIN_PICTURES * (avatarMaxBytes ?? 0)));

  async function readPictureForm(req: IncomingMessage, held: Held, admitFile: FormReading["admitFile"]) {
    if (avatarMaxBytes === undefined) {
      // Read and dropped, so that the client gets to see the answer instead of a reset connection.
      req.resume();
      throw unsupported("Files are not taken here: send JSON.");
    }
    const { fields, avatar } = await readForm(req, { maxBytes: avatarMaxBytes, held, admitFile });
    if (!avatar) return { fields };
    const picture = pictureIn(avatar);
    if (!picture) throw unsupported("The avatar must be a picture: PNG, JPEG, WebP or GIF.");
    return { fields, avatar: picture };
  }

  /** @throws {WechatLoginError} `invalid_request`, `server_busy` */
  async function withJson<Result>(req: IncomingMessage, use: Use<Body["fields"], Result>): Promise<Result> {
    return await jsonBudget.lend(async (held) => await use(await readJsonBody(req, held)));
  }

  /**
   * Takes JSON, or a form with the user's avatar.
   *
   * @param admitFile refuses a file by the fields in front of it, before it is read
   * @throws {WechatLoginError} `invalid_request`; with status 415 for a file that is no picture, or that nobody keeps;
   *   `server_busy`
   */
  async function withBody<Result>(
    req: IncomingMessage,
    use: Use<Body, Result>,
    admitFile: FormReading["admitFile"] = async () => {},
  ): Promise<Result> {
    if (!isMultipart(req)) return await withJson(req, (fields) => use({ fields }));
    return await formBudget.lend(async (held) => await use(await readPictureForm(req, held, admitFile)));
  }

  return { withJson, withBody };
}

function unsupported(message: string) {
  return invalid(message, { status: 415 });
}
