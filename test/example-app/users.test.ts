import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect } from "chai";
import Database from "libsql";
import { openUsers } from "../../example-app/users.ts";
import { atEnd } from "../support/login-app.ts";
import { describeUsers } from "./describe-users.ts";

async function newFolder() {
  const folder = await mkdtemp(join(tmpdir(), "users-"));
  atEnd(() => rm(folder, { recursive: true }));
  return folder;
}

describeUsers("SQLite", async () => {
  const folder = await newFolder();
  const openids = async () => {
    const db = new Database(join(folder, "users.db"));
    const { count } = db.prepare("SELECT count(*) AS count FROM openids").get() as { count: number };
    db.close();
    return count;
  };
  return { url: "", folder, openids };
});

describe("the example's SQLite file", () => {
  // A thread, because to wait for the lock blocks this one. It writes, as another worker that opens the same file does.
  const WRITER = `
    const { parentPort, workerData } = require("node:worker_threads");
    const db = new (require("libsql"))(workerData);
    db.exec("BEGIN IMMEDIATE; CREATE TABLE other (id)");
    parentPort.postMessage("locked");
    setTimeout(() => { db.exec("COMMIT"); db.close(); }, 300);`;

  it("is waited for where another process writes while it is opened", async () => {
    const file = join(await newFolder(), "users.db");
    const writer = new Worker(WRITER, { eval: true, workerData: file });
    const ended = new Promise((resolve) => writer.once("exit", resolve));
    atEnd(() => ended);
    await new Promise((resolve) => writer.once("message", resolve));
    const started = Date.now();
    const users = openUsers(file);
    expect(Date.now() - started).to.be.above(100);
    expect(await users.all()).to.deep.equal([]);
    await users.close();
  });
});
