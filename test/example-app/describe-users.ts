import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { expect } from "chai";
import { openDatabase } from "../../example-app/database.ts";
import { AccountConflictError } from "../../lib/index.ts";
import { atEnd } from "../support/login-app.ts";

/** An empty database: its URL (empty for SQLite) and its folder, and how many openids it holds. */
export interface EmptyDatabase {
  url: string;
  folder: string;
  openids(): Promise<number>;
}

/** What the example's users must do, whatever the database is. */
export function describeUsers(database: string, newDatabase: () => Promise<EmptyDatabase>): void {
  async function newUsers() {
    const { url, folder, openids } = await newDatabase();
    const { users } = await openDatabase({ DATABASE_URL: url }, folder);
    atEnd(users.close);
    return { ...users, openids, url, folder };
  }

  describe(`the example's users in ${database}`, () => {
    it("are found by unionid in another app, and one row holds both openids", async () => {
      const { save, find, all, openids } = await newUsers();
      await save({ appId: "web", openid: "w1", unionid: "u1", nickName: "小明", avatarUrl: "https://a/1" });
      const person = { ...(await all())[0], unionid: "u1", nickName: "小明", avatarUrl: "https://a/1" };
      expect(person.phoneNumber).to.equal(null);
      expect(await find({ appId: "mini", openid: "m1", unionid: "u1" })).to.deep.equal({
        ...person,
        openid: null,
      });
      await save({ appId: "mini", openid: "m1", unionid: "u1", phoneNumber: "10012345678" });
      const whole = { ...person, phoneNumber: "10012345678" };
      expect(await find({ appId: "mini", openid: "m1" })).to.deep.equal({ ...whole, openid: "m1" });
      expect(await find({ appId: "web", openid: "w1" })).to.deep.equal({ ...whole, openid: "w1" });
      expect(await all()).to.deep.equal([{ ...whole, openid: null }]);
      expect(await openids()).to.equal(2);
    });

    it("are nobody where neither is known, and an openid means nothing in another app", async () => {
      const { save, find } = await newUsers();
      await save({ appId: "mini", openid: "o1", unionid: "u1" });
      expect(await find({ appId: "mini", openid: "o2", unionid: "u2" })).to.equal(undefined);
      expect(await find({ appId: "web", openid: "o1" })).to.equal(undefined);
    });

    it("gain a unionid later", async () => {
      const { save, find, all } = await newUsers();
      await save({ appId: "mini", openid: "m1" });
      const [person] = await all();
      await save({ appId: "mini", openid: "m1", unionid: "u1" });
      expect(await find({ appId: "web", openid: "w1", unionid: "u1" })).to.include({ id: person?.id });
      expect(await all()).to.have.length(1);
    });

    it("are never merged: an openid of one and a unionid of another are a conflict, for find and for save", async () => {
      const { save, find, all, openids } = await newUsers();
      await save({ appId: "mini", openid: "m1" });
      await save({ appId: "web", openid: "w1", unionid: "u1" });
      const before = await all();
      const both = { appId: "mini", openid: "m1", unionid: "u1" };
      for (const step of [find(both), save(both)]) {
        expect(await step.catch((error) => error)).to.be.instanceOf(AccountConflictError);
      }
      expect([await all(), await openids()]).to.deep.equal([before, 2]);
    });

    it("answer a ping, and fail it once the database is closed", async () => {
      const { url, folder } = await newDatabase();
      const { users } = await openDatabase({ DATABASE_URL: url }, folder);
      await users.ping();
      await users.close();
      expect(await users.ping().catch((error) => error)).to.be.instanceOf(Error);
    });

    it("are stored once where four processes open an empty database and log the same people in", async function () {
      this.timeout(60_000);
      const { url, folder, openids } = await newDatabase();
      const script = new URL(`../support/save-users-process${import.meta.url.slice(-3)}`, import.meta.url);
      // Two processes of each app: they race for the same openid, and for the same unionid.
      const processes = ["mini", "mini", "web", "web"].map((appId) => {
        const args = [...process.execArgv, script.pathname, url, folder, appId, "100"];
        const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
        atEnd(() => child.kill("SIGKILL"));
        return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
      });
      for (const { lines } of processes) expect((await lines.next()).value).to.equal("ready");
      for (const { child } of processes) child.stdin.write("go\n");
      for (const { lines } of processes) expect((await lines.next()).value).to.equal("done");
      const { users } = await openDatabase({ DATABASE_URL: url }, folder);
      atEnd(users.close);
      expect([(await users.all()).length, await openids()]).to.deep.equal([100, 200]);
    });
  });
}
