import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { atEnd } from "../support/login-app.ts";
import { describeUsers } from "./describe-users.ts";

describeUsers("SQLite", async () => {
  const folder = await mkdtemp(join(tmpdir(), "users-"));
  atEnd(() => rm(folder, { recursive: true }));
  const openids = async () => {
    const db = new Database(join(folder, "users.db"));
    const { count } = db.prepare("SELECT count(*) AS count FROM openids").get() as { count: number };
    db.close();
    return count;
  };
  return { url: "", folder, openids };
});
