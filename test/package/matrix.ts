// Runs the compiled tests on the supported versions of Node, Express and ioredis.
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { install, run } from "../support/commands.ts";

const PEERS = [
  ["express@4", "ioredis@5"],
  ["express@5", "ioredis@6"],
];
const NODES = ["20", "24"];
const { dependencies, devDependencies } = JSON.parse(await readFile("package.json", "utf8"));
const TOOLS = [
  ...["mocha", "chai", "sinon", "fast-check", "undici"],
  ...[
    "jose",
    "express-session",
    "passport",
    "prom-client",
    "@opentelemetry/api",
    "@opentelemetry/sdk-trace-base",
  ],
];
const packages = [
  ...Object.entries(dependencies).map(([name, version]) => `${name}@${version}`),
  ...TOOLS.map((name) => `${name}@${devDependencies[name]}`),
];

for (const peers of PEERS) {
  const folder = await mkdtemp(join(tmpdir(), "matrix-"));
  try {
    await cp("node_modules/.cache/compiled", folder, { recursive: true });
    await install(folder, [...peers, ...packages]);
    await cp("docs", join(folder, "docs"), { recursive: true });
    await cp("test/doctor/hosts", join(folder, "test/doctor/hosts"), { recursive: true });
    for (const readme of ["README.md", "README.zh-CN.md"]) await cp(readme, join(folder, readme));
    // Side by side: most of these tests wait most of the time.
    await Promise.all(NODES.map((version) => test(version, peers, folder)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The path of a Node of that major version: this one, or the one that npm has. */
async function nodeOf(major: string): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  return (await run("npx", ["-y", "-p", `node@${major}`, "node", "-p", "process.execPath"])).trim();
}

async function test(version: string, peers: string[], folder: string): Promise<void> {
  const mocha = [
    "node_modules/mocha/bin/mocha.js",
    "--timeout",
    "20000",
    "--require",
    "test/support/redis-server.js",
  ];
  // The example is no part of the package, nor are the files that the README links to: they are the repository's own.
  const others = ["example-app/**", "miniprogram/**", "docs/**", "databases/**", "readme/languages.test.js"];
  const ignored = others.flatMap((files) => ["--ignore", `test/${files}`]);
  const parallel = ["--parallel", "--jobs", "2", "--node-option", "disable-warning=WechatLoginWarning"];
  const options = [
    "--forbid-only",
    "--forbid-pending",
    "--reporter",
    "dot",
    ...parallel,
    ...ignored,
    "test/**/*.test.js",
  ];
  const output = await run(await nodeOf(version), [...mocha, ...options], { cwd: folder });
  console.log(`Node ${version}, ${peers.join(", ")}: ${/\d+ passing/.exec(output)?.[0]}`);
}
