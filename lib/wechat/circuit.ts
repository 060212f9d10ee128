import { WechatLoginError } from "../errors.ts";
import { unreachable } from "./errcodes.ts";

/** A launch brings many at once; they wait for one of fewer connections, no longer than `timeout`, and cost little memory. */
const MAX_IN_FLIGHT = 2000;
/** As many attempts in a row have to find WeChat out of reach before nobody is sent there any more. */
const FAILURES = 10;
const OPEN_MS = 5000;

/**
 * Keeps the host from piling up sockets where WeChat is down (circuit breaker, 熔断): after some failures in a row requests
 * are refused at once, and every few seconds one is let through to see. Only a WeChat that cannot be reached counts;
 * errcodes are answers. No more than so many are under way at once: the rest is refused as well, not queued.
 */
export function circuit() {
  let inFlight = 0;
  let failures = 0;
  /** On the clock that nobody sets: otherwise the circuit would stay open for an hour where the other is set back. */
  let openUntil = 0;

  function reached(): void {
    failures = 0;
  }

  function failed(error: unknown): void {
    failures = isUnreachable(error) ? failures + 1 : 0;
    openUntil = performance.now() + OPEN_MS;
  }

  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (inFlight >= MAX_IN_FLIGHT) throw unreachable(`${MAX_IN_FLIGHT} requests are under way already`);
    if (failures >= FAILURES) {
      if (performance.now() < openUntil) throw unreachable(`no attempt after ${failures} failures in a row`);
      // This one finds out; the others are refused until it has.
      openUntil = performance.now() + OPEN_MS;
    }
    inFlight += 1;
    const working = work().finally(() => {
      inFlight -= 1;
    });
    working.then(reached, failed);
    return await working;
  };
}

/** "System busy" (-1) comes from a WeChat that was reached. */
function isUnreachable(error: unknown): boolean {
  return (
    error instanceof WechatLoginError && error.code === "wechat_unavailable" && error.errcode === undefined
  );
}
