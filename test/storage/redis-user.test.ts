import { readFileSync } from "node:fs";
import { expect } from "chai";
import { Redis } from "ioredis";
import { atEnd, ownPrefix, redis, SECRET, startApp } from "../support/login-app.ts";

/** The command in docs/deployment.md, for a user and keys of this test's own. */
function aclOf(user: string, keyPrefix: string): string[] {
  const [, command = ""] = /```conf\nuser (.*)\n```/.exec(readFileSync("docs/deployment.md", "utf8")) ?? [];
  return command
    .replace(/^login/, user)
    .replace(">a-long-password", `>${SECRET}`)
    .replace("~wechat-login:*", `~${keyPrefix}*`)
    .split(" ");
}

describe("a Redis user with the rights that docs/deployment.md names", () => {
  it("is enough for all that the library does", async () => {
    const admin = redis();
    const user = `login-${Date.now()}`;
    const keyPrefix = ownPrefix();
    await admin.call("ACL", "SETUSER", ...aclOf(user, keyPrefix));
    atEnd(() => admin.call("ACL", "DELUSER", user));
    // Scripts that another test has loaded would hide that EVAL is needed.
    await admin.call("SCRIPT", "FLUSH");
    const { host, port } = admin.options;
    const client = new Redis({ host, port, username: user, password: SECRET } as object);
    atEnd(() => client.disconnect());

    const options = { redis: client, keyPrefix, rateLimit: {}, keepSessionKey: true, session: {} } as const;
    const { wx, wechat, post, me } = await startApp({ ...options, require: ["unionid", "phoneNumber"] });
    const phone = wechat.phone({ unionid: "u1", unionidAtLogin: false });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    const phoneCode = phone.getPhoneNumber().code;
    const completed = await post("/wx/login/complete", { temporaryToken, phoneCode, ...phone.getUserInfo() });
    const { sessionToken } = completed.body;
    expect(completed.status).to.equal(200);
    expect((await me(sessionToken)).status).to.equal(200);
    expect((await post("/wx/profile", { nickName: "小明" }, sessionToken)).status).to.equal(200);
    expect(await wx.sessionKeys.checkSessionKey({ openid: phone.openid })).to.equal(true);
    expect((await post("/wx/logout", {}, sessionToken)).status).to.equal(200);
    await wx.signOutEverywhere({ openid: phone.openid });
    expect((await me(sessionToken)).status).to.equal(401);
  });
});
