import { setImmediate as turn } from "node:timers/promises";
import { atEnd } from "./login-app.ts";

/** The warnings of ours from now on to the end of the test, as text with their codes. */
export function collectWarnings() {
  const warnings: (Error & { code?: string })[] = [];
  const collect = (warning: Error) => void (warning.name === "WechatLoginWarning" && warnings.push(warning));
  process.on("warning", collect);
  atEnd(() => process.off("warning", collect));
  return async () => {
    // They are emitted in the next tick.
    await turn();
    return warnings.map(({ code, message }) => `${code}: ${message}`);
  };
}
