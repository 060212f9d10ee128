import { setTimeout as pause } from "node:timers/promises";

/** Waits until something is so; a test that waits in vain fails instead of keeping the run alive. */
export async function until(isTrue: () => boolean, ms = 5000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${isTrue}`);
    await pause(5);
  }
}
