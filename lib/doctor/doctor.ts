import { type Answer, ask, post } from "./ask.ts";
import { bad, type Check, type Context, type Finding } from "./check.ts";
import { ipWhitelist, secret } from "./checks/account.ts";
import { binding } from "./checks/binding.ts";
import { envFile } from "./checks/env-file.ts";
import { host } from "./checks/host.ts";
import { nodeVersion } from "./checks/node-version.ts";
import { bodySize, publicUrl, trustProxy } from "./checks/proxy.ts";
import { eviction, persistence, redisServer } from "./checks/redis.ts";
import { redisCommands } from "./checks/redis-commands.ts";
import { clock, reachability } from "./checks/wechat.ts";
import { connectRedis } from "./redis.ts";
import type { Settings } from "./settings.ts";

/** A finding, and what it is about. */
export type Row = Finding & { name: string };

/** Every row of the table, in its order. */
export const CHECKS: readonly Check[] = [
  nodeVersion,
  ...[reachability, clock, envFile, secret, ipWhitelist, binding],
  ...[redisServer, redisCommands, eviction, persistence],
  ...[publicUrl, trustProxy, bodySize, host],
];

/** Runs the checks, one after the other: what one has asked another need not ask again. */
export async function doctor(
  settings: Settings,
  checks: readonly Check[] = CHECKS,
  nodeVersion = process.versions.node,
): Promise<Row[]> {
  const { baseUrl, timeout, appId, secret } = settings;
  const body = { grant_type: "client_credential", appid: appId, secret, force_refresh: false };
  const redis = once(() => connectRedis(settings));
  const context: Context = {
    settings,
    nodeVersion,
    redis,
    wechat: once<Answer>(() => ask(`${baseUrl}/sns/jscode2session`, timeout)),
    stableToken: once<Answer>(() => post(`${baseUrl}/cgi-bin/stable_token`, timeout, body)),
    login: once<Answer>(() => post(`${settings.url}/login`, timeout, {})),
  };
  const rows: Row[] = [];
  for (const { name, run } of checks) rows.push({ name, ...(await findingOf(run, context)) });
  if (settings.redisUrl)
    await redis().then(
      (client) => client.disconnect(),
      () => {},
    );
  return rows;
}

/** A check that fails is no reason to end; its message may quote anything. */
async function findingOf(run: Check["run"], context: Context): Promise<Finding> {
  try {
    return await run(context);
  } catch (error) {
    return bad(`the check itself fails: ${Object(error).name}`, "Please report it.");
  }
}

function once<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
