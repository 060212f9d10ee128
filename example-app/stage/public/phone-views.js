import { element } from "./element.js";
import { SHEETS, sheetOf } from "./phone-sheet.js";
import { left } from "./stored.js";
import { fields, hasText, text } from "./text.js";

const AVATARS = { hill: "avatarHill", flower: "avatarFlower", boat: "avatarBoat", kite: "avatarKite" };

/** What the phone shows in a state. */
export function viewOf(state, actions) {
  const content = VIEWS[state.view === "sheet" ? state.from : state.view](state, actions);
  const below = element("div", { class: "content", inert: state.view === "sheet" }, ...content);
  const missing = fields(state.missing ?? []);
  const hint = state.draft.nickName.trim() === "微信用户" ? text("placeholderHint") : "";
  return [
    below,
    noticeOf(state.notice, "phone", { missing, hint }),
    state.view === "sheet" && sheetOf(state, actions),
  ];
}

/** What went wrong, in words and with its code. Some things are said otherwise on the website than on the phone. */
export function noticeOf(code, device, values = {}) {
  const name = [`error_${code}_${device}`, `error_${code}`].find(hasText);
  const words = name === undefined ? "" : text(name, values);
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

function authoriseHint({ missing, asks }) {
  const gained = SHEETS[asks].gives.filter((name) => missing.includes(name));
  return text("authoriseHint", { missing: fields(missing), gained: fields(gained) });
}

const VIEWS = {
  welcome: (_state, { logIn }) => [
    logo(),
    element("p", { class: "lead" }, text("welcome")),
    primary("logIn", logIn),
  ],
  authorise: (state, { openSheet, logIn }) => [
    logo(),
    element("p", {}, authoriseHint(state)),
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
