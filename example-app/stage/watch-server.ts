import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Fetch, Identity, Traced } from "express-wechat-login";
import type { User, Users, UserToSave } from "../user.ts";
import type { Messages } from "./messages.ts";
import type { SecretBox } from "./secret-box.ts";
import { kindOf } from "./stored.ts";

const SECRETS = ["session_key", "access_token", "refresh_token"];

/** A `fetch` that tells what WeChat is asked and answers. Its secrets are locked before anything is told. */
export function watchedFetch({ watch }: Messages, { lock }: SecretBox, beforeEach: () => void): Fetch {
  return async (url, init) => {
    const { pathname, search } = new URL(url);
    const ask = async () => {
      beforeEach();
      const response = await fetch(url, init as RequestInit);
      const text = await response.text();
      for (const name of SECRETS) lockField(name, text, lock);
      return { status: response.status, text };
    };
    const call = {
      lanes: ["server", "wechat"] as ["server", "wechat"],
      title: pathname.replace(/^.*\//, ""),
      detail: { request: `${init.method} ${pathname}${search}`, body: init.body && JSON.parse(init.body) },
      answer: ({ status, text }: { status: number; text: string }) => {
        const body = JSON.parse(text) as { errcode?: number };
        const title = body.errcode ? `errcode ${body.errcode}` : "ok";
        return { title, detail: { status, body }, hasFailed: Boolean(body.errcode) };
      },
    };
    const { status, text } = await watch(call, ask);
    return { status, text: async () => text };
  };
}

function lockField(name: string, text: string, lock: SecretBox["lock"]): void {
  const value = (JSON.parse(text) as Record<string, unknown>)[name];
  if (typeof value === "string") lock(name, value);
}

/** A client that tells each command it is given; everything else of it stays as it is. */
export function watchedRedis<Client extends object>(client: Client, { watch }: Messages): Client {
  return new Proxy(client, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...given: unknown[]) => {
        const result = member.apply(target, given);
        if (!(result instanceof Promise)) return result;
        const call = {
          lanes: ["server", "redis"] as ["server", "redis"],
          title: [String(name).toUpperCase(), kindOfKey(given.flat())].join(" ").trim(),
          detail: given.flat().map(readable),
          answer: (answer: unknown) => ({
            title: shortOf(answer),
            detail: Array.isArray(answer) ? answer.map(readable) : readable(answer),
          }),
          // A script that Redis does not know yet is sent in full next: that is how EVALSHA is meant.
          expected: ({ message }: Error) =>
            message.startsWith("NOSCRIPT") ? { title: "noscript", detail: message } : undefined,
        };
        return watch(call, () => result);
      };
    },
  });
}

/** What the command is about, by its first key; a script is no key. */
function kindOfKey(given: unknown[]): string {
  const words = given.filter((word) => typeof word === "string" && !word.includes("redis.call"));
  return words.map((word) => kindOf(String(word))).find(Boolean) ?? "";
}

/** Bytes are told by their number only: no box could find a secret in them. */
function readable(value: unknown): unknown {
  return value instanceof Uint8Array ? `‹${value.length} bytes›` : value;
}

function shortOf(answer: unknown): string {
  if (answer === null || answer === undefined) return "nil";
  const text = String(readable(answer));
  return text.length > 12 ? "value" : text;
}

/**
 * Tells the commands of the in-process store. It shows nothing but their names: whoever traces a store gets no keys and no
 * values.
 *
 * @param isOurs whether the request at hand is one of the stage's
 */
export function watchProcessStore({ tell }: Messages, isOurs: () => boolean): () => void {
  const start = (traced: unknown) => {
    const { name } = traced as Traced;
    if (isOurs()) tell({ from: "server", to: "redis", title: name });
  };
  const end = (traced: unknown) => {
    const { outcome = "" } = traced as Traced;
    if (isOurs()) {
      tell({ from: "redis", to: "server", title: outcome, isAnswer: true, hasFailed: outcome !== "ok" });
    }
  };
  subscribe("tracing:express-wechat-login:store:start", start);
  subscribe("tracing:express-wechat-login:store:asyncEnd", end);
  return () => {
    unsubscribe("tracing:express-wechat-login:store:start", start);
    unsubscribe("tracing:express-wechat-login:store:asyncEnd", end);
  };
}

/** The two callbacks, telling what the database is asked and answers. */
export function watchedUsers(users: Pick<Users, "find" | "save">, { watch }: Messages) {
  const lanes: ["server", "database"] = ["server", "database"];
  return {
    findUser: (identity: Identity) => {
      const answer = (user: User | undefined) => ({ title: user ? "user" : "nobody", detail: user });
      return watch({ lanes, title: "findUser", detail: identity, answer }, () => users.find(identity));
    },
    saveUser: (user: UserToSave) =>
      watch({ lanes, title: "saveUser", detail: user, answer: () => ({ title: "saved" }) }, () =>
        users.save(user),
      ),
  };
}
