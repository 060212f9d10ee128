import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { AccountConflictError, type Identity } from "express-wechat-login";
import Database from "libsql";
import type { User, Users, UserToSave } from "./user.ts";

// One person has one unionid and an openid in each app: hence two tables. The constraints are what makes two first
// logins at the same time harmless.
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY, unionid TEXT UNIQUE, nickName TEXT, avatarUrl TEXT, phoneNumber TEXT
  );
  CREATE TABLE IF NOT EXISTS openids (
    appId TEXT NOT NULL, openid TEXT NOT NULL, userId INTEGER NOT NULL REFERENCES users,
    PRIMARY KEY (appId, openid)
  );`;

// By unionid, and by openid: each an index of its own.
const FIND = `
  SELECT users.*, (SELECT openid FROM openids WHERE userId = users.id AND appId = :appId AND openid = :openid) AS openid
  FROM users
  WHERE unionid = :unionid OR id = (SELECT userId FROM openids WHERE appId = :appId AND openid = :openid)`;

const UPDATE = `
  UPDATE users SET unionid = COALESCE(:unionid, unionid), nickName = COALESCE(:nickName, nickName),
    avatarUrl = COALESCE(:avatarUrl, avatarUrl), phoneNumber = COALESCE(:phoneNumber, phoneNumber) WHERE id = :id`;

const REMEMBER_OPENID = `
  INSERT INTO openids (appId, openid, userId) VALUES (:appId, :openid, :id)
  ON CONFLICT (appId, openid) DO UPDATE SET userId = excluded.userId`;

/** The users of this example in an SQLite file. */
export function openUsers(file: string): Users {
  mkdirSync(dirname(file), { recursive: true });
  const db = new Database(file);
  // Another process that writes is waited for; by default that is an error at once. No write-ahead log: turning it on is an
  // error at once, whatever the timeout, where workers open the file at the same moment.
  db.exec("PRAGMA busy_timeout = 5000");
  db.exec(SCHEMA);

  function find({ appId, openid, unionid = "" }: Identity): User | undefined {
    const [row, other] = db.prepare(FIND).all({ appId, openid, unionid }) as User[];
    // The openid is one user's and the unionid another's: which of them is right, a person has to say.
    if (other) throw new AccountConflictError();
    return row && { ...pick(row), openid: row.openid };
  }

  // IMMEDIATE: the lookup and the write belong together, also with other processes on the same file.
  const save = db.transaction((user: UserToSave) => {
    const { appId, openid, unionid = null, nickName = null } = user;
    const { avatarUrl = null, phoneNumber = null } = user;
    const id =
      find(user)?.id ??
      db.prepare("INSERT INTO users (unionid) VALUES (:unionid)").run({ unionid }).lastInsertRowid;
    db.prepare(UPDATE).run({ id, unionid, nickName, avatarUrl, phoneNumber });
    db.prepare(REMEMBER_OPENID).run({ appId, openid, id });
  }).immediate;

  // libsql answers at once; other drivers make one wait, and the interface is theirs.
  return {
    find: async (identity) => find(identity),
    save: async (user) => save(user),
    all: async () => (db.prepare("SELECT * FROM users ORDER BY id").all() as User[]).map(pick),
    ping: async () => void db.prepare("SELECT 1").get(),
    close: async () => void db.close(),
  };
}

/** A row without what the driver adds to it. */
function pick({ id, unionid, nickName, avatarUrl, phoneNumber, openid = null }: User): User {
  return { id, openid, unionid, nickName, avatarUrl, phoneNumber };
}
