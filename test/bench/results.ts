import type { Figures } from "./compare.ts";
import type { RedisCosts } from "./redis-costs.ts";

/** All figures of one run; a part that was not asked for is missing. */
export interface Results {
  machine: string;
  comparisons: { name: string; title: string; connections: number; figures: Figures[] }[];
  redis?: RedisCosts[];
  startUp?: { imported: string; ms: number; ratio: number }[];
}

/** A figure to reach, and what was measured. */
export interface Goal {
  what: string;
  reach: string;
  measured: number;
  isReached: boolean;
}

/** The figures to reach, as far as the run has measured them. */
export function goals(results: Results): Goal[] {
  const row = (comparison: string, target: string) =>
    results.comparisons
      .find(({ name }) => name === comparison)
      ?.figures.find((figures) => figures.target === target);
  const part = (
    comparison: string,
    target: string,
    of: string,
    pick: (figures: Figures) => number = ({ cpu }) => cpu,
  ) => {
    const [one, other] = [row(comparison, target), row(comparison, of)];
    return one && other && pick(one) / pick(other);
  };
  const hand = "hand-written handler";
  const across = (target: string) => {
    const [few, many] = [row("sign-in", target), row("sign-in-1000", target)];
    return few && many && many.cpu / few.cpu;
  };
  const [own, limited] = results.redis ?? [];
  const rss = [row("sign-in", "ours")?.rss, row("sign-in", hand)?.rss];
  const list: [what: string, sign: "≤" | "≥", limit: number, measured: number | undefined][] = [
    ["sign-in, of the hand-written handler's CPU", "≤", 0.7, part("sign-in", "ours", hand)],
    [
      "sign-in, of passport's",
      "≤",
      0.5,
      part("sign-in", "ours", "passport + express-session + connect-redis"),
    ],
    [
      "silent login, of wafer-node-session's",
      "≤",
      0.9,
      part("silent", "ours", "wafer-node-session + connect-redis"),
    ],
    ["`complete`, of an Express 5 echo's", "≤", 0.9, part("complete", "ours", "Express 5 JSON echo")],
    ["guard, of express-session's", "≤", 0.5, part("guard", "ours", "express-session + connect-redis")],
    [
      "sign-in on node:http, of the hand-written handler's",
      "≤",
      0.45,
      part("sign-in", "ours, on node:http", hand),
    ],
    [
      "sign-in on Node 24, of the hand-written handler's on this Node",
      "≤",
      0.45,
      part("sign-in", "ours, Node 24", hand),
    ],
    ["Redis round trips of `login`", "≤", 1, own?.login],
    ["Redis round trips of `complete`", "≤", 2, own?.complete],
    ["Redis round trips of `login`, with the rate limit", "≤", 2, limited?.login],
    ["Redis round trips of `complete`, with the rate limit", "≤", 3, limited?.complete],
    ["Redis round trips of the guard", "≤", 1, own?.guard],
    ["bytes in Redis for a pending login", "≤", 300, own?.pending],
    ["bytes in Redis for a session", "≤", 300, own?.session],
    ["CPU of a sign-in at 1,000 connections, of that at 100", "≤", 1.25, across("ours")],
    [
      "p99 at 100 connections, of the hand-written handler's",
      "≤",
      1,
      part("sign-in", "ours", hand, ({ p99 }) => p99),
    ],
    [
      "p99 at 1,000 connections, of the hand-written handler's",
      "≤",
      1,
      part("sign-in-1000", "ours", hand, ({ p99 }) => p99),
    ],
    ["MiB of RSS above the hand-written handler's", "≤", 10, rss[0] && rss[1] && rss[0] - rss[1]],
    [
      "requests/s of 4 workers, of one's",
      "≥",
      1.8,
      part("workers", "ours, 4 workers", "ours, 1 workers", ({ requestsPerSecond }) => requestsPerSecond),
    ],
    ["start-up, of express, ioredis and node-fetch alone", "≤", 1.15, results.startUp?.[1]?.ratio],
  ];
  return list.flatMap(([what, sign, limit, measured]) => {
    if (measured === undefined) return [];
    const isReached = sign === "≤" ? measured <= limit : measured >= limit;
    return [{ what, reach: `${sign} ${limit}`, measured, isReached }];
  });
}
