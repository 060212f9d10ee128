import { execFileSync } from "node:child_process";
import { expect } from "chai";
import { type Block, blocksOf, filesOf, pageNames } from "./pages.ts";
import { typeCheck } from "./type-check.ts";

/** Languages that are not checked here, each with the reason. One that is in neither list fails. */
const UNCHECKED: Record<string, string> = {
  "": "patterns of answers: test/login compares the answers themselves",
  dotenv: "the settings of the quick start, which test/docs/quick-start.test.ts runs",
  mermaid: "diagrams, drawn where the page is read",
  conf: "settings of Redis, which test/faults tries out",
  ini: "a unit of systemd, which is not on the machines that run the tests",
  nginx: "there is no nginx on the machines that run the tests",
  sql: "PostgreSQL's is run by test/databases, beside its recipe; there is no MySQL on these machines",
};

const CHECKED: Record<string, (block: Block) => void> = {
  js: expectTypes,
  ts: expectTypes,
  sh: ({ code }) => execFileSync("sh", ["-n"], { input: code, stdio: ["pipe", "ignore", "pipe"] }),
  json: ({ code }) => JSON.parse(code),
};

/** Pages whose blocks are all run by a test of their own. */
const RUN = ["docs/clients"]; // test/miniprogram/clients.test.ts

const blocks = pageNames()
  .filter((name) => !RUN.includes(name))
  .flatMap(filesOf)
  .flatMap(blocksOf);
let wrong: Map<Block, string[]>;

function expectTypes(block: Block): void {
  expect(wrong.get(block)).to.deep.equal([]);
}

describe("the code in the pages", () => {
  before(function () {
    this.timeout(60_000);
    wrong = typeCheck(blocks.filter(({ language }) => language === "js" || language === "ts"));
  });

  for (const block of blocks) {
    const { file, line, language } = block;
    if (language in UNCHECKED) continue;
    it(`${file}:${line} is sound ${language}`, () => {
      const check = CHECKED[language];
      if (!check) throw new Error(`How is ${language} checked? Add it to a list of this test.`);
      check(block);
    });
  }

  it("would be refused if it were not", () => {
    const at = { file: "", line: 1, language: "js" };
    const broken = {
      ...at,
      code: 'import { wechatLogin } from "express-wechat-login";\nwechatLogin({ appId: 5 });',
    };
    const unknown = { ...at, code: "wx.logn({});" };
    const found = typeCheck([broken, unknown]);
    expect(found.get(broken)?.join()).to.match(/not assignable|missing/);
    expect(found.get(unknown)?.join()).to.match(/'logn' does not exist/);
  }).timeout(60_000);
});
