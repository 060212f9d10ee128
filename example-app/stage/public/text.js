import { element } from "./element.js";
import { en } from "./text-en.js";
import { zh } from "./text-zh.js";

const TEXTS = { en, zh };
let language = localStorage.getItem("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en");

/** The text of this name in the language that was chosen; what is not there is its own name. */
export function text(name, values = {}) {
  const found = TEXTS[language][name] ?? name;
  return found.replace(/\{(\w+)\}/g, (_all, key) => values[key] ?? "");
}

/** Whether there is a text of this name. */
export function hasText(name) {
  return Object.hasOwn(TEXTS[language], name);
}

/** A text that changes with the language, wherever it is on the page. */
export function told(name) {
  return element("span", { "data-text": name }, text(name));
}

/** What is known of a user, in words: `["unionid", "avatarUrl"]` is "unionid, avatar". */
export function fields(names) {
  return names.map((name) => text(`field_${name}`)).join(text("comma"));
}

/** Translates what is on the page, and lets everything else know. */
export function speak(chosen = language) {
  language = chosen;
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = `${text("title")} · express-wechat-login`;
  for (const place of document.querySelectorAll("[data-text]")) place.textContent = text(place.dataset.text);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
  document.dispatchEvent(new Event("language"));
}

/** The person in front of the page chooses. */
export function chooseLanguage(chosen) {
  localStorage.setItem("language", chosen);
  speak(chosen);
}
