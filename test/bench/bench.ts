import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Comparison, compare } from "./compare.ts";
import { comparisons } from "./comparisons.ts";
import { redisCosts } from "./redis-costs.ts";
import { report } from "./report.ts";
import type { Results } from "./results.ts";
import { startUp } from "./start-up.ts";
import { startWorld } from "./world.ts";

const HELP = `npm run bench -- [options]
  --only a,b     some of: sign-in, sign-in-10, sign-in-1000, silent, complete, guard, tls, slow, workers, redis, start-up
  --quick        few and short rounds: half a minute for the four that matter most
  --json FILE    the figures as JSON as well
  --keep         puts the figures into README.md, last.json and chart.svg beside this file`;
const QUICK = ["sign-in", "silent", "complete", "guard"];

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    keep: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit();
}

const names = options.only?.split(",") ?? (options.quick ? QUICK : undefined);
const isWanted = (name: string) => names?.includes(name) ?? true;
const size = options.quick
  ? { count: 2000, rounds: 2, warmUp: 1500, many: 10_000 }
  : { count: 4000, rounds: 5, warmUp: 2000, many: 100_000 };

const results: Results = { machine: machine(), comparisons: [] };
for (const { wechat, ...plan } of comparisons({ isQuick: options.quick }).filter(({ name }) =>
  isWanted(name),
)) {
  console.error(`${plan.name} …`);
  const world = await startWorld(wechat);
  try {
    const { name, title, connections } = plan;
    const figures = await compare({ ...plan, ...size, env: world.env } satisfies Comparison);
    results.comparisons.push({ name, title, connections, figures });
  } finally {
    await world.stop();
  }
}
if (isWanted("redis")) {
  console.error("redis …");
  const world = await startWorld();
  results.redis = await redisCosts(world, size.many).finally(world.stop);
}
if (isWanted("start-up")) results.startUp = startUp(options.quick ? 5 : 25);

const text = report(results);
console.log(text);
if (options.json) writeFileSync(options.json, JSON.stringify(results, null, 2));
if (options.keep) keep(text);

/** What a reader of the figures has to know of the machine. */
function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  return `${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores of ${model}, Node ${process.versions.node}`;
}

function keep(tables: string): void {
  const file = (name: string) => join(import.meta.dirname, name);
  const [before] = readFileSync(file("README.md"), "utf8").split("<!-- figures -->");
  writeFileSync(file("README.md"), `${before}<!-- figures -->\n\n${tables}\n`);
  writeFileSync(file("last.json"), `${JSON.stringify(results, null, 2)}\n`);
  execFileSync(process.execPath, [file("chart.mjs")], { stdio: "inherit" });
}
