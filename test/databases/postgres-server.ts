import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { aptInstall, findProgram } from "../support/commands.ts";
import { freePort } from "../support/redis-server.ts";

const HOW_TO =
  "This test needs PostgreSQL: install it (apt-get install postgresql, brew install postgresql), or set DATABASE_URL.";
const DEBIANS = "/usr/lib/postgresql";
/** PostgreSQL refuses to run as root. */
const NOBODY = { uid: 65534, gid: 65534 };

/**
 * The URL of a PostgreSQL: `DATABASE_URL` where it is set, a server of this test's own otherwise. Installs the
 * distribution's package where there is none and that is possible: as root on Debian, as in a container.
 *
 * @throws {Error} one sentence on how to get it
 */
export async function startPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  if (process.env.DATABASE_URL) return { url: process.env.DATABASE_URL, stop: async () => {} };
  const bin = folderOfPostgres() ?? (await installed());
  const user = process.getuid?.() === 0 ? NOBODY : {};
  const data = await mkdtemp(join(tmpdir(), "postgres-test-"));
  if (user === NOBODY) chownSync(data, NOBODY.uid, NOBODY.gid);
  const port = await freePort();
  const init = ["-D", data, "-U", "test", "-A", "trust", "-N", "-E", "UTF8", "--no-locale"];
  await ended(spawn(join(bin, "initdb"), init, { ...user, stdio: "ignore" }));
  const settings = ["-c", "listen_addresses=127.0.0.1", "-c", `unix_socket_directories=${data}`, "-F"];
  const server = spawn(join(bin, "postgres"), ["-D", data, "-p", String(port), ...settings], {
    ...user,
    stdio: "ignore",
  });
  const kill = () => server.kill("SIGKILL");
  process.once("exit", kill);
  const url = `postgres://test@127.0.0.1:${port}/postgres`;
  await answers(url, server);
  return {
    url,
    async stop() {
      process.removeListener("exit", kill);
      // An immediate shutdown: its children end as well.
      server.kill("SIGQUIT");
      await once(server, "exit");
      await rm(data, { recursive: true });
    },
  };
}

/** Both programs are in one folder, which Debian keeps off the PATH. */
function folderOfPostgres(): string | undefined {
  const initdb = findProgram("initdb", debianFolders());
  return initdb && dirname(initdb);
}

function debianFolders(): string[] {
  try {
    return readdirSync(DEBIANS).map((version) => join(DEBIANS, version, "bin"));
  } catch {
    return [];
  }
}

async function installed(): Promise<string> {
  await aptInstall("postgresql").catch((cause) => {
    throw new Error(HOW_TO, { cause });
  });
  const folder = folderOfPostgres();
  if (folder === undefined) throw new Error(HOW_TO);
  return folder;
}

async function ended(child: ChildProcess): Promise<void> {
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${child.spawnfile} ended with ${code}`);
}

async function answers(url: string, server: ChildProcess): Promise<void> {
  for (;;) {
    if (server.exitCode !== null) throw new Error(`PostgreSQL ended with ${server.exitCode}`);
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return await client.end();
    } catch {
      await pause(50);
    }
  }
}
