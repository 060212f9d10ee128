import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";

/** What both languages must have in common. */
function shapeOf(file: string) {
  const text = readFileSync(file, "utf8");
  const lines = text.split("\n");
  return {
    headings: lines.flatMap((line) => /^#+ /.exec(line) ?? []),
    firstCells: lines.flatMap((line) => /^\| (`[^`]+`|\d+)/.exec(line)?.[1] ?? []),
    tableRows: lines.filter((line) => line.startsWith("|")).length,
    bullets: lines.filter((line) => line.startsWith("* ")).length,
    code: [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)].map(([, language, code = ""]) =>
      // Comments are translated, and so are diagrams and patterns of answers; the code is the same.
      language === "js" ? code.replaceAll(/ *\/\/ .*$/gm, "") : [language, code.split("\n").length],
    ),
  };
}

for (const name of ["README", "docs/databases", "docs/deployment"]) {
  describe(`${name}.md and ${name}.zh-CN.md`, () => {
    it("have the same headings, tables, lists and code", () => {
      expect(shapeOf(`${name}.zh-CN.md`)).to.deep.equal(shapeOf(`${name}.md`));
    });

    it("link to files that are there", () => {
      for (const file of [`${name}.md`, `${name}.zh-CN.md`]) {
        const links = [...readFileSync(file, "utf8").matchAll(/\]\((?!https?:)([^)#]+)\)/g)];
        expect(links.length).to.be.above(0);
        for (const [, link = ""] of links) expect(existsSync(join(dirname(file), link)), link).to.equal(true);
      }
    });
  });
}
