import { readFileSync } from "node:fs";
import { expect } from "chai";
import sinon from "sinon";
import ts from "typescript";
import type { createLogin as CreateLogin, Login } from "../../example-app/miniprogram/wechat-login.js";
import { startApp } from "../support/login-app.ts";
import { createLogin, phoneInNode } from "./support/load.ts";
import type { Callbacks } from "./support/wx.ts";

/** Runs a block of docs/clients.md as it stands there, on our server; its imports are given, its exports come back. */
function run(name: string, given: object): Record<string, never> {
  const text = readFileSync("docs/clients.md", "utf8");
  const code = new RegExp(`\`\`\`[jt]s\\n// client: ${name}\\n([\\s\\S]*?)\`\`\``).exec(text)?.[1];
  if (!code) throw new Error(`docs/clients.md has no block ${name}`);
  const body = code.replaceAll(/^import .*\n/gm, "");
  const exported = [...body.matchAll(/^export (?:const|async function) (\w+)/gm)].map(([, word]) => word);
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  const plain = ts.transpileModule(body, { compilerOptions }).outputText.replaceAll(/^export (?!\{)/gm, "");
  const script = `${plain.replaceAll(/^export \{.*\n/gm, "")}; return { ${exported.join(", ")} };`;
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  const Runner = /^const .* = await/m.test(plain) ? AsyncFunction : Function;
  return new Runner(...Object.keys(given), script)(...Object.values(given));
}

/** A server, a phone, and a client that asks this server whatever address the documentation has. */
async function start(unionidAtLogin: boolean, options: Parameters<typeof startApp>[0] = { session: {} }) {
  const app = await startApp(options);
  const phone = phoneInNode(app.wechat.phone({ unionid: "u1", unionidAtLogin }));
  const here = (url: string) => url.replace("https://example.com", app.url);
  const wx = {
    ...phone.wx,
    request: (options: Parameters<typeof phone.wx.request>[0]) =>
      phone.wx.request({ ...options, url: here(options.url) }),
  };
  return { ...app, ...phone, wx };
}

type Loaded = { login: Login; loadUser(): Promise<{ user: { unionid: string } } | undefined> };

/** As Taro does it: a promise besides the callbacks, which rejects where `fail` is called. */
function taroOf<Wx extends object>(wx: Wx): Wx {
  const promised = ["login", "request", "uploadFile"].map((name) => [
    name,
    (options: Callbacks) =>
      new Promise((resolve, reject) => {
        const success = (result: unknown) => [options.success?.(result), resolve(result)];
        const fail = (error: { errMsg: string }) => [options.fail?.(error), reject(error)];
        (wx as unknown as Record<string, (options: Callbacks) => void>)[name]?.({
          ...options,
          success,
          fail,
        });
      }),
  ]);
  return { ...wx, ...Object.fromEntries(promised) };
}

describe("docs/clients.md", () => {
  for (const [name, variable, goTo] of [
    ["taro", "Taro", "navigateTo"],
    ["uni-app", "uni", "navigateTo"],
  ] as const) {
    it(`${name}: sends to the login page, and gives the user after the button`, async () => {
      const { wx, press } = await start(false);
      const navigateTo = sinon.spy(async (_page: object) => {});
      const like = { ...(name === "taro" ? taroOf(wx) : wx), [goTo]: navigateTo };
      const { login, loadUser } = run(name, { [variable]: like, createLogin }) as unknown as Loaded;
      expect(await loadUser()).to.equal(undefined);
      expect(navigateTo.callCount).to.equal(1);
      expect(await login.complete(await press("getUserInfo"))).to.include({ status: "signed_in" });
      expect((await loadUser())?.user.unionid).to.equal("u1");
    });
  }

  it("taro: a request that fails rejects once, and leaves no rejection that nobody looks at", async () => {
    const { wx } = await start(true);
    const unhandled = sinon.spy();
    process.once("unhandledRejection", unhandled);
    const login = createLogin({ wx: taroOf(wx), url: "http://127.0.0.1:1/wx" });
    const error = await login.start().catch(({ code }) => code);
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.removeListener("unhandledRejection", unhandled);
    expect([error, unhandled.callCount]).to.deep.equal(["unreachable", 0]);
  });

  it("taro: what a platform lacks is told by the promise alone, and holds nobody up", async () => {
    const { wx } = await start(true);
    const lacks = async () => Promise.reject({ errMsg: "not supported here" });
    for (const name of ["login", "request"]) {
      const login = createLogin({ wx: { ...wx, [name]: lacks }, url: "https://example.com/wx" });
      const { code, message } = await login.start().catch((error) => error);
      expect([code, message]).to.deep.equal(["unreachable", "not supported here"]);
    }
  });

  it("miniprogram: app.js and a page, with the button", async () => {
    const { wx, press, storedPage } = { ...(await start(false)), storedPage: [] as object[] };
    const app: { login?: Login; onLaunch?(): void } = {};
    const require = () => ({ createLogin: createLogin as typeof CreateLogin });
    run("miniprogram, app.js", { App: (definition: object) => Object.assign(app, definition), require, wx });
    app.onLaunch?.();
    const page = {
      setData: (data: object) => storedPage.push(data),
      onLoad: async () => {},
      onUserInfo: async (_event: { detail: object }) => {},
    };
    run("miniprogram, a page", {
      getApp: () => app,
      Page: (definition: object) => Object.assign(page, definition),
    });
    await page.onLoad();
    await page.onUserInfo({ detail: { errMsg: "getUserInfo:fail auth deny" } });
    await page.onUserInfo({ detail: await press("getUserInfo") });
    expect(storedPage).to.deep.equal([{ needsButton: true }, { needsButton: true }, { needsButton: false }]);
  });

  it("privacy: a dialog of one's own", async () => {
    const { wx } = await start(true);
    const page = { setData: sinon.spy(), onAgree() {}, onDisagree() {} };
    run("privacy", { wx, page });
    const login = createLogin({ wx, url: "https://example.com/wx" });
    for (const [press, agrees] of [
      ["onDisagree", false],
      ["onAgree", true],
    ] as const) {
      const answer = login.agreeToPrivacy();
      await new Promise((resolve) => setTimeout(resolve, 5));
      page[press]();
      expect(await answer).to.equal(agrees);
    }
    expect(page.setData.args).to.deep.equal([[{ asksPrivacy: true }], [{ asksPrivacy: true }]]);
  });

  it("own token: what onLogin returned is sent by wx.request, where the server has session: false", async () => {
    const { wx } = await start(true, { session: false, onLogin: () => ({ token: "jwt" }) });
    const request = sinon.spy();
    const login = createLogin({ wx, url: "https://example.com/wx" });
    const success = () => {};
    await run("own token", { login, wx: { request }, success });
    const header = { Authorization: "Bearer jwt" };
    expect(request.args).to.deep.equal([[{ url: "https://example.com/me", header, success }]]);
  });

  it("minigame: the button goes where the login is complete", async () => {
    const { wx, press } = await start(false);
    const destroy = sinon.spy();
    let tap = async (_result: object) => {};
    const createUserInfoButton = () => ({ destroy, onTap: (listener: typeof tap) => (tap = listener) });
    const login = createLogin({ wx, url: "https://example.com/wx" });
    await run("minigame", { login, wx: { createUserInfoButton }, style: {} });
    await tap({ errMsg: "getUserInfo:fail auth deny" });
    expect(destroy.callCount).to.equal(0);
    await tap(await press("getUserInfo"));
    expect(destroy.callCount).to.equal(1);
  });
});
