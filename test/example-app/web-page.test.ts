import { readFileSync } from "node:fs";
import { expect } from "chai";

/** What the page of the website shows of its `?error=`, in a browser of this language. */
async function errorShown(error: string, language = "en-US"): Promise<unknown> {
  const elements: Record<string, Record<string, unknown>> = {};
  const getElementById = (id: string) => (elements[id] ??= { addEventListener() {} });
  const given = {
    localStorage: { getItem: () => null },
    navigator: { language },
    document: { documentElement: {}, getElementById },
    location: { search: `?${new URLSearchParams({ error })}` },
    fetch: async () => ({ ok: false, json: async () => ({}) }),
  };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  const text = readFileSync("example-app/public/web.js", "utf8");
  await new AsyncFunction(...Object.keys(given), text)(...Object.values(given));
  return elements.error?.textContent;
}

describe("the website of the example", () => {
  it("says what the known codes mean, in both languages, and shows nothing without one", async () => {
    expect(await errorShown("authorization_denied")).to.equal("Refused. authorization_denied");
    expect(await errorShown("authorization_denied", "zh-CN")).to.equal("已拒绝。 authorization_denied");
    expect(await errorShown("invalid_state")).to.equal("The login has expired: log in again. invalid_state");
    expect(await errorShown("")).to.equal("");
  });

  for (const error of [
    "Your account is locked: call 555 0100",
    "constructor",
    "toString",
    "__proto__",
    "hasOwnProperty",
    "login",
    "user",
    "authorization_denied ",
    "<b>x</b>",
  ]) {
    it(`shows nothing of the text of a link: ${error}`, async () => {
      expect(await errorShown(error)).to.equal("The login failed.");
      expect(await errorShown(error, "zh-CN")).to.equal("登录失败。");
    });
  }
});
