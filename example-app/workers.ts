import cluster from "node:cluster";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Accounts, openAccounts } from "./accounts.ts";
import { orRefuse, placeOf, refuse } from "./settings.ts";

/** A worker that dies is replaced; the more have died in the last minute, the later. */
const BRAKE = { windowMs: 60_000, firstMs: 100, longestMs: 30_000 };

const workers = Number(parseArgs({ options: { workers: { type: "string", default: "1" } } }).values.workers);
const complaint = complaintOf(workers, process.env);
if (complaint) {
  console.error(complaint);
  process.exitCode = 1;
} else if (workers === 1) {
  await import("./app.ts");
} else {
  await startWorkers(workers);
}

/** One sentence on why so many workers cannot be started. */
function complaintOf(workers: number, env: NodeJS.ProcessEnv): string | undefined {
  if (!Number.isInteger(workers) || workers < 1) return "--workers takes a whole number above 0.";
  if (workers === 1 || env.REDIS_URL) return undefined;
  return "Several workers need a Redis that they share, since one must know the tokens that another has given: set REDIS_URL, as in REDIS_URL=redis://127.0.0.1:6379 npm start -- --workers 4";
}

/**
 * Workers on one port, kept at that number. SIGTERM drains all of them. Where none has ever served there is no sense in
 * trying again: the exit code tells.
 */
async function startWorkers(count: number): Promise<void> {
  const { simulator, ...accounts } = await openAccounts(process.env).catch(refuse);
  const { listenHost } = orRefuse(() => placeOf(process.env, simulator !== undefined));
  const env = simulator ? { ...environmentOf(accounts), LISTEN_HOST: listenHost } : {};
  let deaths: number[] = [];
  const stopping = new AbortController();
  let hasServed = false;
  cluster.setupPrimary({ exec: `${import.meta.dirname}/app.ts`, args: [] });

  function start(): void {
    const worker = cluster.fork(env);
    const { pid } = worker.process;
    worker.once("listening", () => {
      hasServed = true;
      console.log(`Worker ${pid} serves`);
    });
    worker.once("exit", (code, signal) => void ended(`Worker ${pid} has ended (${signal ?? code})`));
  }

  async function ended(what: string): Promise<void> {
    if (!hasServed) {
      process.exitCode = 1;
      stop();
    }
    if (!stopping.signal.aborted) {
      const now = Date.now();
      deaths = [...deaths, now].filter((at) => at > now - BRAKE.windowMs);
      const ms = Math.min(BRAKE.longestMs, BRAKE.firstMs * 2 ** (deaths.length - 1));
      console.error(`${what}: another one begins in ${ms} ms`);
      await pause(ms, undefined, stopping).catch(() => {});
    }
    if (!stopping.signal.aborted) start();
    else if (Object.keys(cluster.workers ?? {}).length === 0) await simulator?.close();
  }

  function stop(): void {
    stopping.abort();
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill("SIGTERM");
  }

  for (let number = 0; number < count; number++) start();
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

/** The workers find the simulated WeChat of this process where they would find the real one. */
function environmentOf({ baseUrl, authorizeBaseUrl, ...apps }: Accounts): NodeJS.ProcessEnv {
  const { miniProgram, officialAccount, website } = apps;
  const named = { WECHAT: miniProgram, WECHAT_OFFICIAL: officialAccount, WECHAT_WEBSITE: website };
  const accounts = Object.entries(named).flatMap(([prefix, account]) => [
    [`${prefix}_APP_ID`, account?.appId],
    [`${prefix}_SECRET`, account?.secret],
  ]);
  const places = { WECHAT_BASE_URL: baseUrl, WECHAT_AUTHORIZE_BASE_URL: authorizeBaseUrl };
  return { ...places, ...Object.fromEntries(accounts) };
}
