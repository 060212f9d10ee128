import { element, oneAtATime, reveal, show } from "./element.js";
import { facts, noticeOf, picture } from "./phone-views.js";
import { ask, post } from "./server.js";
import { text } from "./text.js";

/** The website: a QR code, the same person's phone that scans it, and the callback that signs this browser in. */
export function openWebsite(scene, diagram) {
  const place = document.getElementById("website");
  let state = { view: "out", notice: "" };
  const once = oneAtATime(place);

  function become(next) {
    state = { notice: "", ...next };
    document.getElementById("address").textContent = state.view === "in" ? "/me" : "/";
    render();
    reveal(place);
  }
  const render = () => show(place, ...VIEWS[state.view](), noticeOf(state.notice, "website"));

  async function showQr() {
    diagram.begin(scene.named("storyWeb"));
    const { body } = await ask("/web/embed?returnTo=/stage/me");
    if (body.error) become({ view: "out", notice: body.error.code });
    else become({ view: "qr", request: new URLSearchParams(body) });
  }

  /** What WeChat's script does in a page that shows its QR code: it leads the browser to the callback. */
  async function scan(answer) {
    const scanned = await post(`/scan/${scene.person()}/${answer}?${state.request}`);
    if (scanned.body.error) return become({ view: "out", notice: scanned.body.error.code });
    const { pathname, search } = new URL(scanned.body.location);
    const { body, url } = await ask(pathname.replace(/^\/stage/, "") + search);
    const code = new URL(url || location.href).searchParams.get("error") ?? body.error?.code;
    if (code) become({ view: "out", notice: code });
    else become({ view: "in", me: body });
  }

  async function logOut() {
    const { body } = await post("/web/logout");
    const code = body.error?.code;
    become({ view: "out", notice: code && code !== "login_required" ? code : "" });
  }

  const button = (name, work, kind) =>
    element(
      "button",
      { type: "button", class: kind, "data-first": name !== "scanRefuse", onclick: once(work) },
      text(name),
    );
  const VIEWS = {
    out: () => [
      element("img", { class: "logo", src: "/stage/shop.svg", alt: "", width: "64", height: "64" }),
      element("p", { class: "lead" }, text("webWelcome")),
      button("showQr", showQr, "primary"),
    ],
    qr: () => [
      element("img", {
        class: "qr",
        src: `/stage/qr.svg?${state.request}`,
        alt: text("qr"),
        width: "180",
        height: "180",
      }),
      element("p", {}, text("qrHint")),
      button("scanAllow", () => scan("allow"), "primary"),
      button("scanRefuse", () => scan("refuse"), "quiet"),
    ],
    in: () => [
      picture(state.me.avatarUrl, state.me.nickName),
      element("p", { class: "lead" }, state.me.nickName ?? text("signedIn")),
      element("p", { class: "user" }, text("user", { id: state.me.id })),
      facts({ unionid: state.me.unionid }),
      button("logOut", logOut, "quiet"),
    ],
  };

  document.addEventListener("language", render);
  become(state);
  return { restart: () => become({ view: "out" }) };
}
