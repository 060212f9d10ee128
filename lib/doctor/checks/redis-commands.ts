import { randomUUID } from "node:crypto";
import { bad, type Check, type Finding, ok, skip } from "../check.ts";
import { type Refusal, tryStore } from "../redis-trial.ts";
import { withRedis } from "./redis.ts";

/** What ioredis asks itself when it connects; refused, it goes on with a line on the console. */
const OPTIONAL = "optional: +info, for ioredis' ready check";

/** Whether the Redis user may run every command and script of the login, on keys like those of the login. */
export const redisCommands: Check = {
  name: "Redis commands (ACL)",
  run: (context) =>
    withRedis(context, async (client) => {
      const { keyPrefix } = context.settings;
      const trial = await tryStore(client, `${keyPrefix}doctor:{${randomUUID()}}:`).catch(
        (error: Error) => error,
      );
      if (trial instanceof Error)
        return bad("Redis stops answering", "Look at the connection, and run this again.");
      const { refusals, commands } = trial;
      const all = `${commands.map((name) => `+${name}`).join(" ")}; ${OPTIONAL}`;
      return judge(refusals, keyPrefix, all) ?? ok(`all that the login uses: ${all}`);
    }),
};

function judge(refusals: Refusal[], keyPrefix: string, all: string): Finding | undefined {
  const by = (kind: Refusal["kind"]) => [
    ...new Set(refusals.flatMap((refusal) => (refusal.kind === kind ? refusal.names : []))),
  ];
  const [denied, unknown, failed] = [by("denied"), by("unknown"), by("failed")];
  if (denied.length > 0) {
    const line = `ACL SETUSER <user> ${denied.map((name) => `+${name}`).join(" ")}`;
    return bad(`the user may not run ${upper(denied)}`, `${line}; all that the login needs: ${all}`);
  }
  if (by("keys").length > 0) {
    const line = `ACL SETUSER <user> ~${keyPrefix}*; or say by --key-prefix which keyPrefix the login has.`;
    return bad(`the user may not use keys that begin with ${keyPrefix}`, line);
  }
  if (unknown.length > 0) {
    return bad(
      `this Redis does not know ${upper(unknown)}`,
      "Take Redis 6.2 or later, or Valkey, with scripts.",
    );
  }
  if (failed.length > 0) {
    return bad(`commands fail: ${failed.join(", ")}`, "REDIS_URL must lead to a primary that takes writes.");
  }
  return by("elsewhere").length > 0 ? skip("this is one node of a Redis Cluster") : undefined;
}

function upper(names: string[]): string {
  return names.join(", ").toUpperCase();
}
