import { expect } from "chai";
import { APP_ID, startApp } from "../support/login-app.ts";

const UNIONID = "ocMvos6NjeKLIBqg5Mr9QjxrP1FA";
const AVATAR = "https://thirdwx.qlogo.cn/mmopen/vi_32/simulated/132";
const PLACEHOLDER_AVATAR =
  "https://thirdwx.qlogo.cn/mmopen/vi_32/POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132";
const EVERYTHING = { require: ["unionid", "nickName", "avatarUrl"] } as const;

describe("scenario 2: the profile is required as well", () => {
  it("asks everyone once, and stores unionid, nickname and avatar", async () => {
    const { wechat, post, users } = await startApp(EVERYTHING);
    const phone = wechat.phone({ openid: "o1", unionid: UNIONID, client: "minigame" });

    const asked = (await post("/wx/login", phone.login())).body;
    expect(asked).to.include({ status: "incomplete" });
    expect(asked.missing).to.deep.equal(["nickName", "avatarUrl"]);

    const completed = await post("/wx/login/complete", {
      temporaryToken: asked.temporaryToken,
      ...phone.getUserInfo(),
    });
    expect(completed.body).to.deep.equal({ status: "signed_in" });
    const stored = {
      id: 1,
      appId: APP_ID,
      openid: "o1",
      unionid: UNIONID,
      nickName: "Band",
      avatarUrl: AVATAR,
    };
    expect(users).to.deep.equal([stored]);

    expect((await post("/wx/login", phone.login())).body).to.deep.equal({ status: "signed_in" });
  });

  it("works without a unionid", async () => {
    const { wechat, post, users } = await startApp({ require: ["nickName", "avatarUrl"] });
    const phone = wechat.phone({ openid: "o1", client: "old" });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    const completed = await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
    expect(completed.body).to.deep.equal({ status: "signed_in" });
    expect(users).to.deep.equal([
      { id: 1, appId: APP_ID, openid: "o1", nickName: "Band", avatarUrl: AVATAR },
    ]);
  });

  it("consults the stored user for the profile even where WeChat gives the unionid", async () => {
    const stored = { openid: "o1", unionid: UNIONID, nickName: "Ada", avatarUrl: "https://host/ada.png" };
    const { wechat, post, saveUser } = await startApp(EVERYTHING, [stored]);
    const answer = await post("/wx/login", wechat.phone({ openid: "o1", unionid: UNIONID }).login());
    expect(answer.body).to.deep.equal({ status: "signed_in" });
    expect(saveUser.called).to.equal(false);
  });

  it("gives saveUser what is required also where only the database knew it", async () => {
    const stored = { openid: "o1", nickName: "Ada", avatarUrl: "https://host/ada.png" };
    const { wechat, post, saveUser } = await startApp(EVERYTHING, [stored]);
    await post("/wx/login", wechat.phone({ openid: "o1", unionid: UNIONID }).login());
    expect(saveUser.args).to.deep.equal([[{ appId: APP_ID, ...stored, unionid: UNIONID }]]);
  });

  for (const empty of [
    { nickName: "", avatarUrl: "" },
    { nickName: null, avatarUrl: null },
    { nickName: "微信用户", avatarUrl: PLACEHOLDER_AVATAR },
  ]) {
    it(`counts a stored ${JSON.stringify(empty).slice(0, 40)} as missing`, async () => {
      const { wechat, post } = await startApp(EVERYTHING, [{ openid: "o1", unionid: UNIONID, ...empty }]);
      const answer = await post("/wx/login", wechat.phone({ openid: "o1", unionid: UNIONID }).login());
      expect(answer.body.missing).to.deep.equal(["nickName", "avatarUrl"]);
    });
  }

  it("never takes the placeholder for a profile: it stays missing, under a new token", async () => {
    const { wechat, post, saveUser } = await startApp(EVERYTHING);
    const phone = wechat.phone({ unionid: UNIONID });
    const first = (await post("/wx/login", phone.login())).body;
    const second = await post("/wx/login/complete", {
      temporaryToken: first.temporaryToken,
      ...phone.getUserInfo(),
    });
    expect(second.status).to.equal(200);
    expect(second.body.status).to.equal("incomplete");
    expect(second.body.expiresIn).to.be.within(295, 300);
    expect(second.body.missing).to.deep.equal(["nickName", "avatarUrl"]);
    expect(second.body.temporaryToken)
      .to.match(/^[\w-]{43}$/)
      .and.not.equal(first.temporaryToken);
    expect(saveUser.called).to.equal(false);
  });

  it("never overwrites a real profile with the placeholder", async () => {
    const stored = { openid: "o1", nickName: "Ada", avatarUrl: "https://host/ada.png" };
    const { wechat, post, users } = await startApp(EVERYTHING, [stored]);
    const phone = wechat.phone({ openid: "o1", unionid: UNIONID, unionidAtLogin: false });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
    expect(users).to.deep.equal([{ id: 1, appId: APP_ID, ...stored, unionid: UNIONID }]);
  });

  it("leaves a name that is stored, where WeChat's data hold another: the user may have chosen it", async () => {
    const stored = { openid: "o1", unionid: UNIONID, nickName: "my own name" };
    const { wechat, post, users, saveUser } = await startApp(EVERYTHING, [stored]);
    const phone = wechat.phone({ openid: "o1", unionid: UNIONID, client: "old", nickName: "WeChat's" });
    const { temporaryToken, missing } = (await post("/wx/login", phone.login())).body;
    expect(missing).to.deep.equal(["avatarUrl"]);
    await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
    expect(users).to.deep.equal([{ id: 1, appId: APP_ID, ...stored, avatarUrl: AVATAR }]);
    expect(saveUser.callCount).to.equal(1);
  });

  it("replaces a stored name by the one that is typed beside WeChat's data", async () => {
    const stored = { openid: "o1", unionid: UNIONID, nickName: "before" };
    const { wechat, post, users } = await startApp(EVERYTHING, [stored]);
    const phone = wechat.phone({ openid: "o1", unionid: UNIONID, client: "old", nickName: "WeChat's" });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo(), nickName: "after" });
    expect(users[0]).to.include({ nickName: "after", avatarUrl: AVATAR });
  });

  it("takes a nickname as text, trimmed, and keeps what is learned from step to step", async () => {
    const { wechat, post, users } = await startApp(EVERYTHING);
    const phone = wechat.phone({
      openid: "o1",
      unionid: UNIONID,
      unionidAtLogin: false,
      client: "old",
      nickName: "",
    });
    const first = (await post("/wx/login", phone.login())).body;
    expect(first.missing).to.deep.equal(["unionid", "nickName", "avatarUrl"]);

    const second = (
      await post("/wx/login/complete", { temporaryToken: first.temporaryToken, ...phone.getUserInfo() })
    ).body;
    expect(second.missing).to.deep.equal(["nickName"]);

    const third = await post("/wx/login/complete", {
      temporaryToken: second.temporaryToken,
      nickName: " 小明 ",
    });
    expect(third.body).to.deep.equal({ status: "signed_in" });
    const stored = {
      id: 1,
      appId: APP_ID,
      openid: "o1",
      unionid: UNIONID,
      nickName: "小明",
      avatarUrl: AVATAR,
    };
    expect(users).to.deep.equal([stored]);
  });

  it("prefers the typed nickname to the one in the data", async () => {
    const { wechat, post, users } = await startApp(EVERYTHING);
    const phone = wechat.phone({ unionid: UNIONID, client: "old" });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo(), nickName: "Ada" });
    expect(users[0]).to.include({ nickName: "Ada", avatarUrl: AVATAR });
  });

  it("does not take the placeholder as a typed nickname", async () => {
    const { wechat, post } = await startApp({ require: ["nickName"] });
    const { temporaryToken } = (await post("/wx/login", wechat.phone().login())).body;
    const answer = await post("/wx/login/complete", { temporaryToken, nickName: "微信用户" });
    expect(answer.body.missing).to.deep.equal(["nickName"]);
  });

  it("takes a profile, but no identity, from wx.getUserProfile", async () => {
    const { wechat, post, users } = await startApp(EVERYTHING);
    const phone = wechat.phone({ openid: "o1", unionid: UNIONID, client: "old" });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    await post("/wx/login/complete", { temporaryToken, ...phone.getUserProfile() });
    expect(users[0]).to.include({ openid: "o1", nickName: "Band", avatarUrl: AVATAR });
  });

  it("does not save again what a repeated completion brings", async () => {
    const stored = { openid: "o1", nickName: "Band", avatarUrl: AVATAR, unionid: UNIONID };
    const { wechat, post, users, saveUser } = await startApp(EVERYTHING);
    const phone = wechat.phone({ openid: "o1", unionid: UNIONID, client: "old" });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    users.push({ id: 1, appId: APP_ID, ...stored });
    const answer = await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
    expect(answer.body).to.deep.equal({ status: "signed_in" });
    expect(saveUser.called).to.equal(false);
  });
});

