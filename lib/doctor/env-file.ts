import { join } from "node:path";

/** Which of the doctor's variables came from the file, or why it cannot be read. */
export type EnvFile = { names: string[] } | { problem: string };

const NAMES = ["WECHAT_APP_ID", "WECHAT_SECRET", "WECHAT_BASE_URL", "REDIS_URL"];

/**
 * Reads the file `.env` of a folder into `process.env`, as `node --env-file=.env` does: what is set already stays. All of
 * it counts, since the host's module may need more than the doctor's variables.
 */
export function loadEnvFile(folder: string): EnvFile | undefined {
  const missing = NAMES.filter((name) => process.env[name] === undefined);
  try {
    process.loadEnvFile(join(folder, ".env"));
  } catch (error) {
    const { code = "not by this Node.js" } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? undefined : { problem: code };
  }
  return { names: missing.filter((name) => process.env[name] !== undefined) };
}
