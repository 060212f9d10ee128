import { element } from "./element.js";
import { unfolded, unlocked } from "./locked.js";
import { hasText, told } from "./text.js";

const LANES = ["phone", "server", "wechat", "redis", "database"];

/** The live sequence diagram: one story for each login, the newest first. */
export function openDiagram() {
  const stories = document.getElementById("stories");
  const scroll = document.getElementById("scroll");
  const peek = document.getElementById("peek");
  let arrows;
  let newest;
  const titles = new Map();
  // Where it has a scroll bar, the keyboard can reach it.
  scroll.tabIndex = 0;

  const lanes = LANES.map((lane) =>
    element(
      "li",
      { class: `lane ${lane}` },
      element("span", { "data-lane": lane, "data-text": `lane_${lane}` }),
    ),
  );
  document.getElementById("lanes").append(...lanes);

  function showPeek() {
    peek.hidden = !newest;
    peek.textContent = `↓ ${newest?.querySelector("summary").textContent ?? ""}`;
  }

  function clear() {
    arrows = undefined;
    newest = undefined;
    titles.clear();
    showPeek();
    stories.replaceChildren(element("p", { class: "muted none" }, told("messagesNone")));
  }

  /** Begins a new story; what comes from now on belongs to it. `title` gives its heading in the language of the page. */
  function begin(title) {
    arrows = element("ol", { class: "arrows" });
    const heading = element("h3", { class: "story" }, title());
    titles.set(heading, title);
    stories.querySelector(".none")?.remove();
    stories.prepend(element("section", {}, heading, arrows));
    scroll.scrollTop = 0;
  }

  function add(message) {
    if (!arrows) begin(() => "…");
    const arrow = arrowOf(message);
    arrows.append(arrow);
    newest = arrow;
    showPeek();
    // Follows the story, where the diagram has a scroll bar of its own.
    const below = arrow.getBoundingClientRect().bottom - scroll.getBoundingClientRect().bottom;
    if (below > 0) scroll.scrollTop += below + 8;
  }

  const source = new EventSource("/stage/messages");
  source.addEventListener("message", ({ data }) => add(JSON.parse(data)));
  source.addEventListener("change", () => document.dispatchEvent(new Event("change-of-scene")));
  document.addEventListener("language", () => {
    for (const [heading, title] of titles) heading.textContent = title();
    showPeek();
  });
  document.getElementById("clear").addEventListener("click", clear);
  clear();
  return { begin };
}

function arrowOf({ from, to, title, detail, isAnswer, hasFailed }) {
  const [start, end] = [LANES.indexOf(from), LANES.indexOf(to)];
  const classes = [
    "arrow",
    end < start && "back",
    isAnswer && "answer",
    start + end === 1 && "first",
    hasFailed && "failed",
  ];
  const summary = element(
    "summary",
    {},
    element("span", { class: "sr" }, told(`lane_${from}`), " → ", told(`lane_${to}`), ": "),
    element("span", { class: "label" }, hasText(`said_${title}`) ? told(`said_${title}`) : title),
    element("span", { class: "line", "aria-hidden": "true" }),
  );
  const made = element(
    "li",
    { class: classes.filter(Boolean).join(" ") },
    element("details", {}, summary, element("pre", { tabindex: "0" }, ...unlocked(unfolded(detail)))),
  );
  made.style.setProperty("--start", Math.min(start, end));
  made.style.setProperty("--lanes", Math.abs(end - start));
  made.style.setProperty("--characters", title.length);
  return made;
}
