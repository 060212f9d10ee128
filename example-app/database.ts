import type { Users } from "./user.ts";
import { openUsers as openSqlite } from "./users.ts";
import { openUsers as openPostgresql } from "./users-postgresql.ts";

/**
 * The users in the database that the environment names: PostgreSQL by `DATABASE_URL`, else a file in `folder`, which needs
 * no server and serves one machine.
 */
export async function openDatabase(
  { DATABASE_URL }: NodeJS.ProcessEnv,
  folder: string,
): Promise<{ users: Users; place: string }> {
  if (DATABASE_URL) return { users: await openPostgresql(DATABASE_URL), place: "PostgreSQL" };
  const file = `${folder}/users.db`;
  return { users: openSqlite(file), place: file };
}
