import { readFileSync } from "node:fs";
import { posix } from "node:path";

const PROGRAM = "example-app/miniprogram";

/** What a page's handlers need of a page. */
export interface PageInNode {
  data: Record<string, unknown>;
  setData(changes: object): void;
  // biome-ignore lint/suspicious/noExplicitAny: the handlers of any page.
  [handler: string]: any;
}

/** A page of the example as it is on disk, without its template; `wx` and the app are the test's. */
export function loadPage(path: string, { app, wx }: { app: object; wx: object }): PageInNode {
  let page = {} as PageInNode;
  const Page = (definition: PageInNode) => {
    page = definition;
  };
  load(`pages/${path}/${path}.js`, { Page, getApp: () => app, wx });
  page.setData = (changes) => void Object.assign(page.data, changes);
  return page;
}

function load(path: string, globals: object): object {
  const module = { exports: {} };
  const require = (name: string) => load(posix.join(posix.dirname(path), name), globals);
  const text = readFileSync(`${PROGRAM}/${path}`, "utf8");
  const given = { require, module, ...globals };
  new Function(...Object.keys(given), text)(...Object.values(given));
  return module.exports;
}
