import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { run } from "./commands.ts";
import { freePort } from "./redis-server.ts";

const EXPECTED = "[ 'unionid' ]\nsigned_in\n{ unionid: 'u1' }\n";

/** The README's commands for an empty folder, that make it a project with the packages. */
export async function quickStartCommands(): Promise<string> {
  return await blockOf("sh", "npm init");
}

/**
 * The README's server.js, .env and phone.js, as a stranger would paste them into a folder where the packages are installed,
 * on ports that are free here; started as the README says.
 *
 * @param env perhaps with a `REDIS_URL`
 * @param nodeArgs for a folder whose package is TypeScript
 */
export async function quickStart(folder: string, env: NodeJS.ProcessEnv, nodeArgs: string[] = []) {
  const ports = { 3000: await freePort(), 3001: await freePort() };
  await paste("js", "phone.js", folder, ports);
  const server = await quickStartServer(folder, env, nodeArgs, ports);
  server.stderr.pipe(process.stderr);
  try {
    await listening(`http://127.0.0.1:${ports[3000]}/`);
    const [, call = ""] = await startCommands();
    const output = await run(process.execPath, [...nodeArgs, ...argsIn(call)], { cwd: folder });
    if (output !== EXPECTED) throw new Error(`The quick start printed: ${output}`);
  } finally {
    server.kill();
  }
}

/** The README's server alone, started; what it prints is on its `stdout`. */
export async function quickStartServer(
  folder: string,
  env: NodeJS.ProcessEnv,
  nodeArgs: string[],
  ports: Record<3000 | 3001, number>,
) {
  await paste("js", "server.js", folder, ports);
  await paste("dotenv", ".env", folder, ports);
  const [serve = ""] = await startCommands();
  return spawn(process.execPath, [...nodeArgs, ...argsIn(serve)], {
    cwd: folder,
    // lib is compiled otherwise than for the tests: coverage of both would not add up.
    env: { ...env, NODE_V8_COVERAGE: undefined },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** How the README starts the server, and the phone. */
async function startCommands(): Promise<string[]> {
  return (await blockOf("sh", "node --env-file")).split("\n");
}

/** Waits until something answers at this address. */
export async function listening(url: string): Promise<void> {
  while (!(await fetch(url).catch(() => undefined))) await pause(50);
}

/** Of `node … file  # a remark`, all but the program and the remark. */
function argsIn(command: string): string[] {
  return command.replace(/#.*/, "").trim().split(/\s+/).slice(1);
}

async function paste(language: string, name: string, folder: string, ports: Record<string, number>) {
  const code = await blockOf(language, `${language === "js" ? "//" : "#"} ${name}\n`);
  await writeFile(
    join(folder, name),
    code.replaceAll(/\b300[01]\b/g, (port) => String(ports[port])),
  );
}

/** The README's block of code that begins with this. */
async function blockOf(language: string, start: string): Promise<string> {
  const [, ...parts] = (await readFile("README.md", "utf8")).split(`\`\`\`${language}\n`);
  const code = parts.map((part) => part.split("```")[0]).find((part) => part?.startsWith(start));
  if (!code) throw new Error(`README.md has no ${start.trim()}`);
  return code;
}
