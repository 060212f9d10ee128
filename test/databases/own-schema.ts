import { randomUUID } from "node:crypto";
import pg from "pg";
import { atEnd } from "../support/login-app.ts";

/**
 * A schema of a test's own: what connects by `url` sees nothing else, also in a database that others use.
 *
 * @param server the URL of the database
 */
export async function ownSchema(server: string) {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  const admin = new pg.Pool({ connectionString: server });
  await admin.query(`CREATE SCHEMA ${name}`);
  atEnd(async () => {
    await admin.query(`DROP SCHEMA ${name} CASCADE`);
    await admin.end();
  });
  const url = new URL(server);
  url.searchParams.set("options", `-c search_path=${name}`);
  return {
    url: url.href,
    async count(table: string): Promise<number> {
      return Number((await admin.query(`SELECT count(*) FROM ${name}.${table}`)).rows[0].count);
    },
  };
}
