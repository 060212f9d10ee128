import type { Row } from "./doctor.ts";
import type { Settings } from "./settings.ts";

/** Nothing that anybody uses outside of a trial has so few characters. */
const SHORT = 8;
const MARK = { ok: "✓", warn: "!", bad: "✗" };

/**
 * The rows as a table, or as JSON. Whatever they quote, what must not be seen is blotted out: it is safe to paste into an
 * issue.
 */
export function report(rows: Row[], settings: Settings): string {
  const secrets = secretsOf(settings);
  const safe = rows.map((row) => blotOut(row, secrets));
  const bad = rows.filter(({ level }) => level === "bad").length;
  if (settings.json) return `${JSON.stringify({ ok: bad === 0, checks: safe }, null, 2)}\n`;
  const width = Math.max(...safe.map(({ name }) => widthOf(name)));
  const lines = safe.flatMap(({ name, level, found, cure }) => [
    `${MARK[level]} ${name}${" ".repeat(width - widthOf(name))}  ${found}`,
    ...(cure === undefined ? [] : [`  ${" ".repeat(width)}  → ${cure}`]),
  ]);
  return `${lines.join("\n")}\n\n${bad === 0 ? "Nothing is red." : `Red: ${bad}.`}\n`;
}

/** Everything secret in the settings, also as it stands in a URL. */
function secretsOf({ secret, code = "", redisUrl = "", url = "" }: Settings): string[] {
  const passwords = [redisUrl, url].map((text) => (URL.canParse(text) ? new URL(text).password : ""));
  const plain = [secret, code, redisUrl, ...passwords].filter((text) => text !== "");
  return plain.flatMap((text) => [text, encodeURIComponent(text)]);
}

function blotOut(row: Row, secrets: string[]): Row {
  const clean = ([name, value]: [string, string]) => [
    name,
    name === "found" ? secrets.reduce(without, value) : value,
  ];
  return Object.fromEntries(Object.entries(row).map(clean)) as unknown as Row;
}

/** A short one only where it stands alone: a password "a" would take all of a text's letters with it. */
function without(text: string, secret: string): string {
  if (secret.length >= SHORT) return text.replaceAll(secret, "***");
  return text.replaceAll(/[^\s/:@,;()"']+/g, (word) => (word === secret ? "***" : word));
}

/** A Chinese character takes two columns of a terminal. */
function widthOf(text: string): number {
  return text.length + (text.match(/[\u2e80-\uffef]/g)?.length ?? 0);
}
