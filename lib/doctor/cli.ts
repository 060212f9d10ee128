#!/usr/bin/env node
import { doctor } from "./doctor.ts";
import { loadEnvFile } from "./env-file.ts";
import { report } from "./report.ts";
import { HELP, settingsOf } from "./settings.ts";

/** What is to be printed, and the exit code: 1 where something is red, 2 where the command line is wrong. */
async function main(): Promise<[text: string, code: number]> {
  let settings: ReturnType<typeof settingsOf>;
  const folder = process.cwd();
  const envFile = loadEnvFile(folder);
  try {
    settings = { ...settingsOf(process.argv.slice(2), process.env, folder), envFile };
  } catch (error) {
    return [`${(error as Error).message}\n\n${HELP}`, 2];
  }
  if (settings.help) return [HELP, 0];
  const rows = await doctor(settings);
  return [report(rows, settings), rows.some(({ level }) => level === "bad") ? 1 : 0];
}

const [text, code] = await main();
// The host's module may hold connections open: it is not waited for.
process.stdout.write(text, () => process.exit(code));
