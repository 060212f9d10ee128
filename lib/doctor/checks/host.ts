import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { bad, type Check, type Finding, ok, skip } from "../check.ts";
import { loadHost, nameOf } from "../load-host.ts";

type Host = Record<"findUser" | "saveUser", unknown>;

/** Whether the host's callbacks are there, and `findUser` finds nobody where there is nobody. Nothing is saved. */
export const host: Check = {
  name: "findUser, saveUser",
  async run({ settings }) {
    const { host: file, appId, timeout } = settings;
    if (file === undefined) return skip("no --host", "--host file.js, which exports findUser and saveUser.");
    const loaded = await loadHost(file, settings);
    if ("finding" in loaded) return loaded.finding;
    const { findUser, saveUser } = hostIn(loaded.module);
    if (typeof findUser !== "function" || typeof saveUser !== "function") {
      return bad(
        "findUser or saveUser is no function",
        "Export both, or the options object that holds both.",
      );
    }
    for (const unionid of [{}, { unionid: `doctor-${randomUUID()}` }]) {
      const identity = { appId, openid: `doctor-${randomUUID()}`, ...unionid };
      const found = await Promise.race([answerOf(findUser, identity), pause(timeout, LATE)]);
      const complaint = complaintOf(found);
      if (complaint) return complaint;
    }
    return ok("findUser finds nobody where there is nobody; saveUser is not called");
  },
};

const LATE = Symbol("late");

/** Exported one by one, as the default, or as `options`. */
function hostIn(module: Record<string, unknown>): Host {
  const places = [module, module.default, module.options].map(Object);
  return places.find((place) => "findUser" in place) ?? {};
}

async function answerOf(findUser: CallableFunction, identity: object): Promise<unknown> {
  try {
    return await findUser(identity);
  } catch (error) {
    return error instanceof Error ? error : new Error();
  }
}

function complaintOf(found: unknown): Finding | undefined {
  if (found === undefined || found === null) return undefined;
  if (found === LATE) return bad("findUser does not answer", "Look at the database's connection.");
  if (found instanceof Error) {
    return bad(`findUser throws for a stranger: ${nameOf(found)}`, "Return undefined or null for nobody.");
  }
  const cure =
    "Look by unionid only where it is given: a stranger without one must not match a user without one.";
  return bad(`findUser finds someone for a stranger: ${Array.isArray(found) ? "array" : typeof found}`, cure);
}
