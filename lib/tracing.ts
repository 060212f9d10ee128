import { tracingChannel } from "node:diagnostics_channel";
import { WechatLoginError } from "./errors.ts";

/** What a login spends its time with: requests to WeChat, commands of the store, callbacks of the host. */
export type TracedKind = "wechat" | "store" | "host";

/**
 * What subscribers of `tracing:express-wechat-login:<kind>:asyncEnd` receive; at `start` only `name` is there. No
 * arguments, no results and no errors: keys, codes and session_keys are in them.
 */
export interface Traced {
  /** The path of WeChat's API, the store's command, or the callback. */
  name: string;
  /** `ok`, the code of a `WechatLoginError`, or `error` for everything else. */
  outcome?: string;
  /** Milliseconds. */
  duration?: number;
  /** WeChat's, where its answer is a refusal. */
  errcode?: number;
}

const channels = {
  wechat: tracingChannel<string, Traced>("express-wechat-login:wechat"),
  store: tracingChannel<string, Traced>("express-wechat-login:store"),
  host: tracingChannel<string, Traced>("express-wechat-login:host"),
};

/** Does some work, and tells who listens how long it took and how it ended; costs nothing where nobody does. */
export async function trace<Result>(
  kind: TracedKind,
  name: string,
  work: (traced: Traced) => Promise<Result>,
): Promise<Result> {
  const channel = channels[kind];
  const traced: Traced = { name };
  if (!channel.hasSubscribers) return await work(traced);
  const begun = performance.now();
  let settled: { result: Result } | { error: unknown } | undefined;
  // tracePromise publishes what its function gives and throws: hence nothing.
  await channel.tracePromise(async () => {
    settled = await work(traced).then(
      (result) => ({ result }),
      (error) => ({ error }),
    );
    traced.outcome = outcomeOf(settled);
    traced.duration = performance.now() - begun;
  }, traced);
  if (settled && "result" in settled) return settled.result;
  throw settled?.error;
}

function outcomeOf(settled: { result: unknown } | { error: unknown }): string {
  if ("result" in settled) return "ok";
  return settled.error instanceof WechatLoginError ? settled.error.code : "error";
}
