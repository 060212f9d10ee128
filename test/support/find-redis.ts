import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, symlink } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A Redis or Valkey server to start, and what it needs in its environment. */
export interface ServerBinary {
  path: string;
  env: Record<string, string>;
}

const HOW_TO =
  "The tests need a real Redis: install redis-server or valkey-server (apt-get install redis-server, brew install redis), or set REDIS_URL.";
const CACHE = resolve("node_modules/.cache");
const FETCHED = join(CACHE, "redis");
/** In redis-tools the server is hidden: redis-check-rdb acts as redis-server when it is called by that name. */
const PACKAGES = ["redis-tools", "libjemalloc2", "liblzf1", "libatomic1"];

/**
 * Finds a server on the PATH, or fetches the distribution's package on Debian and Ubuntu, without root and without
 * installing it.
 *
 * @throws {Error} one sentence on how to get Redis
 */
export async function findRedisServer(): Promise<ServerBinary> {
  const installed = onPath("redis-server") ?? onPath("valkey-server");
  if (installed) return { path: installed, env: {} };
  try {
    return await fetched().catch(fetchFromDebian);
  } catch (cause) {
    throw new Error(HOW_TO, { cause });
  }
}

function onPath(name: string): string | undefined {
  const places = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What an earlier run has fetched, if it works. */
async function fetched(root = FETCHED): Promise<ServerBinary> {
  const lib = join(root, "usr/lib");
  const folders = (await readdir(lib)).map((folder) => join(lib, folder));
  const server = { path: join(root, "usr/bin/redis-server"), env: { LD_LIBRARY_PATH: folders.join(":") } };
  await run(server.path, ["--version"], { env: { ...process.env, ...server.env } });
  return server;
}

async function fetchFromDebian(): Promise<ServerBinary> {
  await mkdir(CACHE, { recursive: true });
  // A folder of our own, renamed when it is complete: two runs at once do not meet half a server.
  const work = await mkdtemp(join(CACHE, "redis-"));
  try {
    await download(work);
    const root = join(work, "root");
    for (const name of (await readdir(work)).filter((file) => file.endsWith(".deb"))) {
      await run("dpkg-deb", ["--extract", join(work, name), root]);
    }
    await symlink("redis-check-rdb", join(root, "usr/bin/redis-server"));
    await fetched(root);
    await rename(root, FETCHED).catch(() => {});
    return await fetched();
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** apt-get with lists and caches of our own: it works where root's are empty or out of reach. */
async function download(work: string): Promise<void> {
  for (const folder of ["lists/partial", "cache/archives/partial"]) {
    await mkdir(join(work, folder), { recursive: true });
  }
  const folders = {
    "Dir::State": work,
    "Dir::State::lists": join(work, "lists"),
    "Dir::Cache": join(work, "cache"),
  };
  const status = {
    "Dir::State::status": "/var/lib/dpkg/status",
    "Debug::NoLocking": "1",
    "APT::Sandbox::User": "root",
  };
  const settings = Object.entries({ ...folders, ...status }).flatMap(([name, value]) => [
    "-o",
    `${name}=${value}`,
  ]);
  // One source that is out of reach need not be the one with Redis: the download will tell.
  await run("apt-get", [...settings, "update"]).catch(() => {});
  const [server, ...libraries] = PACKAGES.map(
    (name) => () => run("apt-get", [...settings, "download", name], { cwd: work }),
  );
  await server?.();
  // A library that has no package of that name here is perhaps on the machine; running the server will tell.
  for (const library of libraries) await library().catch(() => {});
}
