/** Makes an element; `on…` attributes are listeners, `null` and `false` children are left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (typeof value === "boolean") made.toggleAttribute(key, value);
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** One thing at a time in a place: a second press while something is under way does nothing. */
export function oneAtATime(place) {
  return (work) =>
    async (...given) => {
      if (place.getAttribute("aria-busy") === "true") return;
      place.setAttribute("aria-busy", "true");
      try {
        await work(...given);
      } finally {
        place.setAttribute("aria-busy", "false");
      }
    };
}

const FIRST = "[data-first]:not([inert] *)";

/** Puts new content into a place; who was in it with the keyboard stays in it. */
export function show(place, ...children) {
  const hadFocus = place.contains(document.activeElement);
  place.replaceChildren(...children.filter(Boolean));
  if (hadFocus) place.querySelector(FIRST)?.focus({ preventScroll: true });
}

/** Scrolls to what a person must see now: a question, or what went wrong. */
export function reveal(place) {
  place.querySelector(".sheet, .notice:not(:empty)")?.scrollIntoView({ block: "nearest" });
}
