import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Runs a command and gives its output; what it printed is in the error where it fails. */
export async function run(
  file: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; timeout?: number } = {},
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

/** Where a program is: on the PATH, or in one of the other folders. */
export function findProgram(name: string, otherFolders: string[] = []): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...otherFolders];
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Installs a package of the distribution, which works as root on Debian and Ubuntu, as in a container. */
export async function aptInstall(name: string): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update"], { env });
  await run("apt-get", ["install", "--yes", "--no-install-recommends", name], { env });
}
