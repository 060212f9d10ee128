import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Browser, Page, Route } from "playwright-core";
import ts from "typescript";
import { type Phone, type PhoneUser, wechatSimulator } from "../../../lib/simulator/index.ts";
import { atEnd } from "../../support/login-app.ts";
import { freePort } from "../../support/redis-server.ts";
import { readProgram } from "./program.ts";

/** Where the Mini Program expects its server (config.js); in this browser it leads to the test's. */
const ORIGIN = "http://localhost:3000";
const RUNNER = "test/miniprogram/runner";
export const PROGRAM = "example-app/miniprogram";
export const APP = { appId: "wxminiprogram", secret: "s1" };

const { resolve } = createRequire(import.meta.url);
const bundle = (name: string, file: string) => join(resolve(name), "..", file);

/** What the page loads besides the Mini Program. */
const SERVED: Record<string, string> = {
  "/phone": `${RUNNER}/index.html`,
  "/runner/wechat.css": `${RUNNER}/wechat.css`,
  "/runner/runner.js": `${RUNNER}/runner.js`,
  "/runner/elements.js": `${RUNNER}/elements.js`,
  "/runner/phone.js": `${RUNNER}/phone.js`,
  "/runner/wx.js": "test/miniprogram/support/wx.ts",
  "/runner/glass-easel.js": bundle("glass-easel", "glass_easel.all.es.js"),
  "/runner/adapter.js": bundle("glass-easel-miniprogram-adapter", "glass_easel_miniprogram_adapter.es.js"),
};

/** The example as a process of its own, on the run's Redis, against a WeChat that the test holds. */
export async function startExample() {
  const wechat = await wechatSimulator(APP);
  const data = await mkdtemp(join(tmpdir(), "miniprogram-"));
  const port = await freePort();
  const env = {
    ...process.env,
    WECHAT_BASE_URL: wechat.baseUrl,
    WECHAT_APP_ID: APP.appId,
    WECHAT_SECRET: APP.secret,
    PORT: String(port),
    PUBLIC_URL: ORIGIN,
    DATA: data,
  };
  const child = spawn(process.execPath, ["--import=tsx", "example-app/app.ts"], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  for await (const chunk of child.stdout) {
    output += chunk;
    if (output.includes("Ctrl+C")) break;
  }
  const close = async () => {
    child.kill("SIGKILL");
    await once(child, "exit");
    await wechat.close();
    await rm(data, { recursive: true });
  };
  return { wechat, url: `http://localhost:${port}`, close };
}

export type Example = Awaited<ReturnType<typeof startExample>>;

/** A phone, as a window of its own: it has WeChat and its own storage; the Mini Program is not yet started. */
export async function openPhone(browser: Browser, { wechat, url }: Example, user: PhoneUser) {
  const phone = wechat.phone(user);
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: "zh-CN" });
  const page = await context.newPage();
  const errors = errorsOf(page);
  // Nothing that the browser has to complain of passes unseen.
  atEnd(() => expect(errors).to.deep.equal([]));
  atEnd(() => context.close());
  /** What the person's WeChat was asked, and what the server. */
  const used: string[] = [];
  const asked: string[] = [];
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (/^\/(wx|me)\b/.test(pathname)) asked.push(pathname);
  });
  await page.exposeFunction("simulatedPhone", ([method, ...args]: [keyof Phone, ...never[]]) => {
    used.push(method);
    return (phone[method] as (...args: never[]) => object)(...args);
  });
  const program = await readProgram(PROGRAM);
  await page.route(`${ORIGIN}/**`, (route) => serve(route, url, program));
  return {
    ...{ phone, page, used, asked },
    /** Starts the app, with the query of one of its compile modes. */
    start: (login: string) => page.goto(`${ORIGIN}/phone?login=${login}`),
    button: (name: string) => page.getByRole("button", { name }),
    /** The person answers WeChat's dialog. */
    async answer(question: string, answer: "允许" | "拒绝") {
      const dialog = page.getByRole("dialog").filter({ hasText: question });
      await dialog.getByRole("button", { name: answer }).click();
    },
  };
}

function errorsOf(page: Page): string[] {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    // The browser calls each HTTP status from 400 on an error; with those the Mini Program has to cope.
    const isStatus = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isStatus) errors.push(message.text());
  });
  return errors;
}

async function serve(route: Route, url: string, program: object): Promise<void> {
  const { pathname, search } = new URL(route.request().url());
  if (pathname === "/runner/program.json") return await route.fulfill({ json: program });
  const file = SERVED[pathname];
  if (!file) return await route.continue({ url: url + pathname + search });
  const text = await readFile(file, "utf8");
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  const body = file.endsWith(".ts") ? ts.transpileModule(text, { compilerOptions }).outputText : text;
  await route.fulfill({ body, contentType: typeOf(file) });
}

function typeOf(file: string): string {
  if (file.endsWith(".html")) return "text/html; charset=utf-8";
  return file.endsWith(".css") ? "text/css" : "text/javascript; charset=utf-8";
}
