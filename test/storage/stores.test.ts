import { createHash } from "node:crypto";
import { expect } from "chai";
import sinon from "sinon";
import { inProcessStore } from "../../lib/storage/in-process-store.ts";
import { oneTimeTokens } from "../../lib/storage/one-time-tokens.ts";
import { redisStore } from "../../lib/storage/redis-store.ts";
import type { Store } from "../../lib/storage/store.ts";
import { atEnd, ownPrefix, redis } from "../support/login-app.ts";

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const stores: Record<string, () => Store> = {
  "Redis store": () => redisStore(redis()),
  "in-process store": () => inProcessStore(),
};

describe("scripts on Redis", () => {
  it("travel once, and again to a server that does not know them", async () => {
    const [evalsha, evaluate] = [sinon.spy(redis(), "evalsha"), sinon.spy(redis(), "eval")];
    atEnd(() => [evalsha, evaluate].map((spy) => spy.restore()));
    const [store, key] = [redisStore(redis()), ownPrefix()];
    for (const flush of [true, false, true]) {
      if (flush) await redis().script("FLUSH");
      await store.count(key, 10);
    }
    expect([evalsha.callCount, evaluate.callCount]).to.deep.equal([3, 2]);
    expect((await store.count(key, 10)).count).to.equal(4);
  });

  it("fail as Redis says where it fails for another reason", async () => {
    const evaluate = sinon.spy(redis(), "eval");
    atEnd(() => evaluate.restore());
    const key = ownPrefix();
    await redis().set(key, "no number", "EX", 10);
    const message = await redisStore(redis())
      .count(key, 10)
      .catch((error) => error.message);
    expect(message).to.match(/^ERR /);
    const calls = evaluate.callCount;
    await redisStore(redis())
      .count(key, 10)
      .catch(() => {});
    expect(evaluate.callCount).to.equal(calls);
  });
});

