import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "chai";
import Database from "libsql";
import { openUsers } from "../../example-app/users.ts";
import { atEnd } from "../support/login-app.ts";

/** The example's users in a new file. */
async function newUsers() {
  const folder = await mkdtemp(join(tmpdir(), "users-"));
  atEnd(() => rm(folder, { recursive: true }));
  const file = join(folder, "users.db");
  const users = openUsers(file);
  atEnd(users.close);
  const openids = () => {
    const db = new Database(file);
    const { count } = db.prepare("SELECT count(*) AS count FROM openids").get() as { count: number };
    db.close();
    return count;
  };
  return { ...users, file, openids };
}

describe("the example's users", () => {
  it("are found by unionid in another app, and one row holds both openids", async () => {
    const { save, find, all } = await newUsers();
    save({ appId: "web", openid: "w1", unionid: "u1", nickName: "小明" });
    expect(find({ appId: "mini", openid: "m1", unionid: "u1" })).to.include({ id: 1, openid: null });
    save({ appId: "mini", openid: "m1", unionid: "u1" });
    expect(find({ appId: "mini", openid: "m1" })).to.include({ id: 1, openid: "m1", nickName: "小明" });
    expect(find({ appId: "web", openid: "w1" })).to.include({ id: 1, openid: "w1" });
    expect(all()).to.have.length(1);
  });

  it("gain a unionid later", async () => {
    const { save, find, all } = await newUsers();
    save({ appId: "mini", openid: "m1" });
    save({ appId: "mini", openid: "m1", unionid: "u1" });
    expect(find({ appId: "web", openid: "w1", unionid: "u1" })).to.include({ id: 1 });
    expect(all()).to.have.length(1);
  });

  it("are never merged: an openid of one and a unionid of another are a conflict, for find and for save", async () => {
    const { save, find, all } = await newUsers();
    save({ appId: "mini", openid: "m1" });
    save({ appId: "web", openid: "w1", unionid: "u1" });
    const before = all();
    const both = { appId: "mini", openid: "m1", unionid: "u1" };
    expect(() => find(both))
      .to.throw()
      .with.property("code", "account_conflict");
    expect(() => save(both))
      .to.throw()
      .with.property("code", "account_conflict");
    expect(all()).to.deep.equal(before);
  });

  it("are stored once where four processes log the same people in for the first time", async function () {
    this.timeout(30_000);
    const { all, file, openids } = await newUsers();
    const script = new URL(`../support/save-users-process${import.meta.url.slice(-3)}`, import.meta.url);
    // Two processes of each app: they race for the same openid, and for the same unionid.
    const processes = ["mini", "mini", "web", "web"].map((appId) => {
      const args = [...process.execArgv, script.pathname, file, appId, "100"];
      const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
      atEnd(() => child.kill("SIGKILL"));
      return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
    });
    for (const { lines } of processes) expect((await lines.next()).value).to.equal("ready");
    for (const { child } of processes) child.stdin.write("go\n");
    for (const { lines } of processes) expect((await lines.next()).value).to.equal("done");
    expect([all().length, openids()]).to.deep.equal([100, 200]);
  });
});
