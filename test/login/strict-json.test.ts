import { expect } from "chai";
import fc from "fast-check";
import { parseStrictJson } from "../../lib/login/strict-json.ts";

const parse = (text: string) => parseStrictJson(Buffer.from(text));
const objects = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ stringUnit: "binary" }));

/** The same text, each character as JSON's escape of four digits. */
function escaped(text: string): string {
  const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("")}"`;
}

describe("strict JSON", () => {
  it("reads what JSON.parse reads, whatever stands in the texts", () => {
    fc.assert(
      fc.property(objects, (object) => {
        const text = JSON.stringify(object);
        expect([...parse(text)]).to.deep.equal(Object.entries(JSON.parse(text)));
      }),
      { numRuns: 1000 },
    );
  });

  it("refuses a name that comes twice, at whatever depth, behind whatever, however it is written", () => {
    const depth = fc.array(fc.constantFrom("list", "object"), { maxLength: 5 });
    fc.assert(
      fc.property(objects, fc.string({ unit: "binary" }), depth, (object, name, wraps) => {
        const inner = JSON.stringify({ ...object, [name]: 1 });
        let text = `{${escaped(name)}:2,${inner.slice(1)}`;
        for (const wrap of wraps) text = wrap === "list" ? `[0,${text},{}]` : `{"a":${text},"b":[]}`;
        expect(() => parse(`{"x":${text}}`)).to.throw("a name comes twice");
      }),
      { numRuns: 1000 },
    );
  });

  it("takes one name at several places", () => {
    const text = '{"a":{"a":[{"a":1},{"a":2}],"b":{"a":3}},"b":"a"}';
    expect(Object.fromEntries(parse(text))).to.deep.equal(JSON.parse(text));
  });

  it("is not misled by what looks like its own punctuation inside a text", () => {
    for (const value of [
      '"',
      "\\",
      '\\"',
      '","a":1,"',
      "{[:,]}",
      "\u2028\u2029",
      "\\\\u0022",
      "-0 1e5 007",
    ]) {
      expect([...parse(JSON.stringify({ a: value, b: 1 }))]).to.deep.equal([
        ["a", value],
        ["b", 1],
      ]);
    }
  });

  it("reaches no prototype", () => {
    const members = parse('{"__proto__":{"unionId":"x"},"constructor":1}');
    expect([...members.keys()]).to.deep.equal(["__proto__", "constructor"]);
    expect(Object(members).unionId).to.equal(undefined);
  });

  it("reads a text that is nested as deeply as a request can hold it", () => {
    const depth = 50_000;
    expect(parse(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`).size).to.equal(1);
  });
});
