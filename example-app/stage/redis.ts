import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";

/** The Redis of the stage, which can be taken away and brought back. */
export interface StageRedis {
  client: Redis;
  /** `own` is a server of the stage's own, which is killed; the connection to a `given` one is cut. */
  kind: "own" | "given";
  /** In front of every key. */
  keyPrefix: string;
  isUp(): boolean;
  takeAway(): Promise<void>;
  bringBack(): Promise<void>;
  close(): Promise<void>;
}

/** Fails fast where Redis is away, and comes back by itself. */
const OPTIONS = {
  ...{ maxRetriesPerRequest: 1, commandTimeout: 1000, connectTimeout: 1000 },
  retryStrategy: () => 100,
};
const WAIT_MS = 5000;
/** The server ends, and its folder goes, when this process closes the pipe or is gone, however it ended. */
const UNTIL_EOF = `trap "" INT; "$@" > /dev/null & cat > /dev/null; kill -9 $!; rm -rf "$0"`;

/** The given Redis, or a server of our own where one is on the PATH; nothing where there is neither. */
export async function openRedis(url: string | undefined): Promise<StageRedis | undefined> {
  if (url !== undefined) return givenRedis(url);
  const program = onPath("redis-server") ?? onPath("valkey-server");
  return program === undefined ? undefined : await ownRedis(program);
}

function givenRedis(url: string): StageRedis {
  const client = quiet(new Redis(url, OPTIONS));
  return {
    client,
    kind: "given",
    // Nobody else's keys are shown, or forgotten with ours.
    keyPrefix: `stage-${randomBytes(4).toString("hex")}:`,
    isUp: () => client.status === "ready",
    async takeAway() {
      client.disconnect();
    },
    async bringBack() {
      if (client.status === "end") await client.connect();
    },
    async close() {
      client.disconnect();
    },
  };
}

async function ownRedis(program: string): Promise<StageRedis> {
  const folder = await mkdtemp(join(tmpdir(), "stage-redis-"));
  const path = join(folder, "redis.sock");
  const args = ["--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"];
  const start = () =>
    spawn("sh", ["-c", UNTIL_EOF, folder, program, ...args], { stdio: ["pipe", "inherit", "inherit"] });
  let server = start();
  const client = quiet(new Redis({ ...OPTIONS, path }));
  const takeAway = async () => {
    server.stdin.end();
    await until(() => server.exitCode !== null);
  };
  await until(() => client.status === "ready");
  return {
    client,
    kind: "own",
    keyPrefix: "wechat-login:",
    isUp: () => client.status === "ready",
    takeAway,
    async bringBack() {
      if (server.exitCode === null) return;
      await mkdir(folder, { recursive: true });
      server = start();
      await until(() => client.status === "ready");
    },
    async close() {
      client.disconnect();
      await takeAway();
    },
  };
}

/** What is wrong with Redis is told by the commands that fail. */
function quiet(client: Redis): Redis {
  return client.on("error", () => {});
}

async function until(isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + WAIT_MS; !isSo(); await pause(20)) {
    if (Date.now() > end) throw new Error("The Redis of the phone page did not start or end in time.");
  }
}

function onPath(name: string): string | undefined {
  const paths = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
