import { readFileSync } from "node:fs";
import { expect } from "chai";
import knex from "knex";
import { AccountConflictError, type Identity, type UserToSave } from "../../lib/index.ts";
import { atEnd } from "../support/login-app.ts";
import { ownSchema } from "./own-schema.ts";
import { startPostgres } from "./postgres-server.ts";

interface Recipe {
  createTables(): Promise<void>;
  findUser(identity: Identity): Promise<object | undefined>;
  saveUser(user: UserToSave<readonly []>): Promise<void>;
}

let server: Awaited<ReturnType<typeof startPostgres>>;

/** The recipe of docs/databases.md as it stands there, on PostgreSQL. */
async function recipe() {
  const code = /```js\n\/\/ recipe: knex\n([\s\S]*?)```/.exec(readFileSync("docs/databases.md", "utf8"))?.[1];
  if (!code) throw new Error("docs/databases.md has no recipe knex");
  const { url, count } = await ownSchema(server.url);
  const opened = (options: object) => {
    const db = knex(options);
    atEnd(() => db.destroy());
    return db;
  };
  const given = { AccountConflictError, knex: opened, process: { env: { DATABASE_URL: url } } };
  const names = "{ createTables, findUser, saveUser }";
  const body = `"use strict";${code.replaceAll(/^import .*\n/gm, "")}return ${names};`;
  const callbacks: Recipe = new Function(...Object.keys(given), body)(...Object.values(given));
  await callbacks.createTables();
  return { ...callbacks, count };
}

const mini = { appId: "mini", openid: "m1", unionid: "u1" };
const web = { appId: "web", openid: "w1", unionid: "u1" };

describe("the Knex recipe on PostgreSQL", () => {
  before(async function () {
    this.timeout(180_000);
    server = await startPostgres();
  });

  after(() => server?.stop());

  it("finds a person of one app in another, keeps what is not given, and finds nobody by undefined", async () => {
    const { findUser, saveUser } = await recipe();
    await saveUser({ ...mini, nickName: "小明" });
    await saveUser(web);
    expect(await findUser({ appId: "web", openid: "w1" })).to.deep.include({
      nickName: "小明",
      openid: "w1",
    });
    await saveUser({ appId: "mini", openid: "m2" });
    expect(await findUser({ appId: "mini", openid: "m3" })).to.equal(undefined);
    const both = { ...mini, openid: "m2" };
    for (const step of [findUser, saveUser]) {
      expect(await step(both).catch((error: unknown) => error)).to.be.instanceOf(AccountConflictError);
    }
  });

  it("stores one user where first logins come at the same time", async () => {
    const { saveUser, count } = await recipe();
    for (let round = 1; round <= 25; round++) {
      const users = [mini, web, mini, web].map(({ appId, openid }) => ({
        ...{ appId, openid: `${openid}-${round}`, unionid: `u${round}` },
      }));
      await Promise.all(users.map((user) => saveUser(user)));
      expect([await count("users"), await count("openids")]).to.deep.equal([round, 2 * round]);
    }
  });
});
