import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { findRedisServer } from "./find-redis.ts";

/** A Redis server of a test's own. */
export interface RedisServer {
  port: number;
  url: string;
  pid: number;
  stop(): Promise<void>;
}

let shared: RedisServer | undefined;

/** mocha calls this before all tests: `REDIS_URL` where it is set, a server of this run's own otherwise. */
export async function mochaGlobalSetup(): Promise<void> {
  if (process.env.REDIS_URL) return;
  // Without this a SIGTERM ends the process before its "exit" event, and the server would be left behind.
  process.once("SIGTERM", () => process.exit(143));
  shared = await startRedis();
  process.env.REDIS_URL = shared.url;
}

/** mocha calls this after all tests. */
export async function mochaGlobalTeardown(): Promise<void> {
  await shared?.stop();
}

/**
 * Starts a server on a free port of 127.0.0.1, in a folder of its own, that dies with this process at the latest.
 *
 * @param args more arguments for the server
 */
export async function startRedis(args: string[] = []): Promise<RedisServer> {
  const { path, env } = await findRedisServer();
  const folder = await mkdtemp(join(tmpdir(), "redis-test-"));
  const port = await freePort();
  const fixed = ["--bind", "127.0.0.1", "--port", String(port), "--save", "", "--appendonly", "no"];
  const child = spawn(path, [...fixed, ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: "ignore",
  });
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  await answers(port, child);
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    pid: Number(child.pid),
    async stop() {
      process.off("exit", kill);
      if (child.exitCode === null && child.signalCode === null) {
        kill();
        await once(child, "exit");
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function answers(port: number, child: ChildProcess): Promise<void> {
  const redis = new Redis(port, "127.0.0.1", { retryStrategy: () => 20, maxRetriesPerRequest: 250 });
  redis.on("error", () => {});
  const died = once(child, "exit").then(([code]) =>
    Promise.reject(new Error(`The Redis server ended with ${code}.`)),
  );
  try {
    await Promise.race([redis.ping(), died]);
  } finally {
    died.catch(() => {});
    redis.disconnect();
  }
}
