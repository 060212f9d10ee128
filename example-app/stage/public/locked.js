import { element } from "./element.js";
import { told } from "./text.js";

/** A text in which the server has put locked boxes in the place of secrets, ready to be shown. */
export function unlocked(written) {
  return String(written)
    .split(/(‹locked: [^›]+›)/)
    .map((part) => {
      const name = /^‹locked: ([^›]+)›$/.exec(part)?.[1];
      return name === undefined ? part : element("span", { class: "locked" }, told("locked"), name);
    });
}

/** JSON as one reads it; JSON inside of strings is unfolded, too. */
export function unfolded(detail) {
  if (detail === undefined || detail === null) return "–";
  if (typeof detail === "string") return detail;
  return JSON.stringify(
    detail,
    (_name, value) => {
      if (typeof value !== "string" || !/^[[{]/.test(value)) return value;
      try {
        return JSON.parse(value);
      } catch {
        return value;
      }
    },
    2,
  ).replaceAll("\\n", "\n    ");
}
