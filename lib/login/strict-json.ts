/** BOM kept: a plaintext that begins with one is not what WeChat seals. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** An escape of JSON (or a backslash before whatever byte comes), or a control byte that stands for itself. */
const ESCAPES_AND_CONTROLS = /\\[\s\S]|[^ -\uffff]/g;
/** The parts of valid JSON that matter here: its strings, its punctuation and its numbers. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|-?\d[\d.eE+-]*/g;

/**
 * Parses a JSON object whose ciphertext somebody may have rearranged, so that nothing can hide in it: strict UTF-8, no name
 * twice at any level, and no number in a spelling of its own. WeChat is known to leave control bytes unescaped in names and
 * cities: they are accepted inside strings, as what they are, and nowhere else.
 *
 * @returns its own members, by name; a Map, so that no name can reach a prototype
 * @throws {Error} whose message quotes nothing of the text
 */
export function parseStrictJson(bytes: Uint8Array): Map<string, unknown> {
  const json = escapeControls(decode(bytes));
  const value = parse(json);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("no JSON object inside");
  }
  if (!isAsStringified(json, value)) checkTokens(json);
  return new Map(Object.entries(value));
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Error("no UTF-8 inside");
  }
}

/** The message of JSON.parse would quote the text, which is the user's own data. */
function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new Error("no JSON inside");
  }
}

/** Escaped, never stripped: outside of a string an escape is a syntax error, as it has to be. */
function escapeControls(text: string): string {
  return text.replaceAll(ESCAPES_AND_CONTROLS, (match) => {
    if (match.length === 1) return `\\u${match.charCodeAt(0).toString(16).padStart(4, "0")}`;
    // A backslash before a control byte would otherwise turn into an escaped backslash, and so be accepted.
    if (match.charCodeAt(1) < 0x20) throw new Error("no JSON inside");
    return match;
  });
}

/** What JSON.stringify would write, as WeChat's data mostly are, has no name twice and no odd number: nothing is left to check. */
function isAsStringified(json: string, value: unknown): boolean {
  try {
    return JSON.stringify(value) === json;
  } catch {
    // Nested more deeply than the stack can hold.
    return false;
  }
}

/**
 * JSON.parse keeps the last of two members with one name. Names are compared decoded: `union\u0049d` is `unionId`. Numbers
 * are spelled as JSON.stringify does: any digits could hide in `0e1234567890`.
 */
function checkTokens(json: string): void {
  const levels: Set<string>[] = [];
  let last = "";
  for (const [token] of json.matchAll(TOKENS)) {
    if (token === "{" || token === "[") levels.push(new Set());
    if (token === "}" || token === "]") levels.pop();
    if (/^[-\d]/.test(token) && String(Number(token)) !== token)
      throw new Error("a number in another spelling");
    if (token === ":") {
      const [names, name] = [levels.at(-1), JSON.parse(last)];
      if (names?.has(name)) throw new Error("a name comes twice");
      names?.add(name);
    }
    last = token;
  }
}
