import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { locatorOf } from "../session/sessions.ts";
import type { Store } from "../storage/store.ts";
import { hashOf, isToken } from "../storage/tokens.ts";
import type { Repetition } from "./repetition.ts";
import type { Arrival, Callback, Departure } from "./web-flow.ts";

/** Time enough to find the phone and scan a code. */
export const STATE_SECONDS = 600;
/** How a callback ended, as it is kept for its repetitions: never with the token of the session. */
type Ending = Pick<Arrival, "location" | "identity"> & { code: string; session?: string | undefined };

/** WeChat fetches a callback twice within a moment; a later repetition is a replay. */
const ARRIVED_SECONDS = 10;
/** Each of them begins a session and is looked up by the next. */
const MAX_REPETITIONS = 10;
const WAIT_MS = 15_000;
const POLL_MS = 50;
const STATE = /^[0-9a-f]{64}$/;

/**
 * The `state` of web logins: one-time, and bound to the browser that started. The key is made of both: who brings the
 * state in another browser finds nothing and uses nothing up.
 */
export function states(store: Store, prefix: string) {
  const keyOf = (state: string, browser: string) => `${prefix}state:${hashOf(`${state}:${browser}`)}`;

  /** A login that is away, or for a moment how it ended. */
  async function find(key: string): Promise<Departure | Ending | undefined> {
    const text = await store.get(key);
    return text === undefined ? undefined : JSON.parse(text);
  }

  /** How the callback ended that was there first; nothing where it failed, or where this is another code. */
  async function repetitionOf(key: string, codeHash: string): Promise<Repetition | undefined> {
    let isSimultaneous = false;
    for (const end = performance.now() + WAIT_MS; performance.now() < end; await pause(POLL_MS)) {
      const found = await find(key);
      if (!found) return undefined;
      if ("location" in found) {
        if (found.code !== codeHash) return undefined;
        const { location, identity } = found;
        return { location, identity, sessions: await sessionsOf(key, found), isSimultaneous };
      }
      isSimultaneous = true;
    }
    return undefined;
  }

  /** The first one's session, and those of its repetitions, which are kept under numbers. */
  async function sessionsOf(key: string, { session }: Ending): Promise<string[]> {
    const count = Math.min(Number((await store.get(`${key}:repetitions`)) ?? 0), MAX_REPETITIONS);
    const keys = Array.from({ length: count }, (_, index) => `${key}:${index + 1}`);
    const sessions = [session, ...(await Promise.all(keys.map((name) => store.get(name))))];
    return sessions.filter((locator) => locator !== undefined);
  }

  return {
    /** A new state: 256 random bits in hex, since WeChat takes letters and digits only. */
    async issue(departure: Departure, browser: string): Promise<string> {
      const state = randomBytes(32).toString("hex");
      await store.set(keyOf(state, browser), JSON.stringify(departure), STATE_SECONDS);
      return state;
    },
    /**
     * Lets `arrive` run once for a state. Who brings the same state and code at the same time, or a moment later, is
     * given what came of it; `undefined` for a state that is unknown, foreign, expired or used.
     */
    async redeem(
      { state, browser, code }: Callback,
      arrive: (departure: Departure) => Promise<Arrival>,
    ): Promise<Arrival | Repetition | undefined> {
      // Else a state with another browser's secret behind it would lead to the key of both.
      if (!STATE.test(state) || !isToken(browser)) return undefined;
      const [key, codeHash] = [keyOf(state, browser), hashOf(code ?? "")];
      const found = await find(key);
      const isOpen = found && "returnTo" in found;
      if (!isOpen || !(await store.add(`${key}:used`, "", STATE_SECONDS))) return repetitionOf(key, codeHash);
      try {
        const arrival = await arrive(found);
        const { location, identity } = arrival;
        const ending: Ending = { code: codeHash, location, identity, session: locatorIn(arrival) };
        await store.set(key, JSON.stringify(ending), ARRIVED_SECONDS);
        return arrival;
      } catch (error) {
        await store.take(key).catch(() => {});
        throw error;
      }
    },
    /** Lets `signIn` run for a repetition, and keeps its session beside the first one's; `undefined` for one too many. */
    async again({ state, browser }: Callback, signIn: () => Promise<Arrival>): Promise<Arrival | undefined> {
      const key = keyOf(state, browser);
      const { count } = await store.count(`${key}:repetitions`, ARRIVED_SECONDS);
      if (count > MAX_REPETITIONS) return undefined;
      const arrival = await signIn();
      const session = locatorIn(arrival);
      if (session !== undefined) await store.set(`${key}:${count}`, session, ARRIVED_SECONDS);
      return arrival;
    },
  };
}

function locatorIn({ sessionToken }: Arrival): string | undefined {
  return sessionToken === undefined ? undefined : locatorOf(sessionToken);
}
