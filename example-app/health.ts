import type { Server } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { type RequestHandler, type Response, Router } from "express";

/** Whoever asks whether we are ready does not wait longer. */
const CHECK_MS = 1000;
/** What is under way by then is given up: longer than a login waits for WeChat (10 s), shorter than a supervisor waits (30 s). */
const LAST_ANSWER_MS = 20_000;

/**
 * What the world around the process wants to know of it, and how it ends.
 *
 * `GET /healthz`: the process is up; where it does not answer, it is to be started again. `GET /readyz`: it can do its
 * work, everything it needs answers; where it says 503, no requests are to be sent here, and nothing is to be restarted.
 *
 * @param needs what must answer, by name
 */
export function healthOf(needs: Record<string, () => Promise<unknown>>) {
  let isDraining = false;

  async function check(need: () => Promise<unknown>): Promise<"ok" | "failed"> {
    const late = pause(CHECK_MS, "failed" as const, { ref: false });
    const answered = need().then(
      () => "ok" as const,
      () => "failed" as const,
    );
    return await Promise.race([answered, late]);
  }

  async function readiness(): Promise<{ status: string; [need: string]: string }> {
    if (isDraining) return { status: "draining" };
    const checks = Object.entries(needs).map(async ([name, need]) => [name, await check(need)]);
    const results: Record<string, string> = Object.fromEntries(await Promise.all(checks));
    return { status: Object.values(results).includes("failed") ? "failed" : "ready", ...results };
  }

  const answer = (res: Response, isGood: boolean, body: object) =>
    res
      .status(isGood ? 200 : 503)
      .set("Cache-Control", "no-store")
      .json(body);

  const lastAnswers: RequestHandler = (_req, res, next) => {
    // Who keeps connections open takes the next request elsewhere, instead of losing it here.
    if (isDraining) res.set("Connection", "close");
    next();
  };

  const routes = Router()
    .use(lastAnswers)
    .get("/healthz", (_req, res) => void answer(res, true, { status: "up" }))
    .get("/readyz", async (_req, res) => {
      const body = await readiness();
      answer(res, body.status === "ready", body);
    });

  return {
    routes,
    /**
     * Ends a server without losing a request: says for a while that nothing more is to be sent here, then takes no new
     * connection, and answers what is under way.
     *
     * @param ms how long the balancer needs to notice
     * @param lastAnswerMs how long requests may take after that: one that never arrives as a whole would be waited for for
     *   ever
     */
    async drain(server: Server, ms: number, lastAnswerMs = LAST_ANSWER_MS): Promise<void> {
      isDraining = true;
      await pause(ms);
      const closed = new Promise((resolve) => server.close(resolve));
      // A connection that falls idle only now would be kept open for some seconds more.
      const idle = setInterval(() => server.closeIdleConnections(), 100);
      const deadline = setTimeout(() => server.closeAllConnections(), lastAnswerMs).unref();
      await closed;
      clearTimeout(deadline);
      clearInterval(idle);
    },
  };
}
