import { element } from "./element.js";
import { left } from "./stored.js";
import { hasText, text } from "./text.js";

const AVATARS = { hill: "avatarHill", flower: "avatarFlower", boat: "avatarBoat", kite: "avatarKite" };

/** What the phone shows in a state. */
export function viewOf(state, actions) {
  const content = VIEWS[state.view === "sheet" ? state.from : state.view](state, actions);
  const below = element("div", { class: "content", inert: state.view === "sheet" }, ...content);
  return [below, noticeOf(state.notice), state.view === "sheet" && sheetOf(state, actions)];
}

/** What went wrong, in words and with its code. */
export function noticeOf(code) {
  const words = hasText(`error_${code}`) ? text(`error_${code}`) : "";
  return element(
    "p",
    { class: "notice", role: "status" },
    ...(code ? [words, " ", element("code", {}, code)] : []),
  );
}

/** How long the temporary token is still good. */
export function tokenLeft(end) {
  return end > Date.now() ? text("tokenLeft", { left: left(end) }) : text("tokenOver");
}

const primary = (name, onclick) =>
  element("button", { type: "button", class: "primary", "data-first": true, onclick }, text(name));
const secondary = (name, onclick) =>
  element("button", { type: "button", class: "quiet", onclick }, text(name));
const token = ({ end }) => element("p", { class: "token muted" }, tokenLeft(end));
const logo = () =>
  element("img", { class: "logo", src: "/stage/shop.svg", alt: "", width: "88", height: "88" });

const VIEWS = {
  welcome: (_state, { logIn }) => [
    logo(),
    element("p", { class: "lead" }, text("welcome")),
    primary("logIn", logIn),
  ],
  authorise: (state, { openSheet, logIn }) => [
    logo(),
    element("p", {}, text("authoriseHint", { missing: state.missing.join(", ") })),
    primary("authorise", openSheet),
    secondary("logInAgain", logIn),
    token(state),
  ],
  phoneNumber: (state, { openSheet, logIn }) => [
    logo(),
    element("p", {}, text("phoneNumberHint")),
    primary("phoneNumber", openSheet),
    secondary("logInAgain", logIn),
    token(state),
  ],
  fill: fillIn,
  in: ({ me }, { whoAmI, logOut }) => [
    picture(me.avatarUrl, me.nickName),
    element("p", { class: "lead" }, me.nickName ?? text("signedIn")),
    element("p", { class: "user" }, text("user", { id: me.id })),
    facts({ unionid: me.unionid, phoneNumber: me.phoneNumber }),
    element(
      "div",
      { class: "row" },
      secondary("whoAmI", whoAmI),
      element(
        "button",
        { type: "button", class: "quiet", "data-first": true, onclick: logOut },
        text("logOut"),
      ),
    ),
  ],
};

/** `<button open-type="chooseAvatar">` and `<input type="nickname">`. */
function fillIn(state, { choose, type, save }) {
  const choices = Object.entries(AVATARS).map(([name, label]) =>
    element(
      "button",
      {
        ...{ type: "button", class: "choice", "aria-label": text(label), onclick: () => choose(name) },
        "aria-pressed": String(state.draft.avatar === name),
      },
      element("img", { src: `/stage/avatars/${name}.svg`, alt: "", width: "44", height: "44" }),
    ),
  );
  const field = element("input", {
    ...{
      type: "text",
      maxlength: "32",
      autocomplete: "off",
      value: state.draft.nickName,
      "data-first": true,
    },
    oninput: ({ target }) => type(target.value),
  });
  return [
    element("p", { class: "lead" }, text("fillIn")),
    element("div", { class: "choices", role: "group", "aria-label": text("avatar") }, ...choices),
    element("label", { class: "field" }, element("span", {}, text("nickName")), field),
    element("button", { type: "button", class: "primary", onclick: save }, text("save")),
    token(state),
  ];
}

/** WeChat's own dialog, which no Mini Program can draw. Escape refuses. */
function sheetOf({ from }, { answer }) {
  const asked = from === "phoneNumber" ? "sheetPhoneNumber" : "sheetUserInfo";
  const sheet = element(
    "div",
    { class: "sheet", role: "dialog", "aria-labelledby": "sheet-title", "aria-describedby": "sheet-asked" },
    element("p", { id: "sheet-title", class: "strong" }, text("sheetTitle")),
    element("p", { id: "sheet-asked" }, text(asked)),
    element(
      "div",
      { class: "row" },
      element("button", { type: "button", onclick: () => answer(false) }, text("refuse")),
      primary("allow", () => answer(true)),
    ),
  );
  sheet.addEventListener("keydown", ({ key }) => key === "Escape" && answer(false));
  return element("div", { class: "cover" }, sheet);
}

/** The avatar where it is one of this server's; else the first letter. */
export function picture(avatarUrl, name) {
  const path = avatarUrl && new URL(avatarUrl).pathname;
  if (path && /^\/(avatars|stage)\//.test(path)) {
    return element("img", { class: "avatar", src: path, alt: "", width: "72", height: "72" });
  }
  return element("div", { class: "avatar", "aria-hidden": "true" }, (name ?? "?").slice(0, 1));
}

/** Names and values, where there are any. */
export function facts(values) {
  const known = Object.entries(values).filter(([, value]) => value);
  return element(
    "dl",
    {},
    ...known.flatMap(([name, value]) => [element("dt", {}, name), element("dd", { title: value }, value)]),
  );
}
