import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect } from "chai";
import sinon from "sinon";
import type { Identity, Picture } from "../../lib/index.ts";
import { errorBody } from "../support/error-body.ts";
import { APP_ID, startApp } from "../support/login-app.ts";
import { formOf, PICTURES } from "../support/pictures.ts";
import { until } from "../support/until.ts";

const PROFILE = "/wx/profile";

/** Someone who is signed in, at a host that keeps avatars. */
async function signedIn(...[options, users]: Parameters<typeof startApp>) {
  const saveAvatar = sinon.spy(
    async (_avatar: Picture, { openid }: Identity) => `https://host/${openid}.png`,
  );
  const app = await startApp({ session: undefined, saveAvatar, ...options }, users);
  const phone = app.wechat.phone({ openid: "o1", unionid: "u1" });
  const token = (await app.post("/wx/login", phone.login())).body.sessionToken;
  for (const spy of [app.findUser, app.saveUser]) spy.resetHistory();
  return { ...app, saveAvatar, phone, token };
}

describe("POST /profile, for who is signed in", () => {
  const identity = { appId: APP_ID, openid: "o1", unionid: "u1" };

  it("changes the nickname", async () => {
    const { post, token, users } = await signedIn();
    expect((await post(PROFILE, { nickName: "小明" }, token)).body).to.deep.equal({ status: "saved" });
    expect(users).to.deep.equal([{ id: 1, ...identity, nickName: "小明" }]);
  });

  it("changes the avatar", async () => {
    const { upload, token, users, saveAvatar } = await signedIn();
    expect((await upload(PROFILE, formOf({}, PICTURES.webp), token)).body).to.deep.equal({ status: "saved" });
    expect(saveAvatar.args).to.deep.equal([[{ bytes: PICTURES.webp, mediaType: "image/webp" }, identity]]);
    expect(users[0]).to.include({ avatarUrl: "https://host/o1.png" });
  });

  it("changes everything at once, and leaves what is not sent", async () => {
    const { upload, post, phone, token, users, saveUser } = await signedIn();
    await post(PROFILE, { nickName: "Ada" }, token);
    await upload(PROFILE, formOf({ phoneCode: phone.getPhoneNumber().code }, PICTURES.gif), token);
    expect(users[0]).to.include({
      nickName: "Ada",
      avatarUrl: "https://host/o1.png",
      phoneNumber: "10012345678",
    });
    const all = { avatarUrl: "https://host/o1.png", nickName: "Ada", phoneNumber: "10012345678" };
    const phoneNumber = { purePhoneNumber: "10012345678", countryCode: "86" };
    expect(saveUser.secondCall.args).to.deep.equal([{ ...identity, ...all, ...phoneNumber }]);
  });

  it("pays for no phone number if the picture cannot be kept: the same code is good for the next try", async () => {
    const saveAvatar = sinon.stub().rejects(new Error("disk full"));
    const { upload, phone, token, users } = await signedIn({ saveAvatar });
    const { code: phoneCode } = phone.getPhoneNumber();
    const change = () => upload(PROFILE, formOf({ phoneCode }, PICTURES.gif), token);
    expect((await change()).body).to.deep.equal({ host: "error" });
    saveAvatar.resolves("https://host/1.gif");
    expect((await change()).body).to.deep.equal({ status: "saved" });
    expect(users[0]).to.include({ phoneNumber: "10012345678", avatarUrl: "https://host/1.gif" });
  });

  it("answers what onLogin says of the user as changed", async () => {
    const onLogin = (user: { nickName?: string | null }) => ({ name: user.nickName, status: "mine" });
    const { post, token } = await signedIn({ onLogin });
    const answer = await post(PROFILE, { nickName: "Ada" }, token);
    expect(answer.body).to.deep.equal({ status: "saved", name: "Ada" });
  });

  it("takes no placeholder for a nickname", async () => {
    const { post, token, users } = await signedIn();
    await post(PROFILE, { nickName: "Ada" }, token);
    const answer = await post(PROFILE, { nickName: "微信用户" }, token);
    const message = "nickName is WeChat's placeholder, and nobody's name.";
    expect([answer.status, answer.body]).to.deep.equal([400, errorBody("invalid_request", message)]);
    expect(users[0]).to.include({ nickName: "Ada" });
  });

  const refused: [object, string, RegExp][] = [
    [{}, "invalid_request", /^Nothing to store: send nickName, phoneCode or a file avatar/],
    [{ nickName: "" }, "invalid_request", /^nickName must be/],
    [{ nickName: "a", avatarUrl: "http://tmp/1.png" }, "invalid_request", /^avatarUrl is a temporary file/],
    [{ nickName: "\uFFFD\uFFFD" }, "invalid_request", /^nickName must be/],
    [{ errMsg: `x:fail ${"x".repeat(200)} deny` }, "invalid_request", /^The call failed/],
    [{ errMsg: "getPhoneNumber:fail user deny" }, "authorization_denied", /^The user refused/],
    [{ phoneCode: 5 }, "invalid_request", /^phoneCode must be/],
    [{ phoneCode: "x".repeat(513) }, "invalid_request", /^phoneCode is longer than 512/],
  ];
  for (const [body, code, message] of refused) {
    it(`refuses ${JSON.stringify(body).slice(0, 50)}`, async () => {
      const { post, token, saveUser } = await signedIn();
      const answer = await post(PROFILE, body, token);
      expect([answer.status, answer.body.error.code]).to.deep.equal([400, code]);
      expect(answer.body.error.message).to.match(message);
      expect(saveUser.called).to.equal(false);
    });
  }

  it("does not take encrypted data: that is for openData", async () => {
    const { post, token, phone } = await signedIn();
    const { encryptedData, iv } = phone.getUserInfo();
    expect((await post(PROFILE, { encryptedData, iv }, token)).body.error.code).to.equal("invalid_request");
  });

  it("reads no body of who is not signed in", async () => {
    const { upload, saveAvatar } = await signedIn();
    expect((await upload(PROFILE, formOf({}, PICTURES.png))).status).to.equal(401);
    expect(saveAvatar.called).to.equal(false);
  });

  for (const type of ["application/json", "multipart/form-data; boundary=X"]) {
    it(`does not wait for who hung up while the session was looked up (${type})`, async () => {
      let isGone = () => {};
      const gone = new Promise<void>((resolve) => {
        isGone = resolve;
      });
      const onError = sinon.spy();
      const find = async () => {
        if (socket) {
          socket.destroy();
          await gone;
        }
        return { id: 1, ...identity };
      };
      let socket: Socket | undefined;
      const { url, token, saveUser } = await signedIn({ findUser: find, onError });
      socket = connect(Number(new URL(url).port), "127.0.0.1");
      const headers = `Host: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: ${type}\r\nContent-Length: 99`;
      socket.write(`POST ${PROFILE} HTTP/1.1\r\n${headers}\r\n\r\n`);
      await once(socket, "close");
      setTimeout(isGone, 50);
      await until(() => onError.called);
      expect(onError.firstCall.firstArg.message).to.match(/cut off/);
      expect(saveUser.called).to.equal(false);
    });
  }

  it("reverts nothing that another request has changed while a picture was on its way", async () => {
    let keep = () => {};
    const kept = new Promise<void>((resolve) => {
      keep = resolve;
    });
    const saveAvatar = sinon.spy(async () => {
      await kept;
      return "https://host/new.png";
    });
    const { upload, post, token, users } = await signedIn({ saveAvatar });
    await post(PROFILE, { nickName: "old" }, token);
    const uploading = upload(PROFILE, formOf({}, PICTURES.png), token);
    await until(() => saveAvatar.called);
    await post(PROFILE, { nickName: "new" }, token);
    keep();
    expect((await uploading).body).to.deep.equal({ status: "saved" });
    expect(users[0]).to.include({ nickName: "new", avatarUrl: "https://host/new.png" });
  });

  it("brings nobody back who was deleted in the meantime", async () => {
    const { upload, token, users } = await signedIn({
      saveAvatar: async () => {
        users.length = 0;
        return "https://host/new.png";
      },
    });
    const answer = await upload(PROFILE, formOf({}, PICTURES.png), token);
    expect([answer.status, answer.body.error.code]).to.deep.equal([401, "login_required"]);
    expect(users).to.deep.equal([]);
  });

  it("takes neither a phone code nor a picture of who has to log in first, and either of who lacks just that", async () => {
    const stored = { openid: "o1", unionid: "u1", phoneNumber: "10012345678", nickName: "Ada" };
    const require = ["unionid", "phoneNumber", "nickName"] as const;
    const { upload, post, phone, token, users, wechat, saveAvatar } = await signedIn({ require }, [stored]);
    Object.assign(users[0] ?? {}, { phoneNumber: null, nickName: null });
    const asked = wechat.requests.length;
    phone.login();
    const { code } = phone.getPhoneNumber();
    const answer = await upload(PROFILE, formOf({ phoneCode: code }, PICTURES.png), token);
    expect([answer.status, answer.body.error.code]).to.deep.equal([401, "login_required"]);
    expect([wechat.requests.length, saveAvatar.called]).to.deep.equal([asked, false]);
    const whole = { phoneCode: code, nickName: "Bea" };
    expect((await post(PROFILE, whole, token)).body).to.deep.equal({ status: "saved" });
    expect(users[0]).to.include({ nickName: "Bea", phoneNumber: "10012345678" });
  });

  it("takes a picture of who has lost just that, and nothing else", async () => {
    const stored = { openid: "o1", unionid: "u1", avatarUrl: "https://host/old.png" };
    const require = ["unionid", "avatarUrl"] as const;
    const { upload, post, token, users, wechat } = await signedIn({ require, checkContent: true }, [stored]);
    Object.assign(users[0] ?? {}, { avatarUrl: null });
    const asked = wechat.requests.length;
    expect((await post(PROFILE, { nickName: "Ada" }, token)).body.error.code).to.equal("login_required");
    expect(wechat.requests.length).to.equal(asked);
    expect((await upload(PROFILE, formOf({}, PICTURES.png), token)).body).to.deep.equal({ status: "saved" });
    expect(users[0]).to.include({ avatarUrl: "https://host/o1.png" });
  });

  it("sends a user whose record has lost something required to the login", async () => {
    const { post, token, users, saveUser } = await signedIn({ require: ["unionid", "phoneNumber"] }, [
      { openid: "o1", unionid: "u1", phoneNumber: "10012345678" },
    ]);
    Object.assign(users[0] ?? {}, { phoneNumber: null });
    const answer = await post(PROFILE, { nickName: "Ada" }, token);
    expect([answer.status, answer.body.error.code]).to.deep.equal([401, "login_required"]);
    expect(saveUser.called).to.equal(false);
  });

  it("knows the unionid by the session, should the record have lost it", async () => {
    const { post, token, users } = await signedIn();
    Object.assign(users[0] ?? {}, { unionid: null });
    expect((await post(PROFILE, { nickName: "Ada" }, token)).body).to.deep.equal({ status: "saved" });
    expect(users[0]).to.include({ unionid: "u1" });
  });

  it("is the host's error where its saveUser fails", async () => {
    let isUp = true;
    const fault = new Error("database");
    const app = await signedIn({
      saveUser: () => (isUp ? undefined : Promise.reject(fault)),
      findUser: () => ({ id: 1, ...identity }),
    });
    isUp = false;
    expect((await app.post(PROFILE, { nickName: "Ada" }, app.token)).body).to.deep.equal({ host: "error" });
    expect(app.hostErrors).to.deep.equal([fault]);
  });
});
