import { readFileSync } from "node:fs";
import { expect } from "chai";
import type { Requirement } from "../../lib/index.ts";
import { redis, startApp } from "../support/login-app.ts";
import { phoneInNode } from "./support/load.ts";

interface Page {
  answer: { temporaryToken: string; sessionToken?: string };
  onLoad(): Promise<void>;
  onUserInfo(event: { detail: object }): Promise<void>;
}

/** The page of the README as it stands there, on a phone, with our server in the place of its own. */
async function open(required: Requirement[]) {
  const block = /```js\n\/\/ the page of the Mini Program\n([\s\S]*?)```/;
  const code = block.exec(readFileSync("README.md", "utf8"))?.[1];
  if (!code) throw new Error("README.md has no page of the Mini Program");
  const app = await startApp({ session: {}, require: required });
  const { wx, press } = phoneInNode(app.wechat.phone({ unionid: "u1", unionidAtLogin: false }));
  const shown = { needsButton: false };
  let page = { setData: (data: object) => Object.assign(shown, data) } as unknown as Page;
  const Page = (definition: object) => {
    page = Object.assign(page, definition);
  };
  new Function("wx", "Page", code.replace("https://example.com", app.url))(wx, Page);
  await page.onLoad();
  return { ...app, press, page, shown };
}

describe("the README's page of a Mini Program", () => {
  it("keeps its button after a refusal and an expired token, and then signs in", async () => {
    const { page, shown, press, keys, me } = await open(["unionid"]);
    await page.onUserInfo({ detail: { errMsg: "getUserInfo:fail auth deny" } });
    expect(shown.needsButton).to.equal(true);

    const { temporaryToken } = page.answer;
    await redis().del(await keys());
    await page.onUserInfo({ detail: await press("getUserInfo") });
    expect(shown.needsButton).to.equal(true);
    expect(page.answer.temporaryToken).to.be.a("string").that.does.not.equal(temporaryToken);

    await page.onUserInfo({ detail: await press("getUserInfo") });
    expect(shown.needsButton).to.equal(false);
    expect((await me(page.answer.sessionToken)).status).to.equal(200);
  });

  it("goes on with the new token where something is still missing", async () => {
    const { page, shown, press, wechat } = await open(["unionid", "nickName"]);
    for (let presses = 0; presses < 2; presses++) {
      const { temporaryToken } = page.answer;
      await page.onUserInfo({ detail: await press("getUserInfo") });
      expect(page.answer).to.include({ status: "incomplete" });
      expect([page.answer.temporaryToken === temporaryToken, shown.needsButton]).to.deep.equal([false, true]);
    }
    expect(wechat.requests).to.have.length(1);
  });
});
