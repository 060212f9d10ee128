import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { join } from "node:path";

/** A process of the benchmark that is talked to by messages. */
export interface Part {
  child: ChildProcess;
  /** Sends a message and waits for the next one that comes back. */
  ask<Answer>(message: object | string): Promise<Answer>;
  stop(): Promise<void>;
}

/** What a server has used since it began: microseconds of CPU (user and system), bytes of memory. */
export interface Usage {
  cpu: number;
  rss: number;
}

/** What the load generator has seen of one round. */
export interface Round {
  seconds: number;
  requests: number;
  p50: number;
  p99: number;
}

const HERE = import.meta.dirname;
/** The server under test is alone on the first core, everything else shares the others. */
const SERVER_CORE = "0";
const OTHER_CORES = `1-${Math.max(1, cpus().length - 1)}`;
const canPin = cpus().length > 1 && hasTaskset();

interface How {
  env?: Record<string, string>;
  /** What runs the script; this Node by default. */
  command?: string[];
  /** A server has the first core; as a cluster it has all. */
  cores?: "server" | "others" | "all";
}

/** Starts a script of this folder, and waits for the first thing it says. */
export async function start<First>(script: string, args: string[], how: How = {}) {
  const { env = {}, command: runner = [process.execPath], cores = "others" } = how;
  const pinned = canPin && cores !== "all";
  const prefix = pinned ? ["taskset", "-c", cores === "server" ? SERVER_CORE : OTHER_CORES] : [];
  const [command, ...rest] = [...prefix, ...runner, join(HERE, script), ...args] as [string, ...string[]];
  const child = spawn(command, rest, {
    env: { ...process.env, NODE_ENV: "production", ...env },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const first = script === "load.mjs" ? undefined : ((await nextMessage(child)) as First);
  const part: Part = {
    child,
    ask<Answer>(message: object | string) {
      const answer = nextMessage(child) as Promise<Answer>;
      child.send(message);
      return answer;
    },
    async stop() {
      if (child.exitCode !== null) return;
      // Each of them ends when nobody talks to it any more.
      child.disconnect();
      await once(child, "exit");
    },
  };
  return { part, first: first as First };
}

/** Pins a process that is there already (Redis) to the cores of the others. */
export function moveAway(pid: number): void {
  if (canPin) execFileSync("taskset", ["-a", "-c", "-p", OTHER_CORES, String(pid)], { stdio: "ignore" });
}

async function nextMessage(child: ChildProcess): Promise<unknown> {
  const over = new AbortController();
  const { signal } = over;
  const ended = once(child, "exit", { signal }).then(([code]) => {
    throw new Error(`a process of the benchmark has ended (${code})`);
  });
  ended.catch(() => {});
  try {
    const [message] = await Promise.race([once(child, "message", { signal }), ended]);
    const { error } = message as { error?: string };
    if (error !== undefined) throw new Error(error);
    return message;
  } finally {
    over.abort();
  }
}

function hasTaskset(): boolean {
  try {
    execFileSync("taskset", ["-p", String(process.pid)], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
