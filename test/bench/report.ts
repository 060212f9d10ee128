import { goals, type Results } from "./results.ts";

/** The results as Markdown tables. */
export function report(results: Results): string {
  const parts = [
    `Measured on ${results.machine}. CPU is user and system time of the server's processes.`,
    "### Figures to reach",
    table(
      ["", "to reach", "measured", ""],
      goals(results).map(({ what, reach, measured, isReached }) => [
        what,
        reach,
        round(measured),
        isReached ? "✓" : "not reached",
      ]),
    ),
  ];
  for (const { title, connections, figures } of results.comparisons) {
    const rows = figures.map((row) => [
      row.target,
      (row.cpu * 1000).toFixed(0),
      row.ratio.toFixed(2),
      row.requestsPerSecond.toFixed(0),
      row.p50.toFixed(1),
      row.p99.toFixed(1),
      row.rss.toFixed(0),
    ]);
    parts.push(`### ${title} (${connections} connections)`);
    parts.push(table(["", "CPU ms per 1,000", "ratio", "requests/s", "p50 ms", "p99 ms", "RSS MiB"], rows));
  }
  if (results.redis) {
    const rows = results.redis.map(({ target, login, complete, guard, pending, session }) =>
      [target, login, complete, guard, pending, session].map(String),
    );
    parts.push(
      "### Redis",
      table(["", "round trips: login", "complete", "guard", "bytes: pending login", "session"], rows),
    );
  }
  if (results.startUp) {
    const rows = results.startUp.map(({ imported, ms, ratio }) => [
      imported,
      ms.toFixed(0),
      ratio.toFixed(2),
    ]);
    parts.push("### Start-up", table(["imported", "CPU ms", "ratio"], rows));
  }
  return parts.join("\n\n");
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const rule = `|${head.map((_, index) => (index === 0 ? "---" : "---:")).join("|")}|`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

const round = (value: number) => String(Math.round(value * 100) / 100);
