// Runs a Mini Program in the browser: its files as they are, on glass-easel, which is what runs them in WeChat, too.
import { CurrentWindowBackendContext, Event } from "glass-easel";
import { MiniProgramEnv } from "glass-easel-miniprogram-adapter";
import { ELEMENTS } from "./elements.js";
import { wx } from "./phone.js";

/** Of each file its text; of the templates what the compiler made of them. */
const { texts, templates, styles } = await (await fetch("/runner/program.json")).json();
const jsonOf = (path) => JSON.parse(texts[path] ?? "{}");
const modules = new Map();
const env = new MiniProgramEnv();
const screen = new CurrentWindowBackendContext();
const backend = env.associateBackend(screen);
const space = env.createCodeSpace("", true);
let app;
let root;

function load(path) {
  const known = modules.get(path);
  if (known) return known.exports;
  if (texts[path] === undefined) throw new Error(`module '${path}' is not defined`);
  const module = { exports: {} };
  modules.set(path, module);
  const folder = new URL(path, "file:///");
  const require = (name) => load(new URL(name, folder).pathname.slice(1));
  new Function("require", "module", "exports", texts[path])(require, module, module.exports);
  return module.exports;
}

function templateOf(path) {
  return { groupList: groups, content: groups[path] };
}

function define(path, run) {
  space.addComponentStaticConfig(path, jsonOf(`${path}.json`));
  space.addCompiledTemplate(path, templateOf(path));
  run();
}

function show(url) {
  const { pathname, searchParams } = new URL(url, "file:///");
  const path = pathname.slice(1);
  const next = backend.createRoot("page", space, path);
  root?.release();
  const placeholder = document.createElement("div");
  document.querySelector("page, #page").replaceWith(placeholder);
  next.attach(document.body, placeholder);
  root = next;
  const { window: shared } = jsonOf("app.json");
  document.querySelector("#bar").textContent = {
    ...shared,
    ...jsonOf(`${path}.json`),
  }.navigationBarTitleText;
  root.get().onLoad?.(Object.fromEntries(searchParams));
}

// The browser's events reach the elements: tap.
screen.onEvent((target, type, detail, options) => Event.triggerEvent(target, type, detail, options));

const groups = new Function(`return ${templates}`)();
for (const [name, definition] of Object.entries(ELEMENTS)) {
  const path = `wechat/${name}`;
  define(path, () => space.componentEnv(path, ({ Component }) => Component(definition)));
  space.getComponentSpace().setGlobalUsingComponent(name, space.getComponentSpace().getComponent(path));
}

const sheet = document.createElement("style");
sheet.textContent = styles;
document.head.append(sheet);

Object.assign(window, {
  wx: { ...wx, reLaunch: ({ url }) => show(url), redirectTo: ({ url }) => show(url) },
  App: (definition) => {
    app = definition;
  },
  getApp: () => app,
});
const { pages } = jsonOf("app.json");
const query = Object.fromEntries(new URLSearchParams(location.search));
load("app.js");
app.onLaunch({ path: pages[0], query });
for (const page of pages)
  define(page, () => space.globalComponentEnv(window, page, () => load(`${page}.js`)));
show(`/${pages[0]}`);
