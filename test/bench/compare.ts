import { type Part, type Round, start, type Usage } from "./parts.ts";

/** One target of a comparison: a file of `targets/`, with an environment of its own. */
export interface Target {
  /** Left out where it has to be quick. */
  isExtra?: boolean;
  name: string;
  file: string;
  flow?: string;
  env?: Record<string, string>;
  /** What runs it; this Node by default. */
  command?: string[];
}

export interface Comparison {
  name: string;
  title: string;
  flow: string;
  targets: Target[];
  connections: number;
  /** Acts in each round. */
  count: number;
  rounds: number;
  /** Acts before the first round: enough for the compiler to have done its work. */
  warmUp: number;
  env: Record<string, string>;
  workers?: boolean;
}

/** The medians of all rounds of one target; the ratio is that of CPU to the first target's. */
export interface Figures {
  target: string;
  /** CPU seconds of the server, user and system, for 1,000 acts. */
  cpu: number;
  ratio: number;
  requestsPerSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** MiB, after the last round. */
  rss: number;
}

/**
 * Measures some targets side by side: all of them are up, and take turns round by round, so that a slower minute of the
 * machine hits each.
 */
export async function compare(comparison: Comparison): Promise<Figures[]> {
  const { targets, env, workers, rounds } = comparison;
  const { part: load } = await start("load.mjs", []);
  const servers: { target: Target; server: Part; port: number; seen: (Round & Usage)[] }[] = [];
  try {
    for (const target of targets) {
      const how = {
        ...(target.command && { command: target.command }),
        cores: workers ? "all" : "server",
      } as const;
      const { part, first } = await start<{ port: number }>("serve.mjs", [target.file], {
        ...how,
        env: { ...env, ...target.env },
      });
      servers.push({ target, server: part, port: first.port, seen: [] });
    }
    for (let round = 0; round < rounds; round++) {
      for (const { target, server, port, seen } of servers) {
        const warmUp = round === 0 ? comparison.warmUp : 200;
        const flow = target.flow ?? comparison.flow;
        seen.push(await oneRound(load, server, { ...comparison, targets: [], flow, port, warmUp }));
      }
    }
  } finally {
    await Promise.all([load, ...servers.map(({ server }) => server)].map((part) => part.stop()));
  }
  const rows = servers.map(({ target, seen }) => figuresOf(target.name, seen, comparison.count));
  const [base] = rows;
  return rows.map((row) => ({ ...row, ratio: row.cpu / (base?.cpu ?? Number.NaN) }));
}

async function oneRound(load: Part, server: Part, job: object): Promise<Round & Usage> {
  await load.ask(job);
  const before = await server.ask<Usage>("usage");
  const round = await load.ask<Round>("go");
  const after = await server.ask<Usage>("usage");
  return { ...round, cpu: after.cpu - before.cpu, rss: after.rss };
}

function figuresOf(target: string, seen: (Round & Usage)[], count: number): Omit<Figures, "ratio"> {
  const of = (pick: (round: Round & Usage) => number) => median(seen.map(pick));
  return {
    target,
    cpu: of(({ cpu }) => cpu / 1000 / count),
    requestsPerSecond: of(({ requests, seconds }) => requests / seconds),
    p50: of(({ p50 }) => p50),
    p99: of(({ p99 }) => p99),
    rss: (seen.at(-1)?.rss ?? 0) / 1024 ** 2,
  };
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [lower, upper] = [Math.floor, Math.ceil].map((round) => sorted[round((sorted.length - 1) / 2)]);
  return ((lower ?? Number.NaN) + (upper ?? Number.NaN)) / 2;
}
