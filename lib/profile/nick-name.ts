/**
 * Control characters, line separators and halves of surrogate pairs: no keyboard sends them in a name. U+FFFD stands for
 * bytes that were no UTF-8, as in a form in GBK.
 */
const NOT_IN_A_NAME = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\uFFFD]/u;
/**
 * A name needs one character besides these. Blanks; marks, which stand on another character; joiners, fillers (U+3164),
 * variation selectors and tags, which honest names have as well: emoji, Arabic and Indic names. U+2800 is Braille without
 * a dot, U+FFF9 to U+FFFC hold the place of something else, U+1D159 is a note without a head.
 */
const VISIBLE = /[^\p{White_Space}\p{Mark}\p{Default_Ignorable_Code_Point}\u2800\uFFF9-\uFFFC\u{1D159}]/u;
/** What a phone makes of `undefined`, `null` and an object when it writes them into a form. */
const STRINGIFIED = new Set(["undefined", "null", "[object Object]"]);

/** Whether a name can be seen, in one line. */
export function isVisibleName(name: string): boolean {
  return VISIBLE.test(name) && !NOT_IN_A_NAME.test(name);
}

/**
 * Whether a text is what became of a value that is not there: `wx.uploadFile` sends a field that is `undefined` as the word.
 * NaN is none of them: no field is a number, and somebody may be called so.
 */
export function isStringified(text: string): boolean {
  return STRINGIFIED.has(text.trim());
}
