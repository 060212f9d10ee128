import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { openUsers } from "../../example-app/users.ts";
import { atEnd } from "../support/login-app.ts";

/** The example's users in a new file. */
async function newUsers() {
  const folder = await mkdtemp(join(tmpdir(), "users-"));
  atEnd(() => rm(folder, { recursive: true }));
  const users = openUsers(join(folder, "users.db"));
  atEnd(users.close);
  return users;
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
});
