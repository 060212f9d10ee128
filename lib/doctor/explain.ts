import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { didYouMean } from "../nearest.ts";

const PAGES = { en: "troubleshooting.md", zh: "troubleshooting.zh-CN.md" };

/** WeChat's, as logs show it: -1, or five digits and more. HTTP statuses have three. */
const ERRCODE = /^(-1|\d{5,})$/;

/**
 * Prints what the troubleshooting page says about the code of an error or of a warning, or about an errcode of WeChat. An
 * error's code also comes as its `docs`: `docs/troubleshooting.md#<code>`. Without a code it lists them all.
 *
 * @throws {TypeError} in a sentence, where the command line is wrong
 */
export function explain(args: string[]): [text: string, exitCode: number] {
  const options = { lang: { type: "string", default: "en" } } as const;
  const { values, positionals } = parseArgs({
    args: args.map(asPositional),
    options,
    allowPositionals: true,
  });
  if (values.lang !== "en" && values.lang !== "zh") throw new TypeError("--lang takes en or zh.");
  if (positionals.length > 1) throw new TypeError("explain takes one code.");
  const sections = sectionsOf(PAGES[values.lang]);
  const list = [...sections.keys()].join("\n");
  if (positionals[0] === undefined) return [`${list}\n`, 0];
  const code = positionals[0].trim().replace(/^.*#/, "");
  if (ERRCODE.test(code)) return [`${sectionsWith(code, sections)}\n`, 0];
  const section = sections.get(code);
  if (section !== undefined) return [`${section}\n`, 0];
  return [`There is no code "${code}"${didYouMean(code, [...sections.keys()])} These are all:\n${list}\n`, 1];
}

/** Node takes what begins with "-" for a flag. */
function asPositional(arg: string): string {
  return arg === "-1" ? " -1" : arg;
}

/** An errcode may mean different things for different APIs; one that is nowhere on the page is always a `wechat_error`. */
function sectionsWith(errcode: string, sections: Map<string, string>): string {
  const found = [...sections.values()].filter((text) => new RegExp(`(?<!\\d)${errcode}(?!\\d)`).test(text));
  return found.length > 0 ? found.join("\n\n") : String(sections.get("wechat_error"));
}

/** The sections of the error codes, and the rows of the warnings; the other headings hold blanks or other letters. */
function sectionsOf(page: string): Map<string, string> {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), "utf8");
  const sections = text.matchAll(/^### ([a-z_]+)\n\n([\s\S]*?)(?=\n##|$(?![\s\S]))/gm);
  const warnings = text.matchAll(/^\| `(WECHAT_LOGIN_\w+)` \| (.*) \|$/gm);
  return new Map(
    [...sections, ...warnings].map(([, code = "", body = ""]) => [code, `${code}\n\n${body.trimEnd()}`]),
  );
}
