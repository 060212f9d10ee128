import { runInNewContext } from "node:vm";
import { expect } from "chai";
import sinon from "sinon";
import type { Identity, WechatLogin } from "../../lib/index.ts";
import { APP_ID, startApp, type TestUser } from "../support/login-app.ts";
import { startWebApp } from "../support/web-app.ts";

type Row = Partial<Record<"id" | "openid" | "unionid" | "nickName", unknown>>;

const VICTIM: Row = { id: 1, openid: "o-of-the-victim", nickName: "Victim" };
const ANOTHER = /^wechatLogin: findUser returned another user than the one who logged in\. /;

/** A host with any findUser; types keep a TypeScript host from some of these mistakes, and a JavaScript host from none. */
async function start(findUser: (identity: Identity) => unknown, options: object = {}) {
  return await startApp({
    findUser: findUser as () => TestUser,
    require: [],
    session: undefined,
    ...options,
  });
}

const ME = { openid: "o-mine" };
const withUnionid = { ...ME, unionid: "u-mine" };

describe("the user that findUser returns", () => {
  describe("must not be somebody else", () => {
    const slips: Record<string, (users: Row[]) => (identity: Identity) => unknown> = {
      "Prisma's OR, in which undefined matches any row":
        (users) =>
        ({ openid, unionid }) =>
          users.find((user) => user.openid === openid || unionid === undefined || user.unionid === unionid),
      "a comparison of two unionids that are both undefined":
        (users) =>
        ({ openid, unionid }) =>
          users.find((user) => user.unionid === unionid || user.openid === openid),
      "a join that returns another row": (users) => () => users.at(-1),
      "one user for everybody": (users) => () => users[0],
    };
    for (const word of ["undefined", "null", "NULL", "0", "none", "[object Object]", " "]) {
      /** A host that stores this where there is no unionid, and looks by the unionid first. */
      const host = () => {
        const rows: Row[] = [];
        const findUser = ({ openid, unionid }: Identity) =>
          rows.find((row) => unionid !== undefined && row.unionid === unionid) ??
          rows.find((row) => row.openid === openid);
        const saveUser = ({ openid, unionid = word }: Identity) => {
          const row = findUser({ appId: APP_ID, openid });
          if (row) Object.assign(row, { unionid });
          else rows.push({ openid, unionid });
        };
        return { rows, findUser: findUser as () => TestUser, saveUser };
      };

      it(`where rows hold ${JSON.stringify(word)} for no unionid: each gets their own`, async () => {
        const { findUser, saveUser } = host();
        for (const session of [undefined, { name: "shop" }]) {
          const { wechat, post, me } = await start(findUser, { saveUser, session });
          for (const openid of ["o-one", "o-two", "o-one", "o-two"]) {
            const { body } = await post("/wx/login", wechat.phone({ openid }).login());
            expect((await me(body.sessionToken)).body.user).to.include({ openid });
          }
        }
      });

      it(`nor are all signed out where one is: rows hold ${JSON.stringify(word)}`, async () => {
        const { rows, findUser, saveUser } = host();
        const { wechat, post, me, wx } = await start(findUser, { saveUser, session: { name: "shop" } });
        const tokens: string[] = [];
        for (const openid of ["o-one", "o-two"]) {
          const { body } = await post("/wx/login", wechat.phone({ openid }).login());
          tokens.push(body.sessionToken);
          expect((await me(body.sessionToken)).status).to.equal(200);
        }
        await wx.signOutEverywhere(rows[0] as { openid: string });
        const statuses = await Promise.all(tokens.map(async (token) => (await me(token)).status));
        expect(statuses).to.deep.equal([401, 200]);
      });
    }

    for (const [name, findUserIn] of Object.entries(slips)) {
      it(`in the Mini Program: ${name}`, async () => {
        const users = [{ ...VICTIM }];
        const { wechat, post, hostErrors, saveUser, keys } = await start(findUserIn(users));
        const answer = await post("/wx/login", wechat.phone(ME).login());
        expect([answer.status, answer.body]).to.deep.equal([500, { host: "error" }]);
        expect(String(Object(hostErrors[0]).message)).to.match(ANOTHER);
        expect([saveUser.called, await keys(), users]).to.deep.equal([false, [], [VICTIM]]);
      });

      it(`on the website: ${name}`, async () => {
        const users = [{ ...VICTIM }];
        const app = await startWebApp({ findUser: findUserIn(users) as () => TestUser, require: [] });
        const tab = app.browser();
        const back = await tab.open(app.wechat.phone({}).authorize(await tab.start()));
        expect([back.status, back.setCookies]).to.deep.equal([500, []]);
        expect(String(Object(app.hostErrors[0]).message)).to.match(ANOTHER);
        expect([app.saveUser.called, users]).to.deep.equal([false, [VICTIM]]);
      });
    }

    it("in the second request either, and the token stays good", async () => {
      let isWrong = false;
      const findUser = () => (isWrong ? VICTIM : undefined);
      const { wechat, post, saveUser } = await start(findUser, { require: ["unionid"] });
      const phone = wechat.phone({ ...withUnionid, unionidAtLogin: false });
      const { temporaryToken } = (await post("/wx/login", phone.login())).body;
      isWrong = true;
      const complete = () => post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
      expect((await complete()).body).to.deep.equal({ host: "error" });
      expect(saveUser.called).to.equal(false);
      isWrong = false;
      expect((await complete()).body.status).to.equal("signed_in");
    });

    it("after the user was stored either: no session begins", async () => {
      const findUser = sinon.stub().onFirstCall().returns(undefined).returns(VICTIM);
      const onLogin = sinon.spy();
      const { wechat, post, keys } = await start(findUser, { onLogin });
      expect((await post("/wx/login", wechat.phone(ME).login())).body).to.deep.equal({ host: "error" });
      expect([onLogin.called, await keys()]).to.deep.equal([false, []]);
    });

    for (const [where, ask] of Object.entries({
      "at the guard": (app: Signed) => app.me(app.token),
      "in POST /profile": (app: Signed) => app.post("/wx/profile", { nickName: "x" }, app.token),
    })) {
      it(where, async () => {
        const app = await signedIn();
        app.saveUser.resetHistory();
        app.answer.user = VICTIM;
        expect((await ask(app)).body).to.deep.equal({ host: "error" });
        expect(String(Object(app.hostErrors[0]).message)).to.match(ANOTHER);
        expect(app.saveUser.called).to.equal(false);
      });
    }

    it("in POST /profile, also when it is found the second time only", async () => {
      const findUser = sinon.stub().returns({ ...ME, id: 2 });
      const { wechat, post, saveUser } = await start(findUser);
      const token = (await post("/wx/login", wechat.phone(ME).login())).body.sessionToken;
      findUser.onThirdCall().returns(VICTIM);
      expect((await post("/wx/profile", { nickName: "x" }, token)).body).to.deep.equal({ host: "error" });
      expect(saveUser.called).to.equal(false);
    });

    it("for authenticate and signOutEverywhere, which reject", async () => {
      const app = await signedIn({ session: { name: "shop" } });
      app.answer.user = { ...VICTIM, unionid: "u-of-the-victim" };
      const req = { headers: { authorization: `Bearer ${app.token}` } } as Parameters<
        Login["authenticate"]
      >[0];
      expect((await app.wx.authenticate(req).catch((error) => error)).message).to.match(ANOTHER);
      expect((await app.wx.signOutEverywhere(ME).catch((error) => error)).message).to.match(ANOTHER);
    });
  });

  it("is told with both facts and the cure, and the ends of the ids only", async () => {
    const victim = { openid: "oAbCd1234567890victim", unionid: "u-of-the-victim-5678" };
    const { wechat, post, hostErrors } = await start(() => victim);
    await post("/wx/login", wechat.phone(ME).login());
    expect(Object(hostErrors[0]).message).to.equal(
      'wechatLogin: findUser returned another user than the one who logged in. Asked for: openid "…mine", unionid none; ' +
        'returned: openid "…ctim", unionid "…5678". Nobody was signed in and nothing was saved. Look by unionid only if it is given ' +
        "(many databases take undefined for any value), and return the openid and the unionid that was asked for; if your users have " +
        "several accounts, return these or leave both fields out.",
    );
  });

  describe("is taken where", () => {
    class Document {
      readonly #row: Row = { ...ME, unionid: "u-of-before" };
      get id() {
        return 1;
      }
      get openid() {
        return this.#row.openid;
      }
      get unionid() {
        return this.#row.unionid;
      }
    }
    class WithoutIds {
      get name() {
        return "n";
      }
    }
    class Child extends WithoutIds {}
    const id = 1;
    const cases: Record<string, [asked: { openid: string; unionid?: string }, found: unknown]> = {
      "the openid is the same": [ME, { id, ...ME }],
      "the openid is the same and the unionid has changed": [withUnionid, { id, ...ME, unionid: "u-before" }],
      "the openid is the same and WeChat says no unionid": [ME, { id, ...withUnionid }],
      "the unionid is the same and the openid is another app's": [
        withUnionid,
        { id, openid: "o-other", unionid: "u-mine" },
      ],
      "the unionid is the same and no openid is there": [
        withUnionid,
        { id, openid: null, unionid: "u-mine" },
      ],
      "it has neither field": [withUnionid, { id }],
      "it has both fields empty": [withUnionid, { id, openid: "", unionid: null }],
      "its fields are on the prototype, as in a document": [withUnionid, new Document()],
      "it is a document that has neither field": [ME, new Child()],
      "it has a lazy relation, as an entity of TypeORM": [ME, { ...ME, photos: Promise.resolve([]) }],
      "its fields are behind a proxy": [ME, new Proxy({}, { get: (_, name) => Object({ id, ...ME })[name] })],
      "it has no prototype": [ME, Object.assign(Object.create(null), { id, ...ME })],
      "it is of another realm": [ME, runInNewContext("({ id: 1, openid: 'o-mine' })")],
      "it is frozen": [ME, Object.freeze({ id, ...ME })],
      "it has a list called rows": [ME, { id, rows: [] }],
    };
    for (const [name, [asked, found]] of Object.entries(cases)) {
      it(name, async () => {
        const { wechat, post, hostErrors } = await start(() => found);
        const { body } = await post("/wx/login", wechat.phone(asked).login());
        expect(hostErrors).to.deep.equal([]);
        expect(body.status).to.equal("signed_in");
      });
    }
  });

  describe("is refused where", () => {
    const cases: Record<string, [asked: { openid: string; unionid?: string }, found: Row]> = {
      "only the openid is there, and another's": [withUnionid, { openid: "o-other" }],
      "only the unionid is there, and another's": [withUnionid, { unionid: "u-other" }],
      "only the unionid is there, and WeChat says none": [ME, { unionid: "u-mine" }],
      "both are another's": [withUnionid, { openid: "o-other", unionid: "u-other" }],
      "the openid differs in case, as in a collation": [ME, { openid: "O-MINE" }],
      "an openid is the other's unionid": [withUnionid, { openid: "u-mine", unionid: "o-mine" }],
      "the openid is no string": [ME, { openid: 5 }],
      "the openid is an object that looks like it": [ME, { openid: Object("o-mine") }],
      "the openid is a list that looks like it": [ME, { openid: ["o-mine"] }],
      "the openid is false": [ME, { openid: false }],
      "the unionid is 0": [withUnionid, { unionid: 0 }],
      "there is a blank": [ME, { openid: " " }],
    };
    for (const [name, [asked, found]] of Object.entries(cases)) {
      it(name, async () => {
        const { wechat, post, hostErrors, keys } = await start(() => ({ id: 1, ...found }));
        const { body } = await post("/wx/login", wechat.phone(asked).login());
        expect(body).to.deep.equal({ host: "error" });
        expect(Object(hostErrors[0]).message).to.match(ANOTHER);
        expect(await keys()).to.deep.equal([]);
      });
    }
  });

  it("is compared with what WeChat said, whatever findUser does to the identity", async () => {
    const findUser = (identity: Identity) => Object.assign(identity, VICTIM);
    const { wechat, post, hostErrors } = await start(findUser);
    expect((await post("/wx/login", wechat.phone(ME).login())).body).to.deep.equal({ host: "error" });
    expect(Object(hostErrors[0]).message).to.match(ANOTHER);
  });

  it("is signed in under what WeChat said, whatever the callbacks do to the identity", async () => {
    const spoil = (identity: Identity) => Object.assign(identity, { openid: "o-other" });
    const { wechat, post, me } = await start(() => ({ id: 1 }), {
      saveUser: spoil,
      onLogin: (_user: unknown, { identity }: { identity: Identity }) => void spoil(identity),
    });
    const { sessionToken } = (await post("/wx/login", wechat.phone(ME).login())).body;
    expect((await me(sessionToken)).body.identity).to.deep.equal({ appId: APP_ID, openid: "o-mine" });
  });
});

