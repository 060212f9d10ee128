import type { Row } from "./doctor.ts";
import type { Settings } from "./settings.ts";

/** Fewer characters are no secret of WeChat's, and to blot them out would spoil the words around them. */
const PLAUSIBLE = 8;
const CREDENTIALS = /(?<=:\/\/)[^\s/@]+(?=@)/g;
const MARK = { ok: "✓", warn: "!", bad: "✗", skip: "-" };

/**
 * The rows as a table, or as JSON. Whatever they quote, what must not be seen is blotted out: it is safe to paste into an
 * issue.
 */
export function report(rows: Row[], settings: Settings): string {
  const secrets = secretsOf(settings);
  const safe = rows.map((row) => blotOut(row, secrets));
  const count = (wanted: Row["level"]) => rows.filter(({ level }) => level === wanted).length;
  const [bad, skipped] = [count("bad"), count("skip")];
  if (settings.json) return `${JSON.stringify({ ok: bad === 0, checks: safe }, null, 2)}\n`;
  const width = Math.max(...safe.map(({ name }) => widthOf(name)));
  const lines = safe.flatMap(({ name, level, found, cure }) => [
    `${MARK[level]} ${name}${" ".repeat(width - widthOf(name))}  ${found}`,
    ...(cure === undefined ? [] : [`  ${" ".repeat(width)}  → ${cure}`]),
  ]);
  const summary = bad === 0 ? "Nothing is red." : `Red: ${bad}.`;
  return `${lines.join("\n")}\n\n${summary}${skipped === 0 ? "" : ` Not checked: ${skipped} (-).`}\n`;
}

/** Everything secret in the settings, also as it stands in a URL. */
function secretsOf({ secret, code = "", redisUrl = "", url = "" }: Settings): string[] {
  const passwords = [redisUrl, url].map((text) => (URL.canParse(text) ? new URL(text).password : ""));
  const plain = [secret, code, redisUrl, ...passwords].filter((text) => text.length >= PLAUSIBLE);
  return plain.flatMap((text) => [text, encodeURIComponent(text)]);
}

function blotOut(row: Row, secrets: string[]): Row {
  const clean = ([name, value]: [string, string]) => [
    name,
    name === "found" ? secrets.reduce(without, value).replaceAll(CREDENTIALS, "***") : value,
  ];
  return Object.fromEntries(Object.entries(row).map(clean)) as unknown as Row;
}

function without(text: string, secret: string): string {
  return text.replaceAll(secret, "***");
}

/** A Chinese character takes two columns of a terminal. */
function widthOf(text: string): number {
  return text.length + (text.match(/[\u2e80-\uffef]/g)?.length ?? 0);
}