describe("onLogin", () => {
  it("decides what of the user leaves the server", async () => {
    const { wechat, post } = await startApp({
      onLogin: (user, { identity, req }) => ({
        id: user.id,
        unionid: identity.unionid,
        path: req.originalUrl,
      }),
    });
    const phone = wechat.phone({ unionid: UNIONID });
    const expected = { id: 1, unionid: UNIONID, path: "/wx/login", status: "signed_in" };
    expect((await post("/wx/login", phone.login())).body).to.deep.equal(expected);
    expect((await post("/wx/login", phone.login())).body).to.deep.equal(expected);
  });

  it("sees the user as stored, once more from findUser only where something was saved", async () => {
    const { wechat, post, findUser } = await startApp({ onLogin: () => undefined });
    const phone = wechat.phone({ unionid: UNIONID });
    await post("/wx/login", phone.login());
    expect(findUser.callCount).to.equal(2);
    await post("/wx/login", phone.login());
    expect(findUser.callCount).to.equal(3);
  });

  it("is told the stored unionid where WeChat gave none", async () => {
    const onLogin = (_user: object, { identity }: { identity: object }) => identity;
    const { wechat, post } = await startApp({ onLogin }, [{ openid: "o1", unionid: UNIONID }]);
    const answer = await post("/wx/login", wechat.phone({ openid: "o1" }).login());
    expect(answer.body).to.deep.equal({ appId: APP_ID, openid: "o1", unionid: UNIONID, status: "signed_in" });
  });

  it("cannot turn a success into something else", async () => {
    const { wechat, post } = await startApp({ onLogin: () => ({ status: "mine" }) });
    const answer = await post("/wx/login", wechat.phone({ unionid: UNIONID }).login());
    expect(answer.body).to.deep.equal({ status: "signed_in" });
  });

  it("tells the host whose findUser does not find what saveUser stored", async () => {
    const { wechat, post, hostErrors } = await startApp({ onLogin: () => ({}), findUser: () => undefined });
    const answer = await post("/wx/login", wechat.phone({ unionid: UNIONID }).login());
    expect(answer.status).to.equal(500);
    expect(String(hostErrors[0])).to.equal(
      "Error: wechatLogin: findUser finds nobody where saveUser has just stored someone. " +
        'Is there a "return" in it, and does it wait for the database?',
    );
  });
});
