import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { didYouMean } from "../nearest.ts";

const PAGES = { en: "troubleshooting.md", zh: "troubleshooting.zh-CN.md" };

/**
 * Prints what the troubleshooting page says about an error code, which also comes as the `docs` of an error:
 * `docs/troubleshooting.md#<code>`. Without a code it lists them all.
 *
 * @throws {TypeError} in a sentence, where the command line is wrong
 */
export function explain(args: string[]): [text: string, exitCode: number] {
  const options = { lang: { type: "string", default: "en" } } as const;
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.lang !== "en" && values.lang !== "zh") throw new TypeError("--lang takes en or zh.");
  if (positionals.length > 1) throw new TypeError("explain takes one code.");
  const sections = sectionsOf(PAGES[values.lang]);
  const list = [...sections.keys()].join("\n");
  if (positionals[0] === undefined) return [`${list}\n`, 0];
  const code = positionals[0].replace(/^.*#/, "");
  const section = sections.get(code);
  if (section !== undefined) return [`${section}\n`, 0];
  return [`There is no code "${code}"${didYouMean(code, [...sections.keys()])} These are all:\n${list}\n`, 1];
}

/** The sections of the error codes by their code; the other headings of the page hold blanks or other letters. */
function sectionsOf(page: string): Map<string, string> {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), "utf8");
  const sections = text.matchAll(/^### ([a-z_]+)\n\n([\s\S]*?)(?=\n##|$(?![\s\S]))/gm);
  return new Map([...sections].map(([, code = "", body = ""]) => [code, `${code}\n\n${body.trimEnd()}`]));
}
