#!/usr/bin/env node
import { doctor } from "./doctor.ts";
import { loadEnvFile } from "./env-file.ts";
import { explain } from "./explain.ts";
import { report } from "./report.ts";
import { HELP, settingsOf } from "./settings.ts";

/** What is to be printed, and the exit code: 1 where something is red or unknown, 2 where the command line is wrong. */
async function main(): Promise<[text: string, code: number]> {
  const args = process.argv.slice(2);
  const folder = process.cwd();
  let settings: ReturnType<typeof settingsOf>;
  try {
    if (args[0] === "explain") return explain(args.slice(1));
    const envFile = loadEnvFile(folder);
    settings = { ...settingsOf(args, process.env, folder), envFile };
  } catch (error) {
    // Of an unknown flag Node goes on to say how to send it as something else.
    const message = (error as Error).message.replace(/\. To specify a positional argument .*/s, ".");
    return [`${message}\n\n${HELP}`, 2];
  }
  if (settings.help) return [HELP, 0];
  const rows = await doctor(settings);
  return [report(rows, settings), rows.some(({ level }) => level === "bad") ? 1 : 0];
}

const [text, code] = await main();
// The host's module may hold connections open: it is not waited for.
process.stdout.write(text, () => process.exit(code));
