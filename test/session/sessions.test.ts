import { expect } from "chai";
import sinon from "sinon";
import { sessions } from "../../lib/session/sessions.ts";
import { inProcessStore } from "../../lib/storage/in-process-store.ts";
import { APP_ID } from "../support/login-app.ts";

describe("sessions over a store", () => {
  it("look up nothing that has not the form of a token", async () => {
    const store = inProcessStore();
    const spies = [sinon.spy(store, "renewMarked"), sinon.spy(store, "take")];
    const { find, end } = sessions(store, { appId: APP_ID, prefix: "p:", ttl: 10, isShared: false });
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
    const { begin, find } = sessions(inProcessStore(), {
      appId: APP_ID,
      prefix: "p:",
      ttl: 10,
      isShared: false,
    });
    const identity = { appId: APP_ID, openid: "o1" };
    expect(await find(await begin(identity))).to.deep.equal(identity);
    expect(await find(await begin({ ...identity, unionid: "u1" }))).to.deep.equal({
      ...identity,
      unionid: "u1",
    });
  });

  it("of a user have one mark, of 8 random characters, which a sign-out removes for good", async () => {
    const store = inProcessStore();
    const take = sinon.spy(store, "take");
    const { begin, endAll } = sessions(store, { appId: APP_ID, prefix: "p:", ttl: 10, isShared: false });
    const marks: (string | undefined)[] = [];
    for (let time = 0; time < 2; time++) {
      await begin({ appId: APP_ID, openid: "o1" });
      await endAll({ openid: "o1" });
      marks.push(await take.lastCall.returnValue);
    }
    expect(take.lastCall.firstArg).to.match(/^p:signed-in:\{[\w-]{11}\}$/);
    expect(marks[0])
      .to.match(/^[\w-]{8}$/)
      .and.not.equal(marks[1]);
  });
});
