import { element } from "./element.js";
import { hasText, text } from "./text.js";

/**
 * The questions that WeChat asks the user. `privacy` is all that an ordinary Mini Program is asked about today; a Mini
 * Game and an old client still have the dialog of `userInfo`.
 */
export const SHEETS = {
  privacy: { button: "getUserInfo", refusal: "getUserInfoDisagreed", gives: ["unionid"] },
  userInfo: {
    ...{ button: "getUserInfo", refusal: "getUserInfoRefused" },
    gives: ["unionid", "nickName", "avatarUrl"],
  },
  phoneNumber: { button: "getPhoneNumber", refusal: "getPhoneNumberRefused", gives: ["phoneNumber"] },
};

/** WeChat's own dialog, which no Mini Program can draw. Escape refuses. */
export function sheetOf({ asks }, { answer }) {
  const note = `sheetNote_${asks}`;
  const sheet = element(
    "div",
    { class: "sheet", role: "dialog", "aria-labelledby": "sheet-title", "aria-describedby": "sheet-asked" },
    element("p", { id: "sheet-title", class: "strong" }, text(`sheetTitle_${asks}`)),
    element("p", { id: "sheet-asked" }, text(`sheet_${asks}`)),
    hasText(note) && element("p", { class: "muted note" }, text(note)),
    element(
      "div",
      { class: "row" },
      element("button", { type: "button", onclick: () => answer(false) }, text("refuse")),
      element(
        "button",
        { type: "button", class: "primary", "data-first": true, onclick: () => answer(true) },
        text(asks === "privacy" ? "agree" : "allow"),
      ),
    ),
  );
  sheet.addEventListener("keydown", ({ key }) => key === "Escape" && answer(false));
  return element("div", { class: "cover" }, sheet);
}
