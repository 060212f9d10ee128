import { redisStore } from "../storage/redis-store.ts";
import type { Store } from "../storage/store.ts";
import type { RedisOfDoctor } from "./redis.ts";

/** What Redis has refused: commands by their names, keys, or the first word of another error. */
export interface Refusal {
  kind: "denied" | "keys" | "unknown" | "elsewhere" | "failed";
  names: string[];
}

/** What is left behind where a command that removes it is forbidden. */
const SECONDS = 10;
const KEYS = ["value", "lock", "kept", "counter", "members"] as const;

/** Every method of the store, so that each of its scripts takes each branch: one that is missing does not compile. */
const TRIALS: Record<
  keyof Store,
  (store: Store, keys: Record<(typeof KEYS)[number], string>) => Promise<unknown>
> = {
  set: (store, { value }) => store.set(value, "doctor", SECONDS),
  get: (store, { value }) => store.get(value),
  take: (store, { value }) => store.take(value),
  getTimed: (store, { value }) => store.getTimed(value),
  async takeTimed(store, { value }) {
    await store.set(value, "doctor", SECONDS);
    await store.takeTimed(value);
  },
  async swap(store, { value }) {
    await store.set(value, "doctor", SECONDS);
    await store.swap(value, "doctor", { value: "kept", seconds: SECONDS });
    await store.swap(value, "kept");
  },
  add: (store, { lock }) => store.add(lock, "doctor", SECONDS),
  unlock: (store, { lock, kept }) =>
    store.unlock(lock, "doctor", { key: kept, value: "doctor", seconds: SECONDS }),
  count: (store, { counter }) => store.count(counter, SECONDS),
  async setMember(store, { members }) {
    for (const member of ["a", "b"]) await store.setMember(members, member, "doctor", SECONDS, 2);
  },
  renewMember: (store, { members }) => store.renewMember(members, "a", SECONDS),
  listMembers: (store, { members }) => store.listMembers(members),
  async removeMember(store, { members }) {
    for (const member of ["a", "b"]) await store.removeMember(members, member);
  },
};

/**
 * Runs the login's own store on keys of the doctor's, and removes them: what the login uses is listed nowhere else.
 *
 * @throws {Error} if the connection fails
 */
export async function tryStore(
  client: RedisOfDoctor,
  prefix: string,
): Promise<{ refusals: Refusal[]; commands: string[] }> {
  const refusals: Refusal[] = [];
  const commands = new Set<string>();
  let lost: unknown;
  const keys = Object.fromEntries(KEYS.map((key) => [key, prefix + key])) as Record<
    (typeof KEYS)[number],
    string
  >;

  /** Runs one command and notes why it is refused. */
  async function run<Result>(names: string[], work: () => Promise<Result>): Promise<Result | null> {
    for (const name of names) commands.add(name);
    try {
      return await work();
    } catch (error) {
      const { name, message } = error as Error;
      if (name !== "ReplyError") lost ??= error;
      else refusals.push(...refusalsOf(message, names));
      return null;
    }
  }

  const store = redisStore({
    set: (key: string, value: string, ex: "EX", seconds: number, nx?: "NX") =>
      run(["set"], () =>
        nx ? client.set(key, value, ex, seconds, nx) : client.set(key, value, ex, seconds),
      ),
    get: (key) => run(["get"], () => client.get(key)),
    getdel: (key) => run(["getdel"], () => client.getdel(key)),
    // The text of each script is sent: what a script may do is then known even where it may not run.
    evalsha: async () => Promise.reject(new Error("NOSCRIPT")),
    eval: (script, ...given) => run(["eval", ...commandsIn(script)], () => client.eval(script, ...given)),
  });
  await run(["evalsha"], () => client.evalsha("0".repeat(40), 1, keys.value));
  for (const trial of Object.values(TRIALS)) {
    // What a method makes of a command that was refused says nothing more.
    await trial(store, keys).catch(() => {});
    if (lost) throw lost;
  }
  for (const refusal of refusals) {
    if (refusal.kind === "denied") refusal.names = await deniedOf(client, refusal.names, keys.value);
  }
  for (const key of Object.values(keys)) await client.getdel(key).catch(() => {});
  return { refusals, commands: [...commands] };
}

/**
 * Of the commands of a script those that the user may not run: outside of scripts Redis names them. It looks at the number
 * of arguments first, so that is found out as well.
 */
async function deniedOf(client: RedisOfDoctor, names: string[], key: string): Promise<string[]> {
  if (names.length === 1) return names;
  const denied: string[] = [];
  for (const name of names) {
    for (const given of [[], [key], [key, "1"], [key, "1", "1"]]) {
      const message = await client.call(name, ...given).then(String, ({ message }: Error) => message);
      if (/wrong number of arguments/.test(message)) continue;
      if (/permissions? to run/.test(message)) denied.push(name);
      break;
    }
  }
  return denied.length > 0 ? denied : names;
}

function commandsIn(script: string): string[] {
  return [...script.matchAll(/redis\.p?call\(\s*['"](\w+)/g)].map(([, name = ""]) => name.toLowerCase());
}

/** By the messages of Redis 6.2 and later; those of 6.2 do not name the command that a script may not run. */
function refusalsOf(message: string, names: string[]): Refusal[] {
  const named = /['`](\w+)(?:\|\w+)?['`]/.exec(message)?.[1]?.toLowerCase();
  const [command = ""] = names;
  if (/^NOSCRIPT/.test(message)) return [];
  if (/permissions? to access|can't access/.test(message)) return [{ kind: "keys", names: [command] }];
  if (/permissions? to run/.test(message) && named) return [{ kind: "denied", names: [named] }];
  if (/NOPERM|can't run/.test(message)) return [{ kind: "denied", names: names.slice(1) }];
  if (/unknown (redis )?command/i.test(message)) return [{ kind: "unknown", names: [named ?? command] }];
  if (/^(MOVED|ASK)\b/.test(message)) return [{ kind: "elsewhere", names: [command] }];
  return [{ kind: "failed", names: [/^[A-Z]+/.exec(message)?.[0] ?? "ERR"] }];
}
