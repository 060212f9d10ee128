import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { endFile, endTest } from "./at-end.ts";
import { findRedisServer } from "./find-redis.ts";

/** A Redis server of a test's own. */
export interface RedisServer {
  port: number;
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/** Ends one server at once; one "exit" listener runs them all, since Node warns of more than ten listeners. */
const running = new Set<() => void>();
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
const CLUSTER_BUS = 10_000;
const handedOut = new Set<number>();
let watching = false;
let shared: RedisServer | undefined;

/** mocha calls this before all tests: `REDIS_URL` where it is set, a server of this run's own otherwise. */
export async function mochaGlobalSetup(): Promise<void> {
  process.on("unhandledRejection", fail);
  if (process.env.REDIS_URL) return;
  endWithMocha();
  shared = await startRedis();
  process.env.REDIS_URL = shared.url;
}

/** mocha calls this after all tests. */
export async function mochaGlobalTeardown(): Promise<void> {
  process.off("unhandledRejection", fail);
  if (!shared) return;
  // Another run in this process would take the address of a server that is gone for one that the user has set.
  delete process.env.REDIS_URL;
  await shared.stop();
  shared = undefined;
}

/** Here and not in a helper of the tests: files that run beside each other share helpers, but not their hooks. */
export const mochaHooks = {
  beforeAll: () => void process.off("unhandledRejection", fail).on("unhandledRejection", fail),
  afterEach: endTest,
  afterAll: endFile,
};

/** It would end a host's process; mocha itself says nothing of it. */
function fail(reason: unknown): never {
  throw reason;
}

/**
 * Starts a server on a free port of 127.0.0.1, in a folder of its own, that dies with this process at the latest.
 *
 * @param args more arguments for the server; a configuration file (for a sentinel) comes first
 * @param givenPort the port of a server that was stopped, to start it again
 */
export async function startRedis(args: string[] = [], givenPort?: number): Promise<RedisServer> {
  const { path, env } = await findRedisServer();
  const folder = await mkdtemp(join(tmpdir(), "redis-test-"));
  const port = givenPort ?? (await freePort());
  const fixed = `--bind 127.0.0.1 --port ${port} --appendonly no --daemonize no --save`.split(" ");
  const file = args[0]?.startsWith("-") === false ? 1 : 0;
  const child = spawn(path, [...args.slice(0, file), ...fixed, "", ...args.slice(file)], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = stopper(child, folder);
  try {
    await answers(port, child);
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { port, url: `redis://127.0.0.1:${port}`, pid: Number(child.pid), stop };
}

/** A free port of 127.0.0.1 where the one 10000 above, on which the nodes of a cluster talk, is free as well. */
export async function freePort(): Promise<number> {
  // Below the ports that systems give to outgoing connections: none takes it before the server does.
  const port = randomInt(10_000, 22_000);
  if (handedOut.has(port) || !(await isFree(port)) || !(await isFree(port + CLUSTER_BUS))) return freePort();
  handedOut.add(port);
  return port;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw error;
  }
  server.close();
  await once(server, "close");
  return true;
}

function stopper(child: ChildProcess, folder: string): () => Promise<void> {
  const kill = () => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  running.add(kill);
  endWithProcess();
  return async () => {
    running.delete(kill);
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await rm(folder, { recursive: true, force: true });
  };
}

function endWithProcess(): void {
  if (watching) return;
  watching = true;
  process.once("exit", () => {
    for (const kill of running) kill();
  });
  // Without a listener a signal ends the process before its "exit" event, and the servers would be left behind.
  for (const [signal, code] of Object.entries(SIGNALS)) process.once(signal, () => process.exit(code));
}

/** With node options mocha runs the tests in a child, to which it hands on SIGINT, but not SIGTERM. */
function endWithMocha(): void {
  if (!/[\\/]mocha[\\/]lib[\\/]cli[\\/]cli\.js$/.test(process.argv[1] ?? "")) return;
  const mocha = process.ppid;
  setInterval(() => process.ppid === mocha || process.exit(SIGNALS.SIGTERM), 500).unref();
}

async function answers(port: number, child: ChildProcess): Promise<void> {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (output += text));
  const died = once(child, "close").then(([code]) => {
    throw new Error(`The Redis server ended with ${code}:\n${output}`);
  });
  died.catch(() => {});
  const redis = new Redis(port, "127.0.0.1", { retryStrategy: () => 20, maxRetriesPerRequest: 250 });
  redis.on("error", () => {});
  // A server that asks for a password is up.
  const pong = redis.ping().catch((error: Error) => {
    if (!/NOAUTH/.test(error.message)) throw error;
  });
  try {
    await Promise.race([pong, died]);
  } finally {
    redis.disconnect();
  }
}
