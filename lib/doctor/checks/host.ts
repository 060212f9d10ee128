import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { didYouMean } from "../../nearest.ts";
import { bad, type Check, type Finding, ok, skip } from "../check.ts";
import { loadHost, nameOf } from "../load-host.ts";

const CALLBACKS = ["findUser", "saveUser"] as const;
type Host = Partial<Record<(typeof CALLBACKS)[number], unknown>>;

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
      return lacking({ findUser, saveUser }, loaded.module);
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
  return placesIn(module).find((place) => CALLBACKS.some((name) => name in place)) ?? {};
}

function placesIn(module: Record<string, unknown>): object[] {
  return [module, module.default, module.options].map(Object);
}

/** Names what is missing, and what was probably meant by it. */
function lacking(host: Host, module: Record<string, unknown>): Finding {
  const missing = CALLBACKS.filter((name) => typeof host[name] !== "function");
  const exported = placesIn(module).flatMap(Object.keys);
  const others = exported.filter((name) => !CALLBACKS.includes(name as (typeof CALLBACKS)[number]));
  const found = missing.map((name) => {
    const isThere = host[name] !== undefined;
    return isThere ? `${name} is no function.` : `there is no ${name}${didYouMean(name, others)}`;
  });
  const cure =
    "Export both, or the options object that holds both. The module is imported, and so run: start no server in it.";
  return bad(found.join(" "), cure);
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
    const name = nameOf(found);
    const cure = `It threw ${name}: run it by hand for an unknown openid, and look at the error. For nobody it returns undefined.`;
    return bad(`findUser throws for a stranger: ${name}`, cure);
  }
  if (Array.isArray(found)) {
    return bad("findUser finds someone for a stranger: array", "Return one row: return rows[0];");
  }
  const cure =
    "Look by unionid only where it is given: a stranger without one must not match a user without one.";
  return bad(`findUser finds someone for a stranger: ${typeof found}`, cure);
}
