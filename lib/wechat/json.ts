/** An escaped character, the quote around a text, or a control character. */
const PIECE = /\\.|["\p{Cc}]/gsu;

/**
 * Parses JSON as WeChat writes it: strings in it were seen with raw control characters (U+0000 to U+001F), which JSON
 * forbids. They are escaped and never removed, so that they are tolerated inside of strings only.
 *
 * @throws {SyntaxError} for everything else that is no JSON
 */
export function parseWechatJson(text: string): unknown {
  let isInString = false;
  const strict = text.replaceAll(PIECE, (piece) => {
    if (piece === '"') isInString = !isInString;
    // A backslash in front of a control character is part of the piece: that stays the error it is.
    return isInString && piece < " " ? escapeOf(piece) : piece;
  });
  return JSON.parse(strict);
}

function escapeOf(control: string): string {
  return `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