for (const [name, create] of Object.entries(stores)) {
  describe(`${name}, as every store`, () => {
    let store: Store;
    let key: string;
    beforeEach(() => {
      store = create();
      key = ownPrefix();
    });

    it("gives a value once", async () => {
      await store.set(key, "值", 10);
      expect(await store.take(key)).to.equal("值");
      expect(await store.take(key)).to.equal(undefined);
    });

    it("gives nothing for a key it never had", async () => {
      expect(await store.take(key)).to.equal(undefined);
    });

    it("keeps an empty string apart from nothing", async () => {
      await store.set(key, "", 10);
      expect(await store.take(key)).to.equal("");
    });

    it("replaces a value, and its life with it", async () => {
      await store.set(key, "first", 1);
      await store.set(key, "second", 10);
      await wait(1100);
      expect(await store.take(key)).to.equal("second");
    });

    it("forgets a value when its time is over", async () => {
      await store.set(key, "value", 1);
      await wait(1100);
      expect(await store.take(key)).to.equal(undefined);
    });

    it("gives a value to exactly one of many who take it at once", async () => {
      await store.set(key, "value", 10);
      const taken = await Promise.all(Array.from({ length: 50 }, () => store.take(key)));
      expect(taken.filter((value) => value !== undefined)).to.deep.equal(["value"]);
    });

    it("gives a value without taking it", async () => {
      await store.set(key, "value", 1);
      expect([await store.get(key), await store.get(key)]).to.deep.equal(["value", "value"]);
      expect(await store.get(`${key}other`)).to.equal(undefined);
      await wait(1100);
      expect(await store.get(key)).to.equal(undefined);
    });

    it("adds a value only where there is none, for one of many", async () => {
      const added = await Promise.all(["a", "b", "c"].map((value) => store.add(key, value, 1)));
      expect(added.filter(Boolean)).to.have.length(1);
      expect(await store.add(key, "d", 1)).to.equal(false);
      expect(["a", "b", "c"][added.indexOf(true)]).to.equal(await store.get(key));
      await wait(1100);
      expect(await store.add(key, "d", 1)).to.equal(true);
    });

    it("counts from the first of a window, whose end does not move, for many at once", async () => {
      const counts = await Promise.all(Array.from({ length: 10 }, () => store.count(key, 1)));
      expect(counts.map(({ count }) => count).sort((a, b) => a - b)).to.deep.equal([
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
      ]);
      for (const { ms } of counts) expect(ms).to.be.within(500, 1000);
      await wait(600);
      const { count, ms } = await store.count(key, 1);
      expect(count).to.equal(11);
      expect(ms).to.be.within(1, 400);
      await wait(500);
      expect((await store.count(key, 1)).count).to.equal(1);
      expect((await store.count(`${key}other`, 1)).count).to.equal(1);
    });

    describe("members of a key", () => {
      const keep = (member: string, value = "value", seconds = 10, max = 9) =>
        store.setMember(key, member, value, seconds, max);
      const renew = (member: string, seconds = 10) => store.renewMember(key, member, seconds);

      it("are given by their names, as often as they are asked for", async () => {
        await keep("a", "值 1");
        await keep("b", "");
        expect([await renew("a"), await renew("b"), await renew("a")]).to.deep.equal(["值 1", "", "值 1"]);
        expect(await store.renewMember(`${key}other`, "a", 10)).to.equal(undefined);
      });

      it("are not found by a part of a name, by what is no pattern, or by what their values hold", async () => {
        await keep("ab", "xy 1 z");
        for (const name of ["a", "b", "x", "..", "%w", "xy", "1"])
          expect(await renew(name), name).to.equal(undefined);
      });

      it("are removed alone, and once", async () => {
        for (const name of ["a", "b", "c"]) await keep(name, `value ${name}`);
        expect(await store.removeMember(key, "b")).to.equal(true);
        expect(await store.removeMember(key, "b")).to.equal(false);
        expect([await renew("a"), await renew("b"), await renew("c")]).to.deep.equal([
          "value a",
          undefined,
          "value c",
        ]);
        for (const name of ["a", "c"]) expect(await store.removeMember(key, name)).to.equal(true);
        expect(await store.get(key)).to.equal(undefined);
      });

      it("leave the others their life where they are removed", async () => {
        for (const name of ["a", "b"]) await keep(name, "value", 1);
        expect(await store.removeMember(key, "a")).to.equal(true);
        await wait(1100);
        expect(await store.get(key)).to.equal(undefined);
      });

      it("are removed together with their key", async () => {
        for (const name of ["a", "b"]) await keep(name);
        await store.take(key);
        expect([await renew("a"), await renew("b"), await store.removeMember(key, "a")]).to.deep.equal([
          undefined,
          undefined,
          false,
        ]);
      });

      it("live on with every use, and not without", async () => {
        await keep("a", "value", 1);
        await keep("b", "value", 1);
        await wait(600);
        expect(await renew("a", 2)).to.equal("value");
        await wait(1500);
        expect([await renew("a", 1), await renew("b", 1)]).to.deep.equal(["value", undefined]);
        expect(await store.removeMember(key, "b")).to.equal(false);
        await wait(1100);
        expect(await store.get(key)).to.equal(undefined);
      });

      it("end each at its own time; the key lives as long as the longest", async () => {
        await keep("long", "value", 4);
        await keep("short", "value", 1);
        expect(await renew("short", 1)).to.equal("value");
        await wait(2100);
        expect([
          await store.removeMember(key, "short"),
          await renew("short"),
          await renew("long", 1),
        ]).to.deep.equal([false, undefined, "value"]);
      });

      it("are no more than so many: who was used last stays, and who has ended takes no place", async () => {
        await keep("ended", "value", 1);
        for (const name of ["a", "b", "c"]) await keep(name);
        await renew("a");
        await wait(1100);
        await keep("d", "value", 10, 4);
        expect(await renew("b")).to.equal("value");
        await keep("e", "value", 10, 3);
        const all = await Promise.all(["a", "b", "c", "d", "e"].map((name) => renew(name)));
        expect(all).to.deep.equal([undefined, "value", undefined, "value", "value"]);
      });

      it("are kept and renewed by many at once", async () => {
        const names = Array.from({ length: 50 }, (_, index) => `member${index}`);
        await Promise.all(names.map((name) => keep(name, name, 10, 100)));
        expect(await Promise.all(names.map((name) => renew(name)))).to.deep.equal(names);
      });
    });

    describe("unlock", () => {
      const value = () => ({ key: `${key}{tag}value`, value: "new", seconds: 1 });
      const lock = () => `${key}{tag}lock`;

      it("ends the holder's lock, and keeps a value for its time", async () => {
        await store.add(lock(), "me", 10);
        await store.unlock(lock(), "me", value());
        expect([await store.get(lock()), await store.get(value().key)]).to.deep.equal([undefined, "new"]);
        await wait(1100);
        expect(await store.get(value().key)).to.equal(undefined);
      });

      it("ends it without keeping anything", async () => {
        await store.add(lock(), "me", 10);
        await store.unlock(lock(), "me");
        expect(await store.get(lock())).to.equal(undefined);
      });

      it("leaves another's lock and value alone", async () => {
        await store.add(lock(), "another", 10);
        await store.set(value().key, "theirs", 10);
        await store.unlock(lock(), "me", value());
        await store.unlock(lock(), "me");
        expect([await store.get(lock()), await store.get(value().key)]).to.deep.equal(["another", "theirs"]);
      });

      it("keeps nothing where there is no lock any more", async () => {
        await store.unlock(lock(), "me", value());
        expect(await store.get(value().key)).to.equal(undefined);
      });
    });

    describe("under one-time tokens", () => {
      it("a token of 256 bits stands for the value, and only its hash is in a key", async () => {
        const set = sinon.spy(store, "set");
        const tokens = oneTimeTokens(store, key, 10);
        const token = await tokens.issue({ secret: "值" });
        expect(Buffer.from(token, "base64url")).to.have.length(32);
        const hash = createHash("sha256").update(token).digest("base64url").slice(0, 22);
        expect(set.firstCall.args[0]).to.equal(key + hash);
        expect(set.firstCall.args[2]).to.equal(10);
        expect((await tokens.redeem(token))?.value).to.deep.equal({ secret: "值" });
        expect(await tokens.redeem(token)).to.equal(undefined);
      });

      it("no two tokens are alike", async () => {
        const tokens = oneTimeTokens(store, key, 10);
        const issued = await Promise.all(Array.from({ length: 100 }, () => tokens.issue(1)));
        expect(new Set(issued).size).to.equal(100);
      });

      it("the value says until when it would have waited", async () => {
        const tokens = oneTimeTokens(store, key, 10);
        const kept = await tokens.redeem(await tokens.issue(1));
        expect(Number(kept?.expiresAt) - Date.now()).to.be.within(9000, 10_000);
      });

      it("a token that is put back is good for the rest of its life and no longer", async () => {
        const tokens = oneTimeTokens(store, key, 10);
        const token = await tokens.issue("value");
        const kept = { value: "value", expiresAt: Date.now() + 1900 };
        const set = sinon.spy(store, "set");
        await tokens.putBack(token, kept);
        expect(set.firstCall.args[2]).to.equal(2);
        expect(await tokens.redeem(token)).to.deep.equal(kept);
      });

      it("a token whose time is over is not put back", async () => {
        const tokens = oneTimeTokens(store, key, 10);
        const token = await tokens.issue("value");
        await tokens.redeem(token);
        const set = sinon.spy(store, "set");
        for (const ago of [0, 1, 5000])
          await tokens.putBack(token, { value: "value", expiresAt: Date.now() - ago });
        expect(set.called).to.equal(false);
        expect(await tokens.redeem(token)).to.equal(undefined);
      });

      it("what has not the form of a token is not looked up", async () => {
        const take = sinon.spy(store, "take");
        const tokens = oneTimeTokens(store, key, 10);
        const good = "A".repeat(43);
        for (const token of [
          "",
          "A",
          `${good}A`,
          good.slice(1),
          `${good}\n`,
          `${good.slice(1)}+`,
          `:${good.slice(1)}`,
        ]) {
          expect(await tokens.redeem(token), token).to.equal(undefined);
        }
        expect(take.called).to.equal(false);
        await tokens.redeem(good);
        expect(take.called).to.equal(true);
      });
    });
  });
}

