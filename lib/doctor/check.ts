import type { Answer } from "./ask.ts";
import type { RedisOfDoctor } from "./redis.ts";
import type { Settings } from "./settings.ts";

/** What a check has found: all is well, look at it, or it is the cause of trouble; `skip` if it was not made. */
export type Level = "ok" | "warn" | "bad" | "skip";

/** What there is to say, and what to do about it. */
export interface Finding {
  level: Level;
  found: string;
  cure?: string;
}

/** What checks share; each thing is asked for once. */
export interface Context {
  settings: Settings;
  nodeVersion: string;
  /** WeChat's answer to a request that says nothing: no secret is in it. */
  wechat(): Promise<Answer>;
  /** WeChat's answer to `stable_token`. */
  stableToken(): Promise<Answer>;
  /** The answer of the host's login to an empty POST. */
  login(): Promise<Answer>;
  /** @throws {Error} in a sentence, where there is no client or no server */
  redis(): Promise<RedisOfDoctor>;
}

/** One row of the doctor's table. What it throws is a finding as well, told by its name only. */
export interface Check {
  name: string;
  run(context: Context): Finding | Promise<Finding>;
}

export const ok = (found: string): Finding => ({ level: "ok", found });
export const warn = (found: string, cure?: string): Finding => ({
  level: "warn",
  found,
  ...(cure !== undefined && { cure }),
});
/** For a check that was not made: that is no warning. */
export const skip = (why: string, how?: string): Finding => ({
  ...warn(`not checked: ${why}`, how),
  level: "skip",
});
export const bad = (found: string, cure: string): Finding => ({ level: "bad", found, cure });
