/** Longer than any text of WeChat's own. */
const MAX_LENGTH = 200;
/** Line breaks, control characters of terminals (U+009B is one that HTTP allows in headers), what turns the order of letters round. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}]+/gu;

/** What a client has sent, as it may be quoted: an operator reads it in a log or on a terminal. */
export function oneLine(text: string): string {
  return text.slice(0, MAX_LENGTH).replaceAll(UNPRINTABLE, " ");
}
