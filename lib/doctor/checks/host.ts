import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { bad, type Check, type Finding, ok, warn } from "../check.ts";

type Host = Record<"findUser" | "saveUser", unknown>;

/** Whether the host's callbacks are there, and `findUser` finds nobody where there is nobody. Nothing is saved. */
export const host: Check = {
  name: "findUser, saveUser",
  async run({ settings: { host: file, folder, appId, timeout } }) {
    if (file === undefined)
      return warn("not checked: no --host", "--host file.js, which exports findUser and saveUser.");
    const module = await import(pathToFileURL(resolve(folder, file)).href).catch(Object);
    if (module instanceof Error)
      return bad(`the module throws: ${nameOf(module)}`, "Run it by node alone, to see why.");
    const { findUser, saveUser } = hostIn(module);
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

/** The message may hold the database's address and password. */
function nameOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === "string" ? `${error.name} ${code}` : error.name;
}
