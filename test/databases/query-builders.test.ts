import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { and, eq } from "drizzle-orm";
import { BetterSQLiteSession } from "drizzle-orm/better-sqlite3/session";
import * as sqlite from "drizzle-orm/sqlite-core";
import knex from "knex";
import Database from "libsql";
import { AccountConflictError, type Identity, type UserToSave } from "../../lib/index.ts";
import { atEnd, startApp } from "../support/login-app.ts";

type Row = Record<string, unknown>;
interface Callbacks {
  findUser(identity: Identity): Promise<Row | undefined>;
  saveUser(user: UserToSave<readonly []>): Promise<void>;
}
interface Recipe extends Callbacks {
  count(table: "users" | "openids"): number;
}

/** Runs a block of docs/databases.md as it stands there; gives what it has under these names. */
function run(name: string, given: object, names: string[]): Record<string, unknown> {
  const block = new RegExp(`\`\`\`js\\n// recipe: ${name}\\n([\\s\\S]*?)\`\`\``);
  const code = block.exec(readFileSync("docs/databases.md", "utf8"))?.[1];
  if (!code) throw new Error(`docs/databases.md has no recipe ${name}`);
  const body = `"use strict";${code.replaceAll(/^import .*\n/gm, "")}return { ${names.join(", ")} };`;
  return new Function(...Object.keys(given), body)(...Object.values(given));
}

/** An empty SQLite file. */
async function newFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "recipe-"));
  atEnd(() => rm(folder, { recursive: true }));
  return join(folder, "users.db");
}

function countIn(file: string) {
  return (table: string) => {
    const db = new Database(file);
    const row = db.prepare(`SELECT count(*) AS count FROM ${table}`).get() as { count: number };
    db.close();
    return row.count;
  };
}

const OnBetterSqlite3 = createRequire(`${process.cwd()}/`)(
  "knex/lib/dialects/better-sqlite3/index.js",
) as typeof knex.Client;

/** SQLite by libsql, which has the interface of better-sqlite3 and needs no compiler. */
class OnLibsql extends OnBetterSqlite3 {
  _driver() {
    return Database;
  }
}

async function knexRecipe(): Promise<Recipe> {
  const filename = await newFile();
  const onSqlite = (_asInTheDocs: object) => {
    const db = knex({ client: OnLibsql, connection: { filename }, useNullAsDefault: true });
    atEnd(() => db.destroy());
    return db;
  };
  const given = { AccountConflictError, knex: onSqlite, process: { env: {} } };
  const { createTables, ...callbacks } = run("knex", given, ["createTables", "findUser", "saveUser"]);
  await (createTables as () => Promise<void>)();
  return { ...(callbacks as unknown as Callbacks), count: countIn(filename) };
}

async function drizzleRecipe(): Promise<Recipe> {
  const file = await newFile();
  const dialect = new sqlite.SQLiteSyncDialect();
  // Its own drizzle() would load better-sqlite3.
  const drizzle = ({ client }: { client: Database.Database }) => {
    atEnd(() => client.close());
    const session = new BetterSQLiteSession(client as never, dialect, undefined, {});
    return new sqlite.BaseSQLiteDatabase("sync", dialect, session as never, undefined);
  };
  const { integer, primaryKey, sqliteTable, text } = sqlite;
  const given = {
    ...{ AccountConflictError, Database, and, eq, drizzle, integer, primaryKey, sqliteTable, text },
    process: { env: { DATABASE_FILE: file } },
  };
  const { users, openids, ...callbacks } = run("drizzle", given, [
    "users",
    "openids",
    "findUser",
    "saveUser",
  ]);
  const db = new Database(file);
  for (const table of [users, openids]) db.exec(sqlOf(table as sqlite.SQLiteTable));
  db.close();
  const { findUser, saveUser } = callbacks as unknown as Callbacks;
  return {
    findUser: async (identity) => findUser(identity),
    saveUser: async (user) => saveUser(user),
    count: countIn(file),
  };
}

/** The table as drizzle-kit makes it of its definition. */
function sqlOf(table: sqlite.SQLiteTable): string {
  const { name, columns, primaryKeys } = sqlite.getTableConfig(table);
  const lines = columns.map((column) =>
    [
      `"${column.name}" ${column.getSQLType()}`,
      column.primary ? "PRIMARY KEY" : "",
      column.notNull ? "NOT NULL" : "",
      column.isUnique ? "UNIQUE" : "",
    ].join(" "),
  );
  const keys = primaryKeys.map(
    ({ columns: key }) => `PRIMARY KEY (${key.map((column) => `"${column.name}"`)})`,
  );
  return `CREATE TABLE "${name}" (${[...lines, ...keys].join(", ")})`;
}

