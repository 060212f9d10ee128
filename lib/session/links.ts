import type { Store } from "../storage/store.ts";

/** A sign-out everywhere, among the handles that are linked with a handle; no handle is as short. */
const SIGNED_OUT = "signed-out";
/** A sign-out is remembered for a year, or for the life of a session if that is longer: so long may a session wait unused. */
const SIGN_OUT_SECONDS = 366 * 24 * 60 * 60;
/** Links are remembered at least so long after their last use, also by a login whose own sessions are short. */
const LINK_SECONDS = 60 * 24 * 60 * 60;
/** A person has an openid for each app. */
const MAX_LINKS = 1000;

/**
 * Which handles belong to one person: those of an openid and a unionid that were seen together, by a login or by the guard.
 * A person's unionid may be unknown at first, and it changes where an app moves to another account of the Open Platform.
 *
 * @param ttl how long a session of the pool lives, in seconds
 */
export function linksOf(store: Store, { prefix, ttl }: { prefix: string; ttl: number }) {
  const keyOf = (handle: string) => `${prefix}links:${handle}`;
  const linkSeconds = Math.max(2 * ttl, LINK_SECONDS);

  async function link(one: string, other: string): Promise<void> {
    await Promise.all([
      store.setMember(keyOf(one), other, "", linkSeconds, MAX_LINKS),
      store.setMember(keyOf(other), one, "", linkSeconds, MAX_LINKS),
    ]);
  }

  async function signOut(handle: string): Promise<void> {
    await store.setMember(keyOf(handle), SIGNED_OUT, "", Math.max(ttl, SIGN_OUT_SECONDS), MAX_LINKS);
  }

  return {
    /** Remembers that both are of one person. */
    link,
    /**
     * Whether the person was signed out everywhere since that moment. Links the handle of a session with the one of the
     * person, so that the next sign-out removes it at once.
     */
    async isSignedOut(person: string, session: string, startedAt: number): Promise<boolean> {
      const members = await store.listMembers(keyOf(person));
      const last = members.find(({ name }) => name === SIGNED_OUT);
      if (last && startedAt <= last.startedAt) return true;
      const known = members.find(({ name }) => name === session);
      // A full Redis takes no link. The guard then looks for a sign-out again, as it does each time.
      if (!known || known.ms < linkSeconds * 500) await link(person, session).catch(() => {});
      return false;
    },
    /**
     * Remembers a sign-out of these handles and of all that are linked with them, and returns all of them. What could not be
     * remembered, since Redis is full, is in `failures`.
     */
    async signOutAll(handles: string[]): Promise<{ all: Set<string>; failures: unknown[] }> {
      const [all, failures] = [new Set(handles), [] as unknown[]];
      // A Set goes through what is added on the way, too.
      for (const handle of all) {
        await signOut(handle).catch((error) => failures.push(error));
        for (const { name } of await store.listMembers(keyOf(handle))) if (name !== SIGNED_OUT) all.add(name);
      }
      return { all, failures };
    },
  };
}
