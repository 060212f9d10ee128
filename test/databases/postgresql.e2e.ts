import { readFileSync } from "node:fs";
import { expect } from "chai";
import pg from "pg";
import { AccountConflictError, type Identity } from "../../lib/index.ts";
import { atEnd } from "../support/login-app.ts";
import { startWebApp } from "../support/web-app.ts";
import { startPostgres } from "./postgres-server.ts";

interface User {
  id: string;
  openid: string | null;
  unionid: string | null;
  nickName: string | null;
}

let server: Awaited<ReturnType<typeof startPostgres>>;

interface Callbacks {
  findUser(identity: Identity): Promise<User | undefined>;
  saveUser(user: Identity & { nickName?: string }): Promise<void>;
}

/**
 * The recipe of docs/databases.md as it stands there, on empty tables.
 *
 * @param max connections of a process
 */
async function recipe({ max = 20 } = {}) {
  const docs = readFileSync("docs/databases.md", "utf8");
  const block = /## PostgreSQL\n\n```sql\n([\s\S]*?)```\n\n```js\n\/\/ recipe: postgresql\n([\s\S]*?)```/;
  const [, sql = "", code = ""] = block.exec(docs) ?? [];
  const admin = new pg.Pool({ connectionString: server.url });
  await admin.query(`DROP TABLE IF EXISTS openids, users; ${sql}`);
  const pools: pg.Pool[] = [admin];
  class Pool extends pg.Pool {
    constructor(options: pg.PoolConfig) {
      super({ ...options, max });
      pools.push(this);
    }
  }
  atEnd(() => Promise.all(pools.map((pool) => pool.end())));
  const given = { AccountConflictError, pg: { Pool }, process: { env: { DATABASE_URL: server.url } } };
  const body = `"use strict";${code.replaceAll(/^import .*\n/gm, "")}return { findUser, saveUser };`;
  const start = () => new Function(...Object.keys(given), body)(...Object.values(given)) as Callbacks;
  const { findUser, saveUser } = start();
  const count = async (table: "users" | "openids") =>
    Number((await admin.query(`SELECT count(*) FROM ${table}`)).rows[0].count);
  return { findUser: (identity: Identity) => findUser(identity), saveUser, count, start };
}

const mini = { appId: "mini", openid: "m1", unionid: "u1" };
const web = { appId: "web", openid: "w1", unionid: "u1" };

describe("the PostgreSQL recipe", () => {
  before(async function () {
    this.timeout(180_000);
    server = await startPostgres();
  });

  after(() => server?.stop());

  it("finds a person of one app in another, and knows both openids afterwards", async () => {
    const { findUser, saveUser, count } = await recipe();
    await saveUser({ ...mini, nickName: "小明" });
    expect(await findUser(web)).to.deep.include({ unionid: "u1", nickName: "小明", openid: null });
    await saveUser(web);
    expect(await findUser(web)).to.deep.include({ nickName: "小明", openid: "w1" });
    expect(await findUser({ appId: "mini", openid: "m1" })).to.deep.include({ openid: "m1" });
    expect([await count("users"), await count("openids")]).to.deep.equal([1, 2]);
  });

  it("gives a user who was known by the openid alone the unionid", async () => {
    const { findUser, saveUser, count } = await recipe();
    await saveUser({ appId: "mini", openid: "m1" });
    await saveUser(mini);
    expect(await findUser(web)).to.deep.include({ unionid: "u1" });
    expect(await count("users")).to.equal(1);
  });

  it("tells a conflict, and changes nothing", async () => {
    const { findUser, saveUser, count } = await recipe();
    await saveUser({ appId: "mini", openid: "m1" });
    await saveUser(web);
    for (const step of [findUser, saveUser]) {
      expect(await step(mini).catch((error: unknown) => error)).to.be.instanceOf(AccountConflictError);
    }
    expect(await findUser({ appId: "mini", openid: "m1" })).to.deep.include({ unionid: null });
    expect(await count("users")).to.equal(2);
  });

  for (const [what, one, other] of [
    ["of one app, without a unionid", { ...mini, unionid: undefined }, { ...mini, unionid: undefined }],
    ["of one app", mini, mini],
    ["by two apps", mini, web],
  ] as const) {
    it(`stores one user where two first logins come at the same time, ${what}`, async () => {
      const { saveUser, count } = await recipe();
      for (let round = 0; round < 25; round++) {
        const personal = ({ appId, openid, unionid }: typeof one) => ({
          appId,
          openid: `${openid}-${round}`,
          ...(unionid && { unionid: `u-${round}` }),
        });
        const users = [one, other, one, other].map(personal);
        await Promise.all(users.map((user) => saveUser(user)));
        expect(await count("users")).to.equal(round + 1);
      }
    });
  }

  it("needs no second connection to try again: two processes with one each, and many first logins at once", async () => {
    const { saveUser, start, count } = await recipe({ max: 1 });
    const other = start();
    const people = Array.from({ length: 50 }, (_, index) => ({
      ...mini,
      openid: `m${index}`,
      unionid: `u${index}`,
    }));
    await Promise.all(people.flatMap((person) => [saveUser(person), other.saveUser(person)]));
    expect([await count("users"), await count("openids")]).to.deep.equal([50, 50]);
  });

  it("holds for logins over HTTP: QR code, page inside WeChat and Mini Program at once, one user", async () => {
    const { findUser, saveUser, count } = await recipe();
    const callbacks = { findUser, saveUser } as object;
    const { browser, wechat, post } = await startWebApp({ miniProgram: true, ...callbacks });
    for (let round = 1; round <= 10; round++) {
      const phone = wechat.phone({ unionid: `u${round}` });
      const tabs = [browser(), browser("MicroMessenger")];
      const pages = await Promise.all(tabs.map((tab) => tab.start()));
      await Promise.all([
        ...tabs.map((tab, index) => tab.open(phone.authorize(String(pages[index])))),
        post("/wx/login", phone.login()),
      ]);
      expect([await count("users"), await count("openids")]).to.deep.equal([round, 3 * round]);
    }
  });
});
