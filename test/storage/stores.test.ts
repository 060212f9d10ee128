import { createHash } from "node:crypto";
import { expect } from "chai";
import sinon from "sinon";
import { inProcessStore } from "../../lib/storage/in-process-store.ts";
import { oneTimeTokens } from "../../lib/storage/one-time-tokens.ts";
import { redisStore } from "../../lib/storage/redis-store.ts";
import type { Store } from "../../lib/storage/store.ts";
import { hashOf } from "../../lib/storage/tokens.ts";
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

    it("gives a value with the milliseconds that it has left, and leaves it", async () => {
      expect(await store.getTimed(key)).to.equal(undefined);
      await store.set(key, "", 1.5);
      for (const _time of [1, 2]) {
        const { value, ms } = (await store.getTimed(key)) ?? {};
        expect(value).to.equal("");
        expect(ms).to.be.within(1000, 1500);
      }
    });

    it("takes a value with the milliseconds that it had left, once", async () => {
      await store.set(key, "值", 1.5);
      const taken = await Promise.all(Array.from({ length: 20 }, () => store.takeTimed(key)));
      const [first, ...others] = taken.filter(Boolean);
      expect(others).to.deep.equal([]);
      expect(first?.value).to.equal("值");
      expect(first?.ms).to.be.within(1000, 1500);
      expect(await store.takeTimed(key)).to.equal(undefined);
    });

    it("keeps a value for a part of a second", async () => {
      await store.set(key, "value", 0.05);
      expect(await store.get(key)).to.equal("value");
      await wait(80);
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
      const renew = async (member: string, seconds = 10) =>
        (await store.renewMember(key, member, seconds))?.value;

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

      it("say when they were kept, which no renewal changes, and how long they have left", async () => {
        const before = Date.now();
        await keep("a", "value", 2);
        const startedAt = Number((await store.renewMember(key, "a", 1))?.startedAt);
        expect(startedAt).to.be.within(before - 100, Date.now() + 100);
        await wait(200);
        expect(await store.renewMember(key, "a", 5)).to.deep.equal({
          value: "value",
          startedAt,
          isRenewed: true,
        });
        await keep("b", "");
        const [a, b] = await store.listMembers(key);
        expect([a?.name, a?.value, a?.startedAt, b?.name, b?.value]).to.deep.equal([
          ...["a", "value", startedAt],
          ...["b", ""],
        ]);
        expect(a?.ms).to.be.within(4500, 5001);
        expect(b?.startedAt).to.be.above(startedAt + 150);
        expect(await store.listMembers(`${key}other`)).to.deep.equal([]);
      });

      it("take the place of one of the same name", async () => {
        for (const value of ["one", "two"]) await keep("a", value);
        await keep("b");
        await keep("a", "three");
        const members = await store.listMembers(key);
        expect(members.map(({ name, value }) => [name, value].join())).to.deep.equal(["b,value", "a,three"]);
      });

      it("live on as long as one of the same name had left, if that is longer", async () => {
        await keep("a", "one", 100);
        await keep("a", "two", 1);
        const [a, ...others] = await store.listMembers(key);
        expect([a?.value, others]).to.deep.equal(["two", []]);
        expect(a?.ms).to.be.within(99_000, 100_001);
        await keep("a", "three", 200);
        expect((await store.listMembers(key))[0]?.ms).to.be.within(199_000, 200_001);
      });

      it("are not written again before a hundredth of their life has passed", async () => {
        await keep("a", "value", 100);
        await keep("b", "value", 100);
        const isRenewed = async () => (await store.renewMember(key, "a", 100))?.isRenewed;
        const kept = await store.get(key);
        expect([await isRenewed(), await isRenewed(), await store.get(key)]).to.deep.equal([
          false,
          false,
          kept,
        ]);
        await wait(1100);
        expect([await isRenewed(), await isRenewed()]).to.deep.equal([true, false]);
        expect(await store.get(key)).to.not.equal(kept);
      });

      it("are never shortened, nor the others, by a renewal for a shorter life", async () => {
        for (const name of ["a", "b"]) await keep(name, "value", 3);
        expect((await store.renewMember(key, "a", 1))?.isRenewed).to.equal(false);
        await keep("c", "value", 1);
        await wait(1200);
        expect(await Promise.all(["a", "b", "c"].map((name) => renew(name, 1)))).to.deep.equal([
          "value",
          "value",
          undefined,
        ]);
        await wait(1200);
        expect(await renew("a", 1)).to.equal("value");
      });

      it("live for ten years where they are told to, to the millisecond", async () => {
        const years = 10 * 365 * 24 * 60 * 60;
        await keep("a", "value", years);
        expect(await renew("a", years)).to.equal("value");
        const text = String(await store.get(key));
        expect(text).to.match(/^a \d{13} \d{16} value\n$/);
        expect((await store.listMembers(key))[0]?.ms).to.be.within(years * 1000 - 1000, years * 1000 + 1);
      });

      const end = Date.now() + 3_600_000;
      const bad: Record<string, string> = {
        "of another form": "me\n",
        "without its start, as they were before": `me ${end} value\n`,
        "without its end": "me value\n",
        "with an end that is no number": `me soon ${end}000 value\n`,
        "with a negative end": `me -${end} ${end}000 value\n`,
        "with an end with an exponent": "me 1.0e+14 1.0e+17 value\n",
        "with an end in hexadecimal": `me 0x7fffffffffff ${end}000 value\n`,
        "with two spaces": `me  ${end} ${end}000 value\n`,
        "with a space in front": ` me ${end} ${end}000 value\n`,
        "that is cut off": `me ${end} ${end}000 val`,
        "that has ended": `me ${Date.now() - 1} 1 value\n`,
        "that is empty": "\n",
      };
      for (const [name, line] of Object.entries(bad)) {
        it(`a line ${name} is no member, and does not stand for another one`, async () => {
          const good = `you ${end} ${end}000 secret\n`;
          const texts = line.endsWith("\n")
            ? [`${line}${good}`, `${good}${line}`, line]
            : [`${good}${line}`, line];
          for (const text of texts) {
            await store.set(key, text, 10);
            expect(await renew("me"), text).to.equal(undefined);
            expect(await store.removeMember(key, "me"), text).to.equal(false);
            expect(await renew("you"), text).to.equal(text.includes(good) ? "secret" : undefined);
            expect((await store.listMembers(key)).map((member) => member.name)).to.deep.equal(
              text.includes(good) ? ["you"] : [],
            );
            await store.set(key, text, 10);
            await keep("new");
            expect(await renew("new"), text).to.equal("value");
            expect(await renew("me"), text).to.equal(undefined);
          }
        });
      }
    });

    it("swaps a value for another, or removes it, if it is still the old one", async () => {
      await store.set(key, "old", 10);
      const next = { value: "new", seconds: 1 };
      expect([await store.swap(key, "other", next), await store.swap(key, "other")]).to.deep.equal([
        false,
        false,
      ]);
      const swapped = await Promise.all(Array.from({ length: 10 }, () => store.swap(key, "old", next)));
      expect(swapped.filter(Boolean)).to.have.length(1);
      expect(await store.get(key)).to.equal("new");
      await wait(1100);
      expect(await store.swap(key, "new")).to.equal(false);
      await store.set(key, "old", 10);
      expect([await store.swap(key, "old"), await store.get(key)]).to.deep.equal([true, undefined]);
      expect(await store.swap(key, "old", next)).to.equal(false);
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
      const tokensOf = (ttl = 10) => oneTimeTokens<unknown>(store, key, ttl);

      it("a token of 256 bits stands for the value, and only its hash is in a key", async () => {
        const set = sinon.spy(store, "set");
        const tokens = tokensOf();
        const { token, expiresIn } = await tokens.issue({ secret: "值" });
        expect(expiresIn).to.equal(10);
        expect(Buffer.from(token, "base64url")).to.have.length(32);
        const hash = createHash("sha256").update(token).digest("base64url").slice(0, 22);
        expect(set.firstCall.args[0]).to.equal(key + hash);
        expect(set.firstCall.args[2]).to.equal(10);
        expect((await tokens.redeem(token))?.value).to.deep.equal({ secret: "值" });
        expect(await tokens.redeem(token)).to.equal(undefined);
      });

      it("no two tokens are alike", async () => {
        const tokens = tokensOf();
        const issued = await Promise.all(Array.from({ length: 100 }, () => tokens.issue(1)));
        expect(new Set(issued.map(({ token }) => token)).size).to.equal(100);
      });

      it("one of many simultaneous requests redeems a token", async () => {
        const tokens = tokensOf();
        const { token } = await tokens.issue(1);
        const all = await Promise.all(Array.from({ length: 20 }, () => tokens.redeem(token)));
        expect(all.filter(Boolean)).to.have.length(1);
      });

      it("a token can be looked at without using it up", async () => {
        const tokens = tokensOf();
        const { token } = await tokens.issue("");
        expect([await tokens.isGood(token), await tokens.isGood(token)]).to.deep.equal([true, true]);
        await tokens.redeem(token);
        expect([await tokens.isGood(token), await tokens.isGood("A"), await tokens.isGood("")]).to.deep.equal(
          [false, false, false],
        );
      });

      it("a token that is put back is good for the rest of its life and no longer", async () => {
        const tokens = tokensOf(2);
        const { token } = await tokens.issue("value");
        for (let tries = 0; tries < 5; tries++) {
          await wait(250);
          const redeemed = await tokens.redeem(token);
          if (!redeemed) throw new Error("the token is gone before its time");
          await tokens.putBack(token, { ...redeemed, value: tries });
        }
        expect((await store.takeTimed(key + hashOf(token)))?.ms).to.be.within(400, 750);
      });

      it("a new token in the place of a redeemed one has the rest of its life", async () => {
        const tokens = tokensOf(5);
        const first = await tokens.redeem((await tokens.issue("first")).token);
        await wait(1100);
        const { token, expiresIn } = await tokens.issue("second", first?.until);
        expect(expiresIn).to.equal(3);
        const second = await tokens.redeem(token);
        expect(second?.value).to.equal("second");
        expect(Number(second?.until) - Number(first?.until)).to.be.within(-50, 50);
      });

      it("after the deadline a new token is good for nothing, and none is put back", async () => {
        const tokens = tokensOf();
        const { token } = await tokens.issue("value");
        await tokens.redeem(token);
        const set = sinon.spy(store, "set");
        for (const ago of [0, 1, 5000]) {
          const until = performance.now() - ago;
          await tokens.putBack(token, { value: "value", until });
          const late = await tokens.issue("value", until);
          expect([late.expiresIn, await tokens.redeem(late.token)]).to.deep.equal([0, undefined]);
        }
        expect(set.called).to.equal(false);
        expect(await tokens.redeem(token)).to.equal(undefined);
      });

      it("no deadline gives a token more than its whole life", async () => {
        const tokens = tokensOf();
        const until = performance.now() + 86_700_000;
        expect((await tokens.issue("value", until)).expiresIn).to.equal(10);
        const { token } = await tokens.issue("value");
        await tokens.redeem(token);
        await tokens.putBack(token, { value: "value", until });
        expect((await store.takeTimed(key + hashOf(token)))?.ms).to.be.within(9000, 10_000);
      });

      for (const [way, days] of [
        ["behind", -1],
        ["ahead", 1],
      ] as const) {
        it(`a process whose clock is a day ${way} puts a token back for the rest of its life`, async () => {
          const { token } = await tokensOf().issue("value");
          const clock = sinon.useFakeTimers({ now: Date.now() + days * 86_400_000, toFake: ["Date"] });
          atEnd(() => clock.restore());
          const redeemed = await tokensOf().redeem(token);
          if (!redeemed) throw new Error("the token is gone before its time");
          await tokensOf().putBack(token, redeemed);
          expect((await store.takeTimed(key + hashOf(token)))?.ms).to.be.within(9000, 10_000);
        });
      }

      it("what has not the form of a token is not looked up", async () => {
        const take = sinon.spy(store, "takeTimed");
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
    const clock = sinon.useFakeTimers({ now: 0, toFake: ["performance"] });
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

  it("lets nothing live longer or shorter where somebody sets the clock of the machine", async () => {
    const store = inProcessStore();
    await store.set("short", "value", 0.2);
    await store.set("long", "value", 10);
    await store.setMember("members", "a", "value", 0.2, 9);
    for (const hours of [-1, 1]) {
      const clock = sinon.useFakeTimers({ now: Date.now() + hours * 3600_000, toFake: ["Date"] });
      expect(await store.get("long")).to.equal("value");
      expect((await store.count(`count${hours}`, 1)).ms).to.be.within(900, 1000);
      if (hours < 0) {
        await wait(250);
        expect([await store.get("short"), await store.renewMember("members", "a", 1)]).to.deep.equal([
          undefined,
          undefined,
        ]);
      }
      clock.restore();
    }
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
