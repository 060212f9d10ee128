import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { expect } from "chai";
import express from "express";
import sinon from "sinon";
import type { Identity, Picture } from "../../lib/index.ts";
import { wechatLogin } from "../../lib/index.ts";
import { errorBody } from "../support/error-body.ts";
import { ask, listen, redis, startApp, startWechat, userTable } from "../support/login-app.ts";
import { formOf, PICTURES, pngOf } from "../support/pictures.ts";
import { until } from "../support/until.ts";

const MAX = 2 * 1024 * 1024;
const COMPLETE = "/wx/login/complete";

/** A host that keeps avatars, and a login that lacks one. */
async function pending(options: Parameters<typeof startApp>[0] = {}) {
  const saveAvatar = sinon.spy(
    async (_avatar: Picture, { openid }: Identity) => `https://host/${openid}.png`,
  );
  const app = await startApp({ require: ["avatarUrl"], saveAvatar, ...options });
  const phone = app.wechat.phone({ openid: "o1", unionid: "u1" });
  const { temporaryToken } = (await app.post("/wx/login", phone.login())).body;
  return { ...app, saveAvatar, phone, temporaryToken };
}

type Pending = Awaited<ReturnType<typeof pending>>;

/** Nothing is left behind, and a good request still goes through with the same token. */
async function nothingHappened({ saveAvatar, saveUser, upload, temporaryToken }: Pending): Promise<void> {
  expect([saveAvatar.called, saveUser.called]).to.deep.equal([false, false]);
  const good = await upload(COMPLETE, formOf({ temporaryToken }, PICTURES.png));
  expect(good.body).to.deep.equal({ status: "signed_in" });
}

describe("an avatar that is uploaded", () => {
  for (const [type, bytes] of Object.entries(PICTURES)) {
    it(`is kept as ${type}, whatever its name and media type say`, async () => {
      const { upload, temporaryToken, saveAvatar, users } = await pending();
      const form = formOf({ temporaryToken }, bytes, { fileName: "tmp_1.svg", type: "text/html" });
      expect((await upload(COMPLETE, form)).body).to.deep.equal({ status: "signed_in" });
      const [[avatar, identity] = []] = saveAvatar.args;
      expect(avatar).to.deep.equal({ bytes, mediaType: `image/${type}` });
      expect(identity).to.include({ openid: "o1", unionid: "u1" });
      expect(users[0]).to.include({ avatarUrl: "https://host/o1.png" });
    });
  }

  it("stands beside a nickname and the other fields", async () => {
    const { upload, temporaryToken, users } = await pending({ require: ["nickName", "avatarUrl"] });
    const form = formOf({ temporaryToken, nickName: "小明", more: "x" }, PICTURES.png);
    expect((await upload(COMPLETE, form)).body).to.deep.equal({ status: "signed_in" });
    expect(users[0]).to.include({ nickName: "小明", avatarUrl: "https://host/o1.png" });
  });

  it("stands beside encrypted user data, and wins over the picture in it", async () => {
    const { upload, phone, temporaryToken, users } = await pending();
    const { encryptedData, iv, rawData, signature } = phone.getUserInfo();
    await upload(COMPLETE, formOf({ temporaryToken, encryptedData, iv, rawData, signature }, PICTURES.png));
    expect(users[0]).to.include({ unionid: "u1", avatarUrl: "https://host/o1.png" });
  });

  it("is kept once, also where something else is still missing", async () => {
    const { upload, post, temporaryToken, saveAvatar, users } = await pending({
      require: ["nickName", "avatarUrl"],
    });
    const asked = await upload(COMPLETE, formOf({ temporaryToken }, PICTURES.png));
    expect(asked.body.missing).to.deep.equal(["nickName"]);
    await post(COMPLETE, { temporaryToken: asked.body.temporaryToken, nickName: "Ada" });
    expect(saveAvatar.callCount).to.equal(1);
    expect(users[0]).to.include({ nickName: "Ada", avatarUrl: "https://host/o1.png" });
  });

  for (const size of [MAX - 1, MAX]) {
    it(`may have 2 MiB, and no byte is lost (${size})`, async () => {
      const { upload, temporaryToken, saveAvatar } = await pending();
      const answer = await upload(COMPLETE, formOf({ temporaryToken }, pngOf(size)));
      expect(answer.body).to.deep.equal({ status: "signed_in" });
      expect(saveAvatar.firstCall.firstArg.bytes.equals(pngOf(size))).to.equal(true);
    });
  }

  it("may be as large as avatarMaxBytes says", async () => {
    const app = await pending({ avatarMaxBytes: 100 });
    const form = formOf({ temporaryToken: app.temporaryToken }, pngOf(101));
    expect((await app.upload(COMPLETE, form)).status).to.equal(413);
    await nothingHappened(app);
  });

  it("is kept before the user is saved, and the host's fault leaves the token good", async () => {
    let isUp = false;
    const saveAvatar = sinon.spy(() => (isUp ? "https://host/a.png" : Promise.reject(new Error("disk"))));
    const app = await pending({ saveAvatar });
    const form = formOf({ temporaryToken: app.temporaryToken }, PICTURES.png);
    expect((await app.upload(COMPLETE, form)).body).to.deep.equal({ host: "error" });
    expect(app.saveUser.called).to.equal(false);
    isUp = true;
    expect((await app.upload(COMPLETE, form)).body).to.deep.equal({ status: "signed_in" });
    expect(saveAvatar.secondCall.calledBefore(app.saveUser.firstCall)).to.equal(true);
  });

  for (const url of [undefined, "", 5]) {
    it(`must be given a URL by the host: ${JSON.stringify(url)} is none`, async () => {
      const { upload, temporaryToken, hostErrors } = await pending({ saveAvatar: () => url as never });
      await upload(COMPLETE, formOf({ temporaryToken }, PICTURES.png));
      const message = "TypeError: wechatLogin: saveAvatar must return the URL of the picture, a string.";
      expect(hostErrors.map(String)).to.deep.equal([message]);
    });
  }
});

