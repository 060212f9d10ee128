import { oneAtATime, reveal, show } from "./element.js";
import { SHEETS } from "./phone-sheet.js";
import { tokenLeft, viewOf } from "./phone-views.js";
import { ask, bearer, post } from "./server.js";

const START = { view: "welcome", notice: "", draft: { nickName: "", avatar: "" } };

/** The Mini Program on the simulated phone: does what a real one does, with the answers of a real server. */
export function openPhone(scene, diagram) {
  const place = document.getElementById("phone");
  let state = { ...START };

  function become(next) {
    state = { ...state, notice: "", ...next };
    render();
    reveal(place);
  }
  const render = () => show(place, ...viewOf(state, actions));

  /** What `wx` gives; on the page it is the stage that asks the simulated phone. */
  const wx = async (action) => (await post(`/phone/${scene.person()}/${action}`)).body;

  const once = oneAtATime(place);
  /** Whether WeChat still gives this user's real name and picture, and has a dialog for it. */
  const givesProfile = () => ["old", "minigame"].includes(scene.person());

  async function take({ body }) {
    if (body.error) return fail(body.error.code);
    if (body.status !== "incomplete") return await enter(body.sessionToken);
    const { temporaryToken, missing, expiresIn } = body;
    const view = nextView(missing);
    const notice = state.view === "fill" && view === "fill" ? "incomplete" : "";
    const asks = view === "phoneNumber" ? view : givesProfile() ? "userInfo" : "privacy";
    become({ ...{ temporaryToken, missing, view, asks, notice }, end: Date.now() + expiresIn * 1000 });
  }

  function fail(code) {
    const isOver = ["invalid_temporary_token", "invalid_user_data", "unionid_unavailable", "login_required"];
    if (isOver.includes(code)) become({ ...START, notice: code });
    else become({ view: state.view === "sheet" ? state.from : state.view, notice: code });
  }

  /** The avatar and the nickname are typed in, unless the phone still gives real ones, which is tried once. */
  function nextView(missing) {
    const asksProfile = missing.includes("nickName") || missing.includes("avatarUrl");
    if (missing.includes("unionid") || (asksProfile && givesProfile() && !state.hasAsked)) return "authorise";
    return asksProfile ? "fill" : "phoneNumber";
  }

  async function enter(sessionToken) {
    const { body } = await ask("/me", { headers: bearer(sessionToken) });
    if (body.error) fail(body.error.code);
    else become({ view: "in", sessionToken, me: body });
  }

  async function complete(fields) {
    await take(
      await post(`${state.path}/login/complete`, { temporaryToken: state.temporaryToken, ...fields }),
    );
  }

  const actions = {
    logIn: once(async () => {
      diagram.begin(scene.named("storyPhone"));
      state = { ...START, path: scene.loginPath() };
      const { code, error } = await wx("login");
      if (error) fail(error.code);
      else await take(await post(`${state.path}/login`, { code }));
    }),
    openSheet: () => become({ view: "sheet", from: state.view }),
    answer: once(async (isAllowed) => {
      const { button, refusal } = SHEETS[state.asks];
      const { encryptedData, iv, rawData, signature, code, errMsg } = await wx(isAllowed ? button : refusal);
      if (!isAllowed) return await complete({ errMsg });
      state.hasAsked = true;
      if (state.asks === "phoneNumber") await complete({ phoneCode: code, errMsg });
      else await complete({ encryptedData, iv, rawData, signature, errMsg });
    }),
    save: once(async () => {
      const form = new FormData();
      form.append("temporaryToken", state.temporaryToken);
      if (state.draft.nickName) form.append("nickName", state.draft.nickName);
      if (state.draft.avatar) form.append("avatar", await pictureOf(state.draft.avatar), "tmp_avatar.png");
      await take(await ask(`${state.path}/login/complete`, { method: "POST", body: form }));
    }),
    choose: (avatar) => become({ draft: { ...state.draft, avatar } }),
    type: (nickName) => {
      state.draft = { ...state.draft, nickName };
    },
    whoAmI: once(() => enter(state.sessionToken)),
    logOut: once(async () => {
      const { body } = await post(`${state.path}/logout`, {}, state.sessionToken);
      if (body.error && body.error.code !== "login_required") fail(body.error.code);
      else become({ ...START });
    }),
  };

  document.addEventListener("language", render);
  setInterval(() => {
    const clock = place.querySelector(".token");
    if (clock) clock.textContent = tokenLeft(state.end);
  }, 1000);
  return { restart: () => become({ ...START }) };
}

/** A PNG, as `chooseAvatar` leaves one on the phone. */
async function pictureOf(name) {
  const image = new Image();
  image.src = `/stage/avatars/${name}.svg`;
  await image.decode();
  const canvas = new OffscreenCanvas(96, 96);
  canvas.getContext("2d").drawImage(image, 0, 0, 96, 96);
  return await canvas.convertToBlob({ type: "image/png" });
}
