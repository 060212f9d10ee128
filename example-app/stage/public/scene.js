import { ask, post } from "./server.js";
import { showStored } from "./stored.js";
import { text } from "./text.js";

const at = (id) => document.getElementById(id);

/** What the person in front of the page has chosen, the faults, and what is stored. */
export function openScene() {
  const listeners = [];
  let state = { redis: { kind: "own", isUp: true }, isHanging: false, users: [], keys: [] };

  function show() {
    const { redis, isHanging } = state;
    at("redis").textContent = text(redis.isUp ? "redisAway" : "redisBack");
    at("redis").disabled = redis.kind === "process";
    at("wechat").textContent = text(isHanging ? "wechatAnswers" : "wechatHangs");
    at("redis-note").textContent = text(
      { own: "redisOwn", given: "redisGiven", process: "redisProcess" }[redis.kind],
    );
    const lane = document.querySelector('[data-lane="redis"]');
    if (lane) lane.textContent = text(redis.kind === "process" ? "lane_store" : "lane_redis");
    showStored(state, refresh);
  }

  function take({ status, body }) {
    if (status === 200) state = { ...body, at: Date.now() };
    show();
  }

  const refresh = async () => take(await ask("/scene"));
  const notify = () => {
    for (const listener of listeners) listener();
  };

  at("redis").addEventListener("click", async () => {
    take(await post(state.redis.isUp ? "/redis/away" : "/redis/back"));
  });
  at("wechat").addEventListener("click", async () => {
    take(await post(state.isHanging ? "/wechat/answers" : "/wechat/hangs"));
  });
  at("forget").addEventListener("click", async () => {
    notify();
    take(await post("/forget"));
  });
  for (const id of ["scenario", "person"]) at(id).addEventListener("change", notify);
  document.addEventListener("language", show);
  document.addEventListener("change-of-scene", refresh);
  refresh();

  return {
    person: () => at("person").value,
    scenario: () => at("scenario").value,
    /** Where the Mini Program's requests go. */
    loginPath: () => `/wx-${at("scenario").value}${at("short").checked ? "-5s" : ""}`,
    /** What is chosen now, in the language of the page, whichever that will be. */
    named(template) {
      const [person, scenario] = ["person", "scenario"].map((id) => at(id).selectedOptions[0].dataset.text);
      return () => text(template, { person: text(person), scenario: text(scenario) });
    },
    onOtherPeople: (listener) => listeners.push(listener),
  };
}
