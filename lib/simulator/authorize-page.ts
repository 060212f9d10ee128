import type { WebAccount } from "./app.ts";
import { ownProfileOf } from "./phone.ts";
import type { Person } from "./web-logins.ts";

/** What the simulator answers a browser with: a page, or a redirect. */
export type Page = { status: number; html: string } | { location: string };

/** The apps that a web login can belong to. */
export interface WebAccounts {
  officialAccount?: WebAccount | undefined;
  website?: WebAccount | undefined;
}

/** The authorise pages, and what each is for. */
export const AUTHORIZE_PAGES = {
  "/connect/oauth2/authorize": { account: "officialAccount", scopes: ["snsapi_base", "snsapi_userinfo"] },
  "/connect/qrconnect": { account: "website", scopes: ["snsapi_login"] },
} as const;

/** Readable on a phone, too. */
const HEAD = [
  `<meta charset="utf-8"><meta name="viewport" content="width=device-width">`,
  "<style>body{max-width:40rem;margin:2rem auto;padding:0 1rem;font:1rem/1.6 system-ui,sans-serif}",
  "li{margin:1rem 0;overflow-wrap:anywhere}a{white-space:nowrap}</style>",
].join("");
const ORDER = "appid,redirect_uri,response_type,scope,state";

/** What an app's page asks for, checked. */
interface AuthorizeRequest {
  app: WebAccount;
  scope: string;
  redirectUri: URL;
  state: string;
}

/**
 * WeChat's authorise pages. Which phone holds the browser, or scans the QR code, is for the person in front of it to say:
 * the page lists all phones that there are.
 *
 * @param grant gives the code for an app whose request a person allows
 */
export function authorizePages(
  accounts: WebAccounts,
  people: Map<string, Person>,
  grant: (app: WebAccount, scope: string, person: Person) => string,
) {
  for (const [name, app] of Object.entries(accounts)) checkDomain(name, app);

  /** @throws {Error} what WeChat's page shows */
  function read({ pathname, searchParams }: URL): AuthorizeRequest {
    const page = AUTHORIZE_PAGES[pathname as keyof typeof AUTHORIZE_PAGES];
    if (!page) throw new Error(`No authorise page of WeChat: ${pathname}`);
    const { account, scopes } = page;
    const app = accounts[account];
    const names = [...searchParams.keys()].filter((name) => name !== "person" && name !== "answer");
    const [redirectUri, scope] = [searchParams.get("redirect_uri") ?? "", searchParams.get("scope") ?? ""];
    if (names.join() !== ORDER) throw new Error(`参数错误: the parameters must be ${ORDER}`);
    if (!app || searchParams.get("appid") !== app.appId) throw new Error("appid 参数错误");
    if (!isRegistered(redirectUri, app)) throw new Error("redirect_uri 参数错误 (10003)");
    if (!scopes.some((name) => name === scope)) throw new Error("Scope 参数错误或没有 Scope 权限 (10005)");
    const state = String(searchParams.get("state"));
    if (!/^[a-zA-Z0-9]{0,128}$/.test(state))
      throw new Error("state 参数错误: letters and digits, at most 128");
    return { app, scope, redirectUri: new URL(redirectUri), state };
  }

  /** A refusal comes back without a code. */
  function answer({ app, scope, redirectUri, state }: AuthorizeRequest, person: Person, refuse: boolean) {
    const back = new URL(redirectUri);
    if (!refuse) back.searchParams.set("code", grant(app, scope, person));
    back.searchParams.set("state", state);
    return back.href;
  }

  return {
    /** @throws {Error} what WeChat's page shows */
    authorize(url: string, person: Person, refuse: boolean): string {
      const parsed = new URL(url);
      if (parsed.hash !== "#wechat_redirect") throw new Error("The URL must end in #wechat_redirect");
      return answer(read(parsed), person, refuse);
    },
    page(url: URL): Page {
      try {
        const request = read(url);
        const person = people.get(url.searchParams.get("person") ?? "");
        if (!person) return { status: 200, html: listOf(url, request, people.values()) };
        return { location: answer(request, person, url.searchParams.get("answer") === "refuse") };
      } catch (error) {
        return { status: 400, html: html("微信", `<p>${escapeHtml((error as Error).message)}</p>`) };
      }
    },
  };
}

/** WeChat compares the whole host name: neither a subdomain nor the domain above will do. */
function isRegistered(redirectUri: string, { domain }: WebAccount): boolean {
  if (!URL.canParse(redirectUri)) return false;
  return domain === undefined || new URL(redirectUri).hostname === new URL(`http://${domain}`).hostname;
}

function checkDomain(name: string, app: WebAccount | undefined): void {
  const domain = app?.domain;
  if (domain === undefined || (/^[^\s/?#@:\\]+$/.test(domain) && URL.canParse(`http://${domain}`))) return;
  throw new TypeError(
    `wechatSimulator: "domain" of ${name} must be a domain without a scheme, a port and a path, such as shop.example.`,
  );
}

function listOf(url: URL, { app, scope }: AuthorizeRequest, people: Iterable<Person>): string {
  const link = (person: Person, answer: string, text: string) => {
    const target = new URL(url);
    target.searchParams.set("person", person.openid);
    target.searchParams.set("answer", answer);
    return `<a href="${escapeHtml(target.pathname + target.search)}">${text}</a>`;
  };
  const items = [...people].map((person) => {
    const name = `${escapeHtml(ownProfileOf(person).nickName)} (${escapeHtml(person.openid)})`;
    return `<li>${name}: ${link(person, "allow", "允许 Allow")} ${link(person, "refuse", "拒绝 Refuse")}</li>`;
  });
  return html(
    "微信登录",
    `<p>${escapeHtml(app.appId)}, ${escapeHtml(scope)}: who is it?</p><ul>${items.join("")}</ul>`,
  );
}

function html(title: string, body: string): string {
  return `<!doctype html><html lang="zh-CN">${HEAD}<title>${title}</title><h1>${title}</h1>${body}</html>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
