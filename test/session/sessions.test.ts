import { expect } from "chai";
import sinon from "sinon";
import { sessions } from "../../lib/session/sessions.ts";
import { inProcessStore } from "../../lib/storage/in-process-store.ts";
import { APP_ID } from "../support/login-app.ts";

/** The sessions of one app. */
const OWN = { appId: APP_ID, prefix: "p:", ttl: 10, isShared: false };

describe("sessions over a store", () => {
  it("look up nothing that has not the form of a token", async () => {
    const store = inProcessStore();
    const spies = [sinon.spy(store, "renewMember"), sinon.spy(store, "removeMember")];
    const { find, end } = sessions(store, OWN);
    const good = "A".repeat(54);
    const wrong = [
      ...["", "A", `${good}A`, good.slice(1), `${good.slice(1)}\n`, `\n${good.slice(1)}`],
      ...[
        `${good.slice(1)}}`,
        `${good.slice(0, 43)}}${good.slice(44)}`,
        `${good.slice(0, 43)}*${good.slice(44)}`,
      ],
    ];
    for (const token of wrong) {
      expect([await find(token), await end(token)], token).to.deep.equal([undefined, false]);
    }
    expect(spies.map((spy) => spy.called)).to.deep.equal([false, false]);
    expect([await find(good), await end(good)]).to.deep.equal([undefined, false]);
    expect(spies.map((spy) => spy.called)).to.deep.equal([true, true]);
  });

  it("leave no unionid in an identity that has none", async () => {
    const { begin, find } = sessions(inProcessStore(), OWN);
    const identity = { appId: APP_ID, openid: "o1" };
    expect((await find(await begin(identity)))?.identity).to.deep.equal(identity);
    expect((await find(await begin({ ...identity, unionid: "u1" })))?.identity).to.deep.equal({
      ...identity,
      unionid: "u1",
    });
  });

  it("say when they were begun", async () => {
    const { begin, find } = sessions(inProcessStore(), OWN);
    const [before, token] = [Date.now(), await begin({ appId: APP_ID, openid: "o1" })];
    expect((await find(token))?.startedAt).to.be.within(before - 100, Date.now() + 100);
  });

  it("of a user are twenty at the most: the one goes that was not used for the longest time", async () => {
    const { begin, find } = sessions(inProcessStore(), OWN);
    const identity = { appId: APP_ID, openid: "o1" };
    const tokens: string[] = [];
    for (let count = 0; count < 20; count++) tokens.push(await begin(identity));
    // A use counts once a hundredth of the life has passed.
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect((await find(String(tokens[0])))?.identity).to.deep.equal(identity);
    await begin(identity);
    const found = await Promise.all(tokens.map((token) => find(token)));
    expect(found.map((session) => session !== undefined)).to.deep.equal(
      tokens.map((_, index) => index !== 1),
    );
  });

  it("of a user are under one key, which a sign-out removes", async () => {
    const store = inProcessStore();
    const [set, take] = [sinon.spy(store, "setMember"), sinon.spy(store, "take")];
    const { begin, endAll } = sessions(store, OWN);
    await begin({ appId: APP_ID, openid: "o1" });
    await begin({ appId: APP_ID, openid: "o1" });
    await endAll({ openid: "o1" });
    const keys = new Set([...set.args.map(([key]) => key), ...take.args.map(([key]) => key)]);
    expect([...keys].join()).to.match(/^p:sessions:[\w-]{11}$/);
  });
});