describe("an upload that is refused leaves nothing behind, and the token stays good", () => {
  const html = Buffer.from("<!doctype html><script>alert(1)</script>");
  const svg = Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>');
  const png = { fileName: "a.png", type: "image/png" };
  const twice = () => {
    const form = formOf({}, PICTURES.png);
    form.append("avatar", new Blob([new Uint8Array(PICTURES.gif)]), "b.gif");
    return form;
  };
  const twiceTheToken = () => {
    const form = formOf({}, PICTURES.png);
    for (const value of ["a", "b"]) form.append("nickName", value);
    return form;
  };
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, ""]));
  const three = () => {
    const form = formOf({}, PICTURES.png);
    for (const name of ["b", "c"]) form.append(name, new Blob(["x"]), "x.png");
    return form;
  };
  const wrong: Record<string, [() => FormData, number, RegExp]> = {
    "HTML called .png": [() => formOf({}, html, png), 415, /^The avatar must be a picture/],
    "SVG called .png": [() => formOf({}, svg, png), 415, /^The avatar must be a picture/],
    "HTML behind a blank": [
      () => formOf({}, Buffer.concat([Buffer.from(" "), PICTURES.png]), png),
      415,
      /picture/,
    ],
    "RIFF that is no WebP": [() => formOf({}, Buffer.from("RIFF....WAVEfmt "), png), 415, /picture/],
    "a JPEG behind a byte": [
      () => formOf({}, Buffer.concat([Buffer.alloc(1), PICTURES.jpeg])),
      415,
      /picture/,
    ],
    "a GIF behind a byte": [() => formOf({}, Buffer.concat([Buffer.alloc(1), PICTURES.gif])), 415, /picture/],
    "a WebP behind two bytes": [
      () => formOf({}, Buffer.concat([Buffer.alloc(2), PICTURES.webp])),
      415,
      /picture/,
    ],
    "a PNG cut in its signature": [() => formOf({}, PICTURES.png.subarray(0, 7), png), 415, /picture/],
    "0 bytes": [() => formOf({}, Buffer.alloc(0), png), 415, /^The avatar must be a picture/],
    "2 MiB and a byte": [() => formOf({}, pngOf(MAX + 1)), 413, /^The avatar is larger than 2097152 bytes/],
    "two avatars": [twice, 400, /^Only one avatar/],
    "three files": [three, 400, /^A file must be called avatar/],
    "a file of another name": [
      () => formOf({}, PICTURES.png, { name: "file" }),
      400,
      /^A file must be called avatar/,
    ],
    "a field of 1 MB": [
      () => formOf({ more: "x".repeat(1e6) }, PICTURES.png),
      400,
      /^A field of the form is too long/,
    ],
    "a field of 8 kB and a byte": [() => formOf({ more: "x".repeat(8193) }, PICTURES.png), 400, /too long/],
    "a field twice": [twiceTheToken, 400, /^A field of the form was sent twice/],
    "21 fields": [() => formOf(many(20), PICTURES.png), 400, /^The form has too many parts/],
    "a nickname of two lines": [() => formOf({ nickName: "a\nb" }, PICTURES.png), 400, /^nickName must be/],
    "neither file nor field": [() => formOf({}), 400, /^Nothing to store/],
  };
  for (const [name, [form, status, message]] of Object.entries(wrong)) {
    it(name, async () => {
      const app = await pending();
      const body = form();
      body.append("temporaryToken", app.temporaryToken);
      const answer = await app.upload(COMPLETE, body);
      expect([answer.status, answer.body.error.code]).to.deep.equal([status, "invalid_request"]);
      expect(answer.body.error.message).to.match(message);
      await nothingHappened(app);
    });
  }

  it("a field of exactly 8 kB, and 20 of them, are no reason", async () => {
    const app = await pending();
    const fields = { ...many(18), more: "x".repeat(8192), temporaryToken: app.temporaryToken };
    expect((await app.upload(COMPLETE, formOf(fields, PICTURES.png))).status).to.equal(200);
  });

  it("a file where the host keeps none", async () => {
    const app = await pending({ saveAvatar: undefined as never });
    const answer = await app.upload(COMPLETE, formOf({ temporaryToken: app.temporaryToken }, pngOf(MAX)));
    expect([answer.status, answer.body]).to.deep.equal([
      415,
      errorBody("invalid_request", "Files are not taken here: send JSON."),
    ]);
    expect((await app.post(COMPLETE, { temporaryToken: app.temporaryToken, nickName: "a" })).status).to.equal(
      200,
    );
  });

  /** Sends a form as raw bytes; the end of the body is as it is given. */
  async function raw(app: Pending, body: string, contentType = "multipart/form-data; boundary=X") {
    const headers = { "Content-Type": contentType };
    return await ask(`${app.url}${COMPLETE}`, {
      method: "POST",
      headers,
      body: body.replaceAll("\n", "\r\n"),
    });
  }
  const part = (name: string, more = "") => `--X\nContent-Disposition: form-data; name="${name}"${more}\n\n`;

  it("a part without end, in the file or in a field", async () => {
    const app = await pending();
    for (const body of [
      `${part("temporaryToken")}${app.temporaryToken}\n${part("avatar", '; filename="a.png"')}\x89PNG`,
      `${part("temporaryToken")}${app.temporaryToken}`,
      `${part("temporaryToken")}${app.temporaryToken}\n--X`,
      `${part("temporaryToken")}`,
      "--X\nContent-Disposition: form-data",
      "",
      "nothing of the kind",
    ]) {
      const answer = await raw(app, body);
      expect([answer.status, answer.body.error.code], body).to.deep.equal([400, "invalid_request"]);
      expect(answer.body.error.message, body).to.equal("The form is broken or was cut off.");
    }
    await nothingHappened(app);
  });

  for (const [what, head] of [
    ["without headers", ""],
    ["without a disposition", "A: b\n"],
    ["of another disposition", "Content-Disposition: attachment; name=a\n"],
  ]) {
    it(`a large part ${what} is read and dropped, in front of a field and behind it`, async () => {
      const app = await pending();
      for (const size of [70_000, 100_000, 300_000]) {
        const dropped = `--X\n${head}\n${"x".repeat(size)}\n`;
        const answer = await raw(app, `${dropped}${part("nickName")}Ada\n${dropped}--X--\n`);
        expect(answer.body.error.message).to.equal("temporaryToken is missing.");
      }
      await nothingHappened(app);
    });
  }

  it("a form without a boundary", async () => {
    const app = await pending();
    const answer = await raw(app, "x", "multipart/form-data");
    expect(answer.body).to.deep.equal(
      errorBody(
        "invalid_request",
        "The form has no boundary: send JSON by wx.request, or a file by wx.uploadFile.",
      ),
    );
    await nothingHappened(app);
  });

  it("a body without any media type is JSON", async () => {
    const app = await pending();
    const body = new Uint8Array(Buffer.from(JSON.stringify({ temporaryToken: app.temporaryToken })));
    const answer = await ask(`${app.url}${COMPLETE}`, { method: "POST", body });
    expect(answer.body.error.message).to.match(/^Nothing to store/);
  });

  it("another multipart type than a form's", async () => {
    const app = await pending();
    const answer = await raw(app, "--X--", "multipart/mixed; boundary=X");
    expect(answer.body.error.message).to.equal("The request body is not JSON in UTF-8.");
  });

  it("a part header of more than 4 kB", async () => {
    const app = await pending();
    const answer = await raw(app, `${part("a", `; filename="${"x".repeat(5000)}"`)}y\n--X--`);
    expect([answer.status, answer.body.error.code]).to.deep.equal([400, "invalid_request"]);
    await nothingHappened(app);
  });

  it("fields called __proto__ and constructor are fields", async () => {
    const app = await pending();
    const fields = {
      ["__proto__"]: "x",
      constructor: "x",
      temporaryToken: app.temporaryToken,
    };
    expect((await app.upload(COMPLETE, formOf(fields, PICTURES.png))).status).to.equal(200);
  });

  it("a client that hangs up half-way", async () => {
    const onError = sinon.spy();
    const app = await pending({ onError });
    const { hostname, port } = new URL(app.url);
    const head = `POST ${COMPLETE} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=X\r\nContent-Length: 9999\r\n\r\n`;
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    socket.write(`${head}${part("avatar", '; filename="a.png"').replaceAll("\n", "\r\n")}\x89PNG`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await until(() => onError.called);
    expect(onError.firstCall.firstArg.message).to.equal("The form is broken or was cut off.");
    await nothingHappened(app);
  });

  it("a form that another parser has read is the host's mistake, and does not hang", async () => {
    const wechat = await startWechat();
    const app = express();
    app.use(async (req, _res, next) => {
      for await (const _ of req);
      next();
    });
    const { findUser, saveUser } = userTable();
    const options = {
      appId: "wx1",
      secret: "s",
      redis: redis(),
      baseUrl: wechat.baseUrl,
      findUser,
      saveUser,
    };
    app.use(wechatLogin({ ...options, saveAvatar: () => "https://host/a.png" }));
    const errors: Error[] = [];
    const handler: express.ErrorRequestHandler = (error, _req, res, _next) => {
      errors.push(error);
      res.json({});
    };
    app.use(handler);
    const url = await listen(createServer(app));
    await ask(`${url}/login/complete`, { method: "POST", body: formOf({}, PICTURES.png) });
    expect(errors[0]?.message).to.match(/^wechatLogin: the form was read by another parser/);
  });
});
