import { AccountConflictError, type Identity } from "express-wechat-login";
import pg from "pg";
import type { User, Users, UserToSave } from "./user.ts";

// The same two tables, and the same constraints, as in SQLite. Workers begin at the same moment, and two CREATE … IF NOT
// EXISTS at once can fail: the lock lets one after the other do it. One query of several statements is one transaction.
const SCHEMA = `
  SELECT pg_advisory_xact_lock(hashtext('express-wechat-login example'));
  CREATE TABLE IF NOT EXISTS users (
    id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unionid TEXT UNIQUE, nick_name TEXT, avatar_url TEXT, phone_number TEXT
  );
  CREATE TABLE IF NOT EXISTS openids (
    app_id TEXT, openid TEXT, user_id INTEGER NOT NULL REFERENCES users,
    PRIMARY KEY (app_id, openid)
  );`;

const FIELDS = `
  id, unionid, nick_name AS "nickName", avatar_url AS "avatarUrl", phone_number AS "phoneNumber"`;

const FIND = `
  SELECT ${FIELDS}, (SELECT openid FROM openids WHERE user_id = users.id AND app_id = $1 AND openid = $2) AS openid
  FROM users WHERE unionid = $3 OR id = (SELECT user_id FROM openids WHERE app_id = $1 AND openid = $2)`;

const UPDATE = `
  UPDATE users SET unionid = COALESCE($2, unionid), nick_name = COALESCE($3, nick_name),
    avatar_url = COALESCE($4, avatar_url), phone_number = COALESCE($5, phone_number) WHERE id = $1`;

/** A login waits for the database, but not for ever: the client gets its error and can try again. */
const LIMITS = { max: 10, connectionTimeoutMillis: 5000, query_timeout: 5000 };
/** PostgreSQL's unique_violation. */
const DUPLICATE = "23505";
const TRIES = 3;

/**
 * The users of this example in PostgreSQL.
 *
 * @param url of the database; the tables are created where they are not there
 */
export async function openUsers(url: string): Promise<Users> {
  const pool = new pg.Pool({ connectionString: url, ...LIMITS });
  // Of a connection that nobody uses at the moment, as when the server restarts: without a listener the process ends.
  pool.on("error", (error) => console.error(`PostgreSQL: ${error.message}`));
  await pool.query(SCHEMA);

  async function find({ appId, openid, unionid }: Identity, db: Pick<pg.PoolClient, "query"> = pool) {
    const { rows } = await db.query<User>(FIND, [appId, openid, unionid]);
    // The openid is one user's and the unionid another's: which of them is right, a person has to say.
    if (rows.length > 1) throw new AccountConflictError();
    return rows[0];
  }

  async function write(user: UserToSave, db: pg.PoolClient): Promise<void> {
    const { appId, openid, unionid, nickName, avatarUrl, phoneNumber } = user;
    const found = await find(user, db);
    const id = found?.id ?? (await db.query("INSERT INTO users DEFAULT VALUES RETURNING id")).rows[0].id;
    await db.query(UPDATE, [id, unionid, nickName, avatarUrl, phoneNumber]);
    if (!found?.openid) await db.query("INSERT INTO openids VALUES ($1, $2, $3)", [appId, openid, id]);
  }

  async function save(user: UserToSave, tries = TRIES): Promise<void> {
    const db = await pool.connect();
    try {
      await db.query("BEGIN");
      await write(user, db);
      await db.query("COMMIT");
      db.release();
    } catch (error) {
      // A connection that cannot even roll back is not used again.
      await db.query("ROLLBACK").then(
        () => db.release(),
        () => db.release(true),
      );
      // Another login of this person was faster: now it is there to be found.
      if ((error as pg.DatabaseError).code !== DUPLICATE || tries === 1) throw error;
      await save(user, tries - 1);
    }
  }

  return {
    find: (identity) => find(identity),
    save: (user) => save(user),
    all: async () => (await pool.query<User>(`SELECT ${FIELDS}, NULL AS openid FROM users ORDER BY id`)).rows,
    ping: async () => void (await pool.query("SELECT 1")),
    close: () => pool.end(),
  };
}
