import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import GithubSlugger from "github-slugger";
import { WechatLoginError, type WechatLoginErrorCode } from "../../lib/errors.ts";
import { filesOf, pageNames, proseOf } from "./pages.ts";

/** The compiler refuses a list that lacks a code. */
const CODES: Record<WechatLoginErrorCode, true> = {
  invalid_request: true,
  authorization_denied: true,
  invalid_phone_code: true,
  invalid_code: true,
  invalid_state: true,
  invalid_temporary_token: true,
  invalid_user_data: true,
  login_required: true,
  unionid_unavailable: true,
  profile_unavailable: true,
  snapshot_user: true,
  user_blocked: true,
  content_rejected: true,
  cross_site: true,
  account_conflict: true,
  rate_limited: true,
  misconfigured: true,
  wechat_error: true,
  method_not_allowed: true,
  server_busy: true,
  wechat_unavailable: true,
};

/** The anchors that GitHub gives a page's headings. */
function anchorsOf(file: string): string[] {
  const slugger = new GithubSlugger();
  return [...proseOf(file).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => slugger.slug(title));
}

function linksIn(file: string): { path: string; anchor: string | undefined }[] {
  return [...proseOf(file).matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)\)/g)].map(
    ([, path = "", anchor = ""]) => ({
      path: path === "" ? file : join(dirname(file), path),
      anchor: anchor === "" ? undefined : decodeURIComponent(anchor),
    }),
  );
}

for (const name of pageNames()) {
  for (const file of filesOf(name)) {
    it(`${file} links to files and headings that are there`, () => {
      for (const { path, anchor } of linksIn(file)) {
        expect(existsSync(path), path).to.equal(true);
        if (anchor !== undefined) expect(anchorsOf(path), path).to.include(anchor);
      }
    });
  }
}

describe("the READMEs", () => {
  for (const [index, readme] of filesOf("README").entries()) {
    it(`${readme} leads to every page of its language`, () => {
      const pages = pageNames().filter((name) => name !== "README");
      const linked = linksIn(readme).map(({ path }) => path);
      expect(linked).to.include.members(pages.map((name) => filesOf(name)[index]));
    });
  }
});

describe("the docs of an error", () => {
  for (const code of Object.keys(CODES) as WechatLoginErrorCode[]) {
    it(`${code} lead to a section of the troubleshooting page, in both languages`, () => {
      const [page = "", anchor] = new WechatLoginError(code, "").toJSON().error.docs.split("#");
      expect(page).to.equal("docs/troubleshooting.md");
      for (const file of filesOf("docs/troubleshooting")) expect(anchorsOf(file)).to.include(anchor);
    });
  }
});
