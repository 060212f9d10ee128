import { readFileSync } from "node:fs";
import { expect } from "chai";
import { blocksOf, filesOf, pageNames, proseOf } from "../docs/pages.ts";

const COMMENT: Record<string, RegExp> = {
  js: / *\/\/ .*$/gm,
  ts: / *\/\/ .*$/gm,
  sql: / *-- .*$/gm,
};

/** What both languages must have in common. */
function shapeOf(file: string) {
  const lines = readFileSync(file, "utf8").split("\n");
  const counted = proseOf(file).split("\n");
  const rows = lines.filter((line) => line.startsWith("|")).map((line) => line.split(/(?<!\\)\|/));
  return {
    headings: counted.flatMap((line) => /^#+ /.exec(line) ?? []),
    // Sorted: another language has another order of words.
    firstCells: rows.map(([, cell = ""]) => (cell.match(/`[^`]+`|\d{3,}/g) ?? []).sort()),
    tableRows: rows.map((cells) => cells.length),
    items: counted.flatMap((line) => /^ *(\*|-|\d+\.) /.exec(line)?.[1] ?? []),
    code: blocksOf(file).map(({ language, code }) => [
      language,
      // Diagrams and patterns of answers are translated as a whole; elsewhere comments and placeholders are.
      ["", "mermaid"].includes(language)
        ? code.split("\n").length
        : code.replaceAll(COMMENT[language] ?? / *# .*$/gm, "").replaceAll(/<[^<>\n]+>/g, "<>"),
    ]),
  };
}

for (const name of pageNames()) {
  const [english, chinese] = filesOf(name);
  describe(`${english} and ${chinese}`, () => {
    it("have the same headings, tables, lists and code", () => {
      expect(shapeOf(chinese)).to.deep.equal(shapeOf(english));
    });
  });
}

describe("every page of docs/", () => {
  it("has its pair", () => {
    expect(pageNames("chinese")).to.deep.equal(pageNames("english"));
  });
});
