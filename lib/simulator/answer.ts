import { randomBytes } from "node:crypto";

/** An answer of WeChat: a failure has `errcode` and `errmsg`; a success has other fields, and not always an `errcode`. */
export type Answer = Record<string, unknown>;

/** The answer of most APIs that succeed; code2Session and stable_token leave it out. */
export const OK = { errcode: 0, errmsg: "ok" };

/** `errmsg` ends in a request id that is another one each time: nobody should compare it. */
export function failure(errcode: number, errmsg: string): Answer {
  const rid = [4, 4, 4].map((bytes) => randomBytes(bytes).toString("hex")).join("-");
  return { errcode, errmsg: `${errmsg}, rid: ${rid}` };
}
