import { readFileSync } from "node:fs";
import { expect } from "chai";
import { explain } from "../../lib/doctor/explain.ts";
import type { WarningCode } from "../../lib/warnings.ts";

/** Some of the codes of the error table; test/docs/links.test.ts looks for a section of each of them. */
const CODES = [
  "invalid_request",
  "invalid_code",
  "unionid_unavailable",
  "misconfigured",
  "wechat_unavailable",
];

/** The compiler refuses a list that lacks a code. */
const WARNINGS: Record<WarningCode, true> = {
  WECHAT_LOGIN_USER_NOT_FOUND: true,
  WECHAT_LOGIN_FIELD_MISSING: true,
  WECHAT_LOGIN_WECHAT_REFUSES: true,
  WECHAT_LOGIN_TRUST_PROXY: true,
  WECHAT_LOGIN_OTHER_HOST: true,
};

/** What logs show of WeChat, and the sections that explain it; the last two are known to nobody. */
const ERRCODES: Record<string, string[]> = {
  "-1": ["wechat_unavailable"],
  40001: ["misconfigured", "wechat_error"],
  40013: ["misconfigured"],
  40029: ["invalid_phone_code", "invalid_code"],
  40125: ["misconfigured"],
  40163: ["invalid_code"],
  40164: ["misconfigured"],
  40226: ["user_blocked"],
  40243: ["misconfigured"],
  41002: ["misconfigured"],
  41004: ["misconfigured"],
  41008: ["invalid_request"],
  42001: ["wechat_error"],
  45009: ["rate_limited"],
  45011: ["rate_limited"],
  50002: ["misconfigured"],
  50007: ["misconfigured"],
  61010: ["wechat_error"],
  87014: ["content_rejected"],
  48004: ["wechat_error"],
  4012: [],
};

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
      for (const code of codes) {
        expect(code).to.match(/^[a-z]+(_[a-z]+)+$|^misconfigured$|^WECHAT_LOGIN(_[A-Z]+)+$/);
      }
      expect(exitCode).to.equal(0);
    });

    it(`finds WeChat's errcodes in ${page}`, () => {
      for (const [errcode, codes] of Object.entries(ERRCODES)) {
        const expected = codes.map((code) => explain(["--lang", language, code])[0]).join("\n");
        const [printed, exitCode] = explain(["--lang", language, errcode]);
        if (expected) expect(printed, errcode).to.equal(expected);
        expect(exitCode, errcode).to.equal(expected ? 0 : 1);
      }
    });

    it(`finds every warning in ${page}`, () => {
      for (const code of Object.keys(WARNINGS)) {
        const [printed, exitCode] = explain(["--lang", language, code]);
        expect(exitCode).to.equal(0);
        const [heading, blank, explained, ...rest] = printed.split("\n");
        expect([heading, blank, ...rest]).to.deep.equal([code, "", ""]);
        expect(readFileSync(page, "utf8")).to.include(`| \`${code}\` | ${explained} |\n`);
      }
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
