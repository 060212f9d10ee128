import { types } from "node:util";

/**
 * What was thrown, as an Error. An Error stays the object that it is. Everything else is wrapped: `next(undefined)` of
 * Express lets a request pass, and `next("route")` skips the guard.
 *
 * @param where it was thrown, for the sentence
 */
export function asError(thrown: unknown, where = "a callback"): Error {
  if (isError(thrown)) return thrown;
  // The value itself is not quoted: it may be anything, and not everything can be turned into a text.
  const kind = thrown === null ? "null" : typeof thrown;
  const message = `wechatLogin: ${where} threw something that is no Error (${kind}): let it throw an Error.`;
  return new Error(message, thrown === undefined || thrown === null ? undefined : { cause: thrown });
}

/** Errors of another realm (`node:vm`) are errors, too. */
export function isError(thrown: unknown): thrown is Error {
  try {
    return types.isNativeError(thrown) || thrown instanceof Error;
  } catch {
    // A proxy that does not tell its prototype.
    return false;
  }
}