const mini = { appId: "mini", openid: "m1", unionid: "u1" };
const web = { appId: "web", openid: "w1", unionid: "u1" };

for (const [name, recipe] of [
  ["Knex", knexRecipe],
  ["Drizzle", drizzleRecipe],
] as const) {
  describe(`the ${name} recipe`, () => {
    it("finds a person of one app in another, gives the openid that was asked for, and knows both afterwards", async () => {
      const { findUser, saveUser, count } = await recipe();
      await saveUser({ ...mini, nickName: "小明" });
      expect(await findUser(web)).to.deep.include({ unionid: "u1", nickName: "小明", openid: null });
      await saveUser({ ...web, phoneNumber: "10012345678" });
      const person = { unionid: "u1", nickName: "小明", phoneNumber: "10012345678", avatarUrl: null };
      expect(await findUser(web)).to.deep.include({ ...person, openid: "w1" });
      expect(await findUser({ appId: "mini", openid: "m1" })).to.deep.include({ ...person, openid: "m1" });
      expect([count("users"), count("openids")]).to.deep.equal([1, 2]);
    });

    it("finds nobody by what is not known: no unionid, an empty one, another app's openid", async () => {
      const { findUser, saveUser } = await recipe();
      await saveUser({ appId: "mini", openid: "m1" });
      await saveUser({ appId: "mini", openid: "m2", unionid: "u2" });
      for (const identity of [
        { appId: "mini", openid: "m3" },
        { appId: "mini", openid: "m3", unionid: undefined },
        { appId: "mini", openid: "m3", unionid: "" },
        { appId: "mini", openid: "m3", unionid: "u3" },
        { appId: "web", openid: "m1" },
      ]) {
        expect(await findUser(identity as Identity)).to.equal(undefined);
      }
    });

    it("gives a user who was known by the openid alone the unionid, and keeps what is not given", async () => {
      const { findUser, saveUser, count } = await recipe();
      await saveUser({ appId: "mini", openid: "m1", nickName: "小明" });
      await saveUser(mini);
      await saveUser({ appId: "mini", openid: "m1" });
      expect(await findUser(web)).to.deep.include({ unionid: "u1", nickName: "小明" });
      expect(count("users")).to.equal(1);
    });

    it("tells a conflict, and changes nothing", async () => {
      const { findUser, saveUser, count } = await recipe();
      await saveUser({ appId: "mini", openid: "m1" });
      await saveUser(web);
      for (const step of [findUser, saveUser]) {
        expect(await step(mini).catch((error: unknown) => error)).to.be.instanceOf(AccountConflictError);
      }
      expect(await findUser({ appId: "mini", openid: "m1" })).to.deep.include({ unionid: null });
      expect([count("users"), count("openids")]).to.deep.equal([2, 2]);
    });

    it("stores one user where first logins come at the same time", async () => {
      const { saveUser, count } = await recipe();
      for (let round = 1; round <= 10; round++) {
        const users = [mini, web, mini, web].map(({ appId, openid }) => ({
          ...{ appId, openid: `${openid}-${round}`, unionid: `u${round}` },
        }));
        await Promise.all(users.map((user) => saveUser(user)));
        expect([count("users"), count("openids")]).to.deep.equal([round, 2 * round]);
      }
    });

    it("holds for logins over HTTP, and the guard", async () => {
      const { findUser, saveUser, count } = await recipe();
      const callbacks = { findUser, saveUser } as object;
      const { post, me, wechat } = await startApp({ ...callbacks, session: {}, require: ["unionid"] });
      const phone = wechat.phone({ unionid: "u1", unionidAtLogin: false });
      const { temporaryToken } = (await post("/wx/login", phone.login())).body;
      const done = await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
      expect(done.body.status).to.equal("signed_in");
      const again = await post("/wx/login", phone.login());
      expect(again.body.status, "known by the openid").to.equal("signed_in");
      const { body } = await me(again.body.sessionToken);
      expect(body.user).to.include({ unionid: "u1", openid: phone.openid });
      expect([count("users"), count("openids")]).to.deep.equal([1, 1]);
    });
  });
}
