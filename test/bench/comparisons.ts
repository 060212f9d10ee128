import { execFileSync } from "node:child_process";
import type { Comparison, Target } from "./compare.ts";

type Plan = Pick<Comparison, "name" | "title" | "flow" | "targets" | "connections"> &
  Partial<Pick<Comparison, "workers">> & { wechat?: "tls" | "slow" };

const handWritten: Target = { name: "hand-written handler", file: "hand-written" };
const ours: Target = { name: "ours", file: "ours" };
const byUndici: Target = { name: "ours, by undici's request", file: "ours-undici" };
const onNodeHttp: Target = { name: "ours, on node:http", file: "ours-node-http" };
const withLimit: Target = {
  ...ours,
  name: "ours, with the rate limit",
  env: { RATE_LIMIT: "1" },
  isExtra: true,
};
const withoutSession: Target = {
  ...ours,
  name: "ours, without a session",
  env: { NO_SESSION: "1" },
  isExtra: true,
};
const workers = (count: number): Target => ({
  ...ours,
  name: `ours, ${count} workers`,
  env: { WORKERS: `${count}` },
});

/** The same targets on another Node; none where npm cannot bring it. */
function onNode(version: number, targets: Target[]): Target[] {
  try {
    const which = ["--yes", "--package", `node@${version}`, "node", "-p", "process.execPath"];
    const command = [
      execFileSync("npx", which, { stdio: ["ignore", "pipe", "ignore"] })
        .toString()
        .trim(),
    ];
    return targets.map((target) => ({ ...target, name: `${target.name}, Node ${version}`, command }));
  } catch {
    console.error(`Node ${version} cannot be had here: its targets are left out.`);
    return [];
  }
}

/** What is compared, on this Node alone where it has to be quick; the first target of each is what the ratios are to. */
export function comparisons({ isQuick }: { isQuick: boolean }): Plan[] {
  const onNode24 = (targets: Target[]) => (isQuick ? [] : onNode(24, targets));
  const echo: Target = { name: "Express 5 JSON echo", file: "express-echo", flow: "echo" };
  const plans: Plan[] = [
    {
      name: "sign-in",
      title: "A whole sign-in: two requests, the button's data opened and checked",
      flow: "sign-in",
      connections: 100,
      targets: [
        handWritten,
        { name: "passport + express-session + connect-redis", file: "passport" },
        ours,
        byUndici,
        withLimit,
        { name: "ours, on Express 4", file: "ours-express4", isExtra: true },
        onNodeHttp,
        ...onNode24([handWritten, ours, onNodeHttp]),
      ],
    },
    {
      name: "sign-in-10",
      title: "A whole sign-in, 10 connections",
      flow: "sign-in",
      connections: 10,
      targets: [handWritten, ours],
    },
    {
      name: "sign-in-1000",
      title: "A whole sign-in, 1,000 connections",
      flow: "sign-in",
      connections: 1000,
      targets: [handWritten, ours],
    },
    {
      name: "silent",
      title: "A silent login: one request, everything known",
      flow: "silent",
      connections: 100,
      targets: [
        { name: "wafer-node-session + connect-redis", file: "wafer", flow: "silent-wafer" },
        ours,
        withLimit,
        onNodeHttp,
      ],
    },
    {
      name: "complete",
      title: "The second request of a sign-in, beside echoes of the same body",
      flow: "complete",
      connections: 100,
      targets: [
        echo,
        { name: "Express 4 JSON echo", file: "express4-echo", flow: "echo", isExtra: true },
        { name: "node:http JSON echo", file: "node-http-echo", flow: "echo", isExtra: true },
        handWritten,
        ours,
        withoutSession,
        onNodeHttp,
        ...onNode24([echo, ours]),
      ],
    },
    {
      name: "guard",
      title: "The guard in front of a route",
      flow: "guard",
      connections: 100,
      targets: [
        { name: "express-session + connect-redis", file: "express-session" },
        { name: "no guard at all", file: "express-me", isExtra: true },
        { name: "a JWT (jose)", file: "jose", isExtra: true },
        ours,
        onNodeHttp,
      ],
    },
    {
      name: "tls",
      title: "A whole sign-in, WeChat over TLS",
      flow: "sign-in",
      connections: 100,
      wechat: "tls",
      targets: [handWritten, ours],
    },
    {
      name: "slow",
      title: "A whole sign-in, WeChat takes 50 ms",
      flow: "sign-in",
      connections: 100,
      wechat: "slow",
      targets: [handWritten, ours],
    },
    {
      name: "workers",
      title: "A whole sign-in, workers of a cluster",
      flow: "sign-in",
      connections: 100,
      workers: true,
      targets: [1, 2, 4].map(workers),
    },
  ];
  const few = (plan: Plan) => ({ ...plan, targets: plan.targets.filter(({ isExtra }) => !isExtra) });
  return isQuick ? plans.map(few) : plans;
}