describe("the in-process store", () => {
  function fakeClock() {
    const clock = sinon.useFakeTimers({ now: 0, toFake: ["Date"] });
    atEnd(() => clock.restore());
    return clock;
  }

  it("holds a bounded number of entries: the oldest goes first", async () => {
    const store = inProcessStore(3);
    for (const key of ["a", "b", "c"]) await store.set(key, key, 10);
    await store.set("a", "again", 10);
    await store.set("d", "d", 10);
    const left = await Promise.all(["a", "b", "c", "d"].map((key) => store.take(key)));
    expect(left).to.deep.equal(["again", undefined, "c", "d"]);
  });

  it("holds 100,000 entries where nothing else is said", async () => {
    const store = inProcessStore();
    for (let i = 0; i <= 100_000; i++) await store.set(String(i), "", 10);
    expect(await store.take("0")).to.equal(undefined);
    expect(await store.take("1")).to.equal("");
  });

  it("gives an entry until the very end of its life", async () => {
    const clock = fakeClock();
    const store = inProcessStore();
    await store.set("a", "a", 10);
    await store.set("b", "b", 10);
    clock.tick(9_999);
    expect(await store.take("a")).to.equal("a");
    clock.tick(1);
    expect(await store.take("b")).to.equal(undefined);
  });

  it("drops what is expired once a minute, so that it makes no living entry leave", async () => {
    const clock = fakeClock();
    const store = inProcessStore(3);
    await store.set("living", "value", 1000);
    await store.set("short", "value", 60);
    await store.set("shorter", "value", 10);
    clock.tick(60_000);
    await store.set("new", "value", 1000);
    await store.set("newer", "value", 1000);
    expect(await store.take("living")).to.equal("value");
  });

  it("drops nothing in between: a full store need not be searched for each login", async () => {
    const clock = fakeClock();
    const store = inProcessStore(2);
    await store.set("living", "value", 1000);
    clock.tick(60_000);
    await store.set("short", "value", 1);
    clock.tick(59_999);
    await store.set("new", "value", 1000);
    expect(await store.take("living")).to.equal(undefined);
  });

  it("counts as no Redis: everything works without one", async () => {
    const [one, other] = [inProcessStore(), inProcessStore()];
    await one.set("a", "a", 10);
    expect(await other.take("a")).to.equal(undefined);
  });
});
