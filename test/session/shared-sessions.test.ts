import { expect } from "chai";
import { redis } from "../support/login-app.ts";
import { twoApps } from "../support/two-apps.ts";

describe("several apps in one process", () => {
  it("never accept each other's sessions", async () => {
    const { first, me, tokenOf } = await twoApps({});
    const token = await tokenOf("/first", first.wechat.phone({ unionid: "u1" }).login());
    expect((await me("/first", token)).status).to.equal(200);
    const answer = await me("/second", token);
    expect([answer.status, answer.body.error.code]).to.deep.equal([401, "login_required"]);
  });

  it("never redeem each other's temporary tokens, and leave them good", async () => {
    const { first, post } = await twoApps({});
    const phone = first.wechat.phone({ unionid: "u1", unionidAtLogin: false });
    const { temporaryToken } = (await post("/first/login", phone.login())).body;
    const body = { temporaryToken, ...phone.getUserInfo() };
    const foreign = await post("/second/login/complete", body);
    expect([foreign.status, foreign.body.error.code]).to.deep.equal([401, "invalid_temporary_token"]);
    expect((await post("/first/login/complete", body)).body.status).to.equal("signed_in");
  });

  it("accept each other's sessions under one name, and say which app they were begun in", async () => {
    const { first, second, me, tokenOf } = await twoApps({ name: "shop" });
    const token = await tokenOf("/first", first.wechat.phone({ openid: "o1", unionid: "u1" }).login());
    const other = await tokenOf("/second", second.wechat.phone({ openid: "o2", unionid: "u1" }).login());
    for (const mount of ["/first", "/second"]) {
      expect((await me(mount, token)).body).to.deep.equal({ appId: "wxfirst", openid: "o1", unionid: "u1" });
      expect((await me(mount, other)).body).to.deep.equal({ appId: "wxsecond", openid: "o2", unionid: "u1" });
    }
  });

  it("keep them under the name, so that another name is another pool", async () => {
    const { first, me, tokenOf, keyPrefix } = await twoApps({ name: "shop" });
    const token = await tokenOf("/first", first.wechat.phone({ unionid: "u1" }).login());
    expect((await me("/second", token)).status).to.equal(200);
    const keys = await redis().keys(`${keyPrefix}*session*`);
    expect(keys).to.have.length(1);
    expect(keys[0]?.startsWith(`${keyPrefix}+shop:sessions:`)).to.equal(true);
    const other = await twoApps({ name: "game" }, ["unionid"], keyPrefix);
    expect((await other.me("/second", token)).status).to.equal(401);
  });

  it("sign a person out of all apps that share sessions, and nobody else", async () => {
    const { first, second, me, tokenOf } = await twoApps({ name: "shop" });
    const token = await tokenOf("/first", first.wechat.phone({ openid: "o1", unionid: "u1" }).login());
    const other = await tokenOf("/second", second.wechat.phone({ openid: "o2", unionid: "u1" }).login());
    const stranger = await tokenOf("/second", second.wechat.phone({ openid: "o3", unionid: "u2" }).login());
    await first.wx.signOutEverywhere({ openid: "o1", unionid: "u1" });
    expect((await me("/first", token)).status).to.equal(401);
    expect((await me("/second", other)).status).to.equal(401);
    expect((await me("/second", stranger)).status).to.equal(200);
  });

  it("sign a person out of all of them by the openid alone: the host's user has the unionid", async () => {
    const { first, second, me, tokenOf } = await twoApps({ name: "shop" });
    const other = await tokenOf("/second", second.wechat.phone({ openid: "o2", unionid: "u1" }).login());
    // This table knows one openid of a user, the last.
    const token = await tokenOf("/first", first.wechat.phone({ openid: "o1", unionid: "u1" }).login());
    const stranger = await tokenOf("/second", second.wechat.phone({ openid: "o3", unionid: "u2" }).login());
    await first.wx.signOutEverywhere({ openid: "o1" });
    expect((await me("/first", token)).status).to.equal(401);
    expect((await me("/second", other)).status).to.equal(401);
    expect((await me("/second", stranger)).status).to.equal(200);
    await first.wx.signOutEverywhere({ openid: "nobody" });
    expect((await me("/second", stranger)).status).to.equal(200);
  });

  it("change a profile in the app of the session only: WeChat knows its openid nowhere else", async () => {
    const { first, second, tokenOf, profile, users } = await twoApps({ name: "shop" });
    const user = { unionid: "u1", phoneNumber: "10012345678" };
    const [here, there] = [first.wechat.phone(user), second.wechat.phone({ ...user, openid: "o2" })];
    const token = await tokenOf("/first", here.login());
    const own = await tokenOf("/second", there.login());
    const body = { nickName: "小明", phoneCode: there.getPhoneNumber().code };
    const foreign = await profile("/second", token, body);
    expect([foreign.status, foreign.body.error.code]).to.deep.equal([401, "login_required"]);
    expect((await profile("/second", own, body)).body).to.deep.equal({ status: "saved" });
    expect(users[0]).to.include({ nickName: "小明", phoneNumber: "10012345678" });
  });

  it("share sessions of a user without a unionid, too, and end them by the openid", async () => {
    const { first, me, tokenOf } = await twoApps({ name: "shop" }, []);
    const token = await tokenOf("/first", first.wechat.phone({ openid: "o1" }).login());
    expect((await me("/second", token)).body).to.deep.equal({ appId: "wxfirst", openid: "o1" });
    await first.wx.signOutEverywhere({ openid: "o1" });
    expect((await me("/second", token)).status).to.equal(401);
  });
});
