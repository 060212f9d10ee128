import { spawnSync } from "node:child_process";
import { median } from "./compare.ts";

/** Milliseconds of CPU (user and system) that a process needs to import something, less those of one that imports nothing. */
export function startUp(runs: number) {
  const peers = ["express", "ioredis", "node-fetch"].map((name) => `import "${name}";`).join("");
  const sources = { nothing: "", peers, ours: 'import "../../dist/index.js";' };
  const seen: Record<keyof typeof sources, number[]> = { nothing: [], peers: [], ours: [] };
  for (let run = 0; run < runs; run++) {
    for (const [name, source] of Object.entries(sources))
      seen[name as keyof typeof sources].push(cpuOf(source));
  }
  const nothing = median(seen.nothing);
  const [others, own] = [median(seen.peers) - nothing, median(seen.ours) - nothing];
  return [
    { imported: "express, ioredis and node-fetch", ms: others, ratio: 1 },
    { imported: "express-wechat-login", ms: own, ratio: own / others },
  ];
}

function cpuOf(source: string): number {
  const print = "const { user, system } = process.cpuUsage(); console.log((user + system) / 1000);";
  const args = ["--input-type=module", "--eval", `${source}\n${print}`];
  const { stdout } = spawnSync(process.execPath, args, { cwd: import.meta.dirname, encoding: "utf8" });
  return Number(stdout);
}