describe("findUser must return a user or nothing", () => {
  const pending = () => Promise.resolve(ME);
  const cases: Record<string, [returned: () => unknown, what: string]> = {
    "the rows of a query": [() => [{ ...ME }], "an array"],
    "no rows": [() => [], "an array"],
    "rows and fields, as mysql2": [() => [[{ ...ME }], []], "an array"],
    "the result of pg": [
      () => ({ command: "SELECT", rowCount: 0, rows: [], fields: [] }),
      "the result of a query",
    ],
    "the result of libsql": [() => ({ columns: [], rows: [], rowsAffected: 0 }), "the result of a query"],
    true: [() => true, "true"],
    "a text": [() => "o-mine", "a string"],
    "a number": [() => 7, "a number"],
    "a bigint": [() => 7n, "a bigint"],
    "a symbol": [() => Symbol("x"), "a symbol"],
    "a function": [() => () => ME, "a function"],
    "an Error": [() => new Error("mine"), "an Error instead of throwing it"],
    "an Error of another realm": [
      () => runInNewContext("new Error('mine')"),
      "an Error instead of throwing it",
    ],
    "a Set": [() => new Set([ME]), "a list or a cursor"],
    "a Map": [() => new Map(), "a list or a cursor"],
    "a cursor": [() => ({ async *[Symbol.asyncIterator]() {} }), "a list or a cursor"],
    "an empty object": [() => ({}), "an object without any field"],
    "an empty object without a prototype": [() => Object.create(null), "an object without any field"],
    "an empty object of a class": [() => new (class User {})(), "an object without any field"],
    "a promise spread into an object": [() => ({ ...pending() }), "an object without any field"],
    "a promise inside": [() => ({ user: pending() }), "an object without any field"],
    "a promise in the place of a field": [
      () => ({ id: 1, unionid: pending() }),
      'a user whose "unionid" is a Promise',
    ],
    "a promise in the place of the openid": [
      () => ({ id: 1, openid: pending() }),
      'a user whose "openid" is a Promise',
    ],
  };
  for (const [name, [returned, what]] of Object.entries(cases)) {
    it(`${name} is none`, async () => {
      for (const findUser of [returned, async () => returned()]) {
        const { wechat, post, hostErrors, saveUser, keys } = await start(findUser);
        const { body } = await post("/wx/login", wechat.phone(ME).login());
        expect(body).to.deep.equal({ host: "error" });
        const message = String(Object(hostErrors[0]).message);
        expect(message.startsWith(`wechatLogin: findUser returned ${what}`), message).to.equal(true);
        expect(message).to.include("It must return one user, an object, or nothing for a stranger.");
        expect([saveUser.called, await keys()]).to.deep.equal([false, []]);
      }
    });
  }

  for (const nothing of [undefined, null, false, 0, ""]) {
    it(`${JSON.stringify(nothing)} is nothing`, async () => {
      const { wechat, post, saveUser } = await start(() => nothing);
      expect((await post("/wx/login", wechat.phone(ME).login())).body.status).to.equal("signed_in");
      expect(saveUser.callCount).to.equal(1);
    });
  }
});

type Login = WechatLogin<TestUser>;
type Signed = Awaited<ReturnType<typeof signedIn>>;

/** Somebody who is signed in, and then another answer of findUser. */
async function signedIn(options: object = {}) {
  const answer: { user: Row } = { user: { id: 2, ...ME } };
  const app = await start(() => answer.user, options);
  const token = (await app.post("/wx/login", app.wechat.phone(ME).login())).body.sessionToken;
  return { ...app, answer, token };
}
