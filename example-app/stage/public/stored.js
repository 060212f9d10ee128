import { element, show } from "./element.js";
import { unlocked } from "./locked.js";
import { text } from "./text.js";

let timer;
/** The keys that a reader has opened: they stay open when the list is made anew. */
const opened = new Set();

/** Shows users and keys, each key with the time it has left; asks again when one is over. */
export function showStored(state, refresh) {
  clearInterval(timer);
  const clocks = [];
  const focused = document.activeElement?.closest("[data-key]")?.dataset.key;
  show(
    document.getElementById("stored"),
    element("h3", {}, text("users")),
    usersOf(state.users),
    element("h3", {}, text(state.redis.kind === "process" ? "lane_store" : "keys")),
    keysOf(state, clocks),
  );
  if (focused) document.querySelector(`[data-key="${CSS.escape(focused)}"] summary`)?.focus();
  const tick = () => {
    for (const { place, end } of clocks) place.textContent = left(end);
    if (clocks.some(({ end }) => end <= Date.now())) {
      clearInterval(timer);
      setTimeout(refresh, 300);
    }
  };
  tick();
  if (clocks.length > 0) timer = setInterval(tick, 1000);
}

/** Minutes and seconds until a moment. */
export function left(end) {
  const seconds = Math.max(0, Math.ceil((end - Date.now()) / 1000));
  return seconds === 0
    ? text("over")
    : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function usersOf(users) {
  if (users.length === 0) return element("p", { class: "muted" }, text("usersNone"));
  const names = ["id", "nickName", "unionid", "phoneNumber", "avatarUrl"];
  const cell = (user, name) => {
    const value = user[name] ?? "–";
    return element("td", {}, element("span", { class: "cut", title: String(value) }, String(value)));
  };
  return element(
    "div",
    { class: "table", tabindex: "0", role: "region", "aria-label": text("users") },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)))),
      element(
        "tbody",
        {},
        ...users.map((user) => element("tr", {}, ...names.map((name) => cell(user, name)))),
      ),
    ),
  );
}

function keysOf({ redis, keys, at }, clocks) {
  const note = (name) => element("p", { class: "muted" }, text(name));
  if (redis.kind === "process") return note("keysProcess");
  if (!keys) return note("keysAway");
  if (keys.length === 0) return note("keysNone");
  const rows = keys.map(({ kind, key, value, ttl }) => {
    const clock = element("span", { class: "clock" });
    clocks.push({ place: clock, end: at + ttl });
    return element(
      "li",
      {},
      element(
        "details",
        {
          ...{ "data-key": key, open: opened.has(key) },
          ontoggle: ({ target }) => (target.open ? opened.add(key) : opened.delete(key)),
        },
        element("summary", {}, element("span", {}, kind ? text(`key_${kind}`) : key), clock),
        element("pre", { tabindex: "0" }, `${key}\n`, ...unlocked(value)),
      ),
    );
  });
  return element("ul", { class: "keys" }, ...rows);
}
