import { WechatLoginError } from "../errors.ts";

/** What one request holds of a budget. */
export interface Held {
  /** @throws {WechatLoginError} `server_busy` if the budget has not so many bytes left */
  take(bytes: number): void;
}

/** How many bytes of request bodies may be in memory at the same time. */
export interface ByteBudget {
  /** Runs `work`; what it has taken is given back when it ends, however it ends. */
  lend<Result>(work: (held: Held) => Promise<Result>): Promise<Result>;
}

/** An honest upload takes a few seconds. */
const RETRY_SECONDS = 5;

/**
 * Bounds the memory of requests under way: without it, slow uploads fill it, each of them small enough.
 *
 * @param limit bytes
 */
export function byteBudget(limit: number): ByteBudget {
  let left = limit;
  return {
    async lend(work) {
      let taken = 0;
      function take(bytes: number): void {
        if (bytes > left) throw serverBusy();
        left -= bytes;
        taken += bytes;
      }
      try {
        return await work({ take });
      } finally {
        left += taken;
      }
    },
  };
}

function serverBusy(): WechatLoginError {
  return new WechatLoginError("server_busy", "Too many requests are under way: try again in a few seconds.", {
    retryAfter: RETRY_SECONDS,
  });
}
