import { readFileSync } from "node:fs";
import { expect } from "chai";
import { explain } from "../../lib/doctor/explain.ts";

/** Some of the codes of the error table; test/docs/links.test.ts looks for a section of each of them. */
const CODES = [
  "invalid_request",
  "invalid_code",
  "unionid_unavailable",
  "misconfigured",
  "wechat_unavailable",
];

describe("the command explain", () => {
  for (const [language, page] of [
    ["en", "docs/troubleshooting.md"],
    ["zh", "docs/troubleshooting.zh-CN.md"],
  ] as const) {
    it(`prints the section of a code, as it stands in ${page}`, () => {
      const text = readFileSync(page, "utf8");
      for (const code of CODES) {
        const [printed, exitCode] = explain(["--lang", language, code]);
        expect(exitCode).to.equal(0);
        expect(text).to.include(`### ${printed}`);
        expect(printed.split("\n").filter((line) => line.startsWith("#"))).to.deep.equal([]);
        expect(printed.length).to.be.greaterThan(code.length + 20);
      }
    });

    it(`lists the codes of ${page} where it is given none`, () => {
      const [printed, exitCode] = explain(["--lang", language]);
      const codes = printed.trimEnd().split("\n");
      expect(codes).to.include.members(CODES);
      for (const code of codes) expect(code).to.match(/^[a-z]+(_[a-z]+)+$|^misconfigured$/);
      expect(exitCode).to.equal(0);
    });
  }

  it("takes the docs of an error, and English for granted", () => {
    expect(explain(["docs/troubleshooting.md#invalid_code"])).to.deep.equal(
      explain(["--lang", "en", "invalid_code"]),
    );
  });

  it("ends with the last section of the codes where the others begin", () => {
    expect(explain(["wechat_unavailable"])[0]).to.not.include("Without an error code");
  });

  it("says that a code is unknown, and which was probably meant", () => {
    const [list] = explain([]);
    expect(explain(["invalid_cod"])).to.deep.equal([
      `There is no code "invalid_cod": did you mean "invalid_code"? These are all:\n${list}`,
      1,
    ]);
    expect(explain(["nonsense"])).to.deep.equal([`There is no code "nonsense". These are all:\n${list}`, 1]);
  });

  it("says what is wrong in the command line", () => {
    expect(() => explain(["--lang", "fr"])).to.throw(TypeError, "--lang takes en or zh.");
    expect(() => explain(["a", "b"])).to.throw(TypeError, "explain takes one code.");
  });
});
