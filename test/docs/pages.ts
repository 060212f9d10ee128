import { readdirSync, readFileSync } from "node:fs";

const CHINESE = ".zh-CN.md";

/** Every page that people read, without its ending: `README`, `docs/databases`, …; in English, if nothing else is said. */
export function pageNames(language: "english" | "chinese" = "english"): string[] {
  const files = readdirSync("docs").filter((file) => file.endsWith(".md"));
  const isChinese = (file: string) => file.endsWith(CHINESE);
  const mine = files.filter((file) => isChinese(file) === (language === "chinese"));
  const names = mine.map((file) => file.slice(0, -(language === "chinese" ? CHINESE : ".md").length));
  return ["README", ...names.sort().map((name) => `docs/${name}`)];
}

/** A page in English and in Chinese. */
export function filesOf(name: string): [english: string, chinese: string] {
  return [`${name}.md`, name + CHINESE];
}

/** A block of code of a page. */
export interface Block {
  file: string;
  /** Of its first line of code. */
  line: number;
  language: string;
  code: string;
}

/** The blocks of code of a page, as they stand there. */
export function blocksOf(file: string): Block[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)].map(
    ({ index, 1: language = "", 2: code = "" }) => ({
      file,
      line: text.slice(0, index).split("\n").length + 1,
      language,
      code,
    }),
  );
}

/** What a page says beside its blocks of code. */
export function proseOf(file: string): string {
  return readFileSync(file, "utf8").replaceAll(/^```[\s\S]*?^```/gm, "");
}
