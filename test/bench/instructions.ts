import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aptInstall, findProgram } from "../support/commands.ts";
import { start } from "./parts.ts";
import { startWorld } from "./world.ts";

// Instructions, unlike seconds, are the same on a busy machine: this is the check that the gate can afford. With --keep the
// figures are kept; without, the run fails where the ratio has risen above what is kept.

const WORK = { flow: "sign-in", connections: 10, count: 2000, warmUp: 2000 };
const KEPT = join(import.meta.dirname, "instructions.json");
const TOLERANCE = 1.05;

interface Counted {
  handWritten: number;
  ours: number;
  /** Ours, as a part of the hand-written handler. */
  ratio: number;
}

if (!findProgram("valgrind")) await aptInstall("valgrind");
const world = await startWorld();
try {
  const [handWritten, ours] = [await instructionsOf("hand-written"), await instructionsOf("ours")];
  const now: Counted = { handWritten, ours, ratio: Math.round((ours / handWritten) * 1000) / 1000 };
  console.log(
    "Instructions of the server for one sign-in (two requests), and ours as a part of the hand-written handler's:",
  );
  if (process.argv.includes("--keep")) writeFileSync(KEPT, `${JSON.stringify(now, null, 2)}\n`);
  const kept: Counted = JSON.parse(readFileSync(KEPT, "utf8"));
  console.table({ now, kept });
  if (now.ratio > kept.ratio * TOLERANCE) {
    console.error(
      `The ratio has risen by more than ${Math.round((TOLERANCE - 1) * 100)} %: npm run bench tells where.`,
    );
    process.exitCode = 1;
  }
} finally {
  await world.stop();
}

/** Instructions of the server's process for one sign-in, without its start and the compiler's warm-up. */
async function instructionsOf(target: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "bench-callgrind-"));
  const valgrind = ["--tool=callgrind", "--instr-atstart=no", `--callgrind-out-file=${folder}/out`, "-q"];
  const { part: load } = await start("load.mjs", []);
  const { part: server, first } = await start<{ port: number }>("serve.mjs", [target], {
    // One thread: what the compiler and the garbage collector do beside the program would be counted by chance.
    command: ["valgrind", ...valgrind, process.execPath, "--single-threaded"],
    env: world.env,
  });
  const control = (...order: string[]) =>
    execFileSync("callgrind_control", [...order, String(server.child.pid)], { stdio: "ignore" });
  try {
    await load.ask({ ...WORK, port: first.port });
    control("-i", "on");
    await load.ask("go");
    control("-d");
    const [, total] = /^summary: (\d+)/m.exec(readFileSync(join(folder, "out.1"), "utf8")) ?? [];
    return Math.round(Number(total) / WORK.count);
  } finally {
    await Promise.all([load.stop(), server.stop()]);
    rmSync(folder, { recursive: true });
  }
}
