import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { findProgram } from "./commands.ts";

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
const PACKAGE = "redis-tools";
let found: Promise<ServerBinary> | undefined;

/**
 * Finds a server on the PATH, or fetches the distribution's package on Debian and Ubuntu, without root and without
 * installing it.
 *
 * @throws {Error} one sentence on how to get Redis
 */
export function findRedisServer(): Promise<ServerBinary> {
  // Servers that start at once wait for one download.
  found ??= find();
  return found;
}

async function find(): Promise<ServerBinary> {
  const installed = findProgram("redis-server") ?? findProgram("valkey-server");
  if (installed) return { path: installed, env: {} };
  try {
    return await fetched().catch(fetchFromDebian);
  } catch (cause) {
    throw new Error(HOW_TO, { cause });
  }
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
    for (const deb of await packages(work)) await run("dpkg-deb", ["--extract", deb, root]);
    await symlink("redis-check-rdb", join(root, "usr/bin/redis-server"));
    await fetched(root);
    await keep(root, join(work, "stale"));
    return await fetched();
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function packages(work: string): Promise<string[]> {
  return (await readdir(work)).filter((file) => file.endsWith(".deb")).map((file) => join(work, file));
}

/** What another run has put there in the meantime is as good; what does not work (any more) gives way. */
async function keep(root: string, stale: string): Promise<void> {
  const works = await fetched().catch(() => undefined);
  if (works) return;
  await rename(FETCHED, stale).catch(() => {});
  await rename(root, FETCHED).catch(() => {});
}

/** The server and its libraries; names and number of these differ from one release to the next. */
async function download(work: string): Promise<void> {
  const settings = await ownSettings(work);
  const get = (names: string[]) => run("apt-get", [...settings, "download", ...names], { cwd: work });
  // One source that is out of reach need not be the one with Redis: the download will tell.
  const failure = await run("apt-get", [...settings, "update"]).then(() => undefined, String);
  try {
    await get([PACKAGE]);
  } catch (error) {
    throw failure ? new Error(failure, { cause: error }) : error;
  }
  const [deb = ""] = await packages(work);
  const { stdout } = await run("dpkg-deb", ["--field", deb, "Depends"]);
  const names = stdout.split(",").map((dependency) => /[^\s:(|]+/.exec(dependency)?.[0] ?? "");
  // The machine's own libc only works together with its own loader.
  const libraries = names.filter((name) => /^(lib|lua)/.test(name) && name !== "libc6");
  // A library that has no package of that name here is perhaps on the machine; running the server will tell.
  for (const library of libraries) await get([library]).catch(() => {});
}

/** apt-get with lists and caches of our own: it works where root's are empty or out of reach. */
async function ownSettings(work: string): Promise<string[]> {
  for (const folder of ["lists/partial", "cache/archives/partial"]) {
    await mkdir(join(work, folder), { recursive: true });
  }
  // No package counts as installed: an installed one may be newer than any that can be downloaded.
  await writeFile(join(work, "status"), "");
  const settings = {
    "Dir::State": work,
    "Dir::State::lists": join(work, "lists"),
    "Dir::State::status": join(work, "status"),
    "Dir::Cache": join(work, "cache"),
    "Debug::NoLocking": "1",
    "APT::Sandbox::User": "root",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}
