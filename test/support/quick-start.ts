import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { run } from "./commands.ts";
import { freePort } from "./redis-server.ts";

const EXPECTED = "[ 'unionid' ]\nsigned_in\n{ unionid: 'u1' }\n";

/**
 * The README's server.js and phone.js, as a stranger would paste them into a folder where the packages are installed, on
 * ports that are free here.
 *
 * @param env with the `REDIS_URL`
 * @param nodeArgs for a folder whose package is TypeScript
 */
export async function quickStart(folder: string, env: NodeJS.ProcessEnv, nodeArgs: string[] = []) {
  const ports = { 3000: await freePort(), 3001: await freePort() };
  for (const name of ["server.js", "phone.js"]) await paste(name, folder, ports);
  const wechat = `http://127.0.0.1:${ports[3001]}`;
  const app = { WECHAT_APP_ID: "wx1", WECHAT_SECRET: "s", WECHAT_BASE_URL: wechat };
  const server = spawn(process.execPath, [...nodeArgs, "server.js"], {
    cwd: folder,
    env: { ...env, ...app },
    stdio: "inherit",
  });
  try {
    await listening(`http://127.0.0.1:${ports[3000]}/`);
    const output = await run(process.execPath, [...nodeArgs, "phone.js"], { cwd: folder });
    if (output !== EXPECTED) throw new Error(`The quick start printed: ${output}`);
  } finally {
    server.kill();
  }
}

/** Waits until something answers at this address. */
export async function listening(url: string): Promise<void> {
  while (!(await fetch(url).catch(() => undefined))) await pause(50);
}

async function paste(name: string, folder: string, ports: Record<string, number>): Promise<void> {
  const readme = await readFile("README.md", "utf8");
  const code = new RegExp(`\`\`\`js\\n(// ${name}\\n[^]*?)\`\`\``).exec(readme)?.[1];
  if (!code) throw new Error(`README.md has no ${name}`);
  await writeFile(
    join(folder, name),
    code.replaceAll(/\b300[01]\b/g, (port) => String(ports[port])),
  );
}
