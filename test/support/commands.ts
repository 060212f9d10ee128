import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Runs a command and gives its output; what it printed is in the error where it fails. */
export async function run(
  file: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
) {
  try {
    const { stdout } = await execute(file, args, { ...options, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${file} ${args.join(" ")} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** Installs packages into a folder of its own. */
export async function install(folder: string, packages: string[]): Promise<void> {
  await run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--no-package-lock", ...packages], {
    cwd: folder,
  });
}
