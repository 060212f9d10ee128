import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { expect } from "chai";
import sinon from "sinon";
import type { Picture } from "../../lib/index.ts";
import { bodyReader } from "../../lib/profile/body.ts";
import { errorBody } from "../support/error-body.ts";
import { atEnd, redis, startApp } from "../support/login-app.ts";
import { formOf, PICTURES, pngOf } from "../support/pictures.ts";
import { until } from "../support/until.ts";

const COMPLETE = "/wx/login/complete";
const UNKNOWN = "A".repeat(43);
const BUSY = errorBody("server_busy", "Too many requests are under way: try again in a few seconds.");
const INVALID_TOKEN = errorBody(
  "invalid_temporary_token",
  "The temporary token is unknown, used or expired: call wx.login again.",
);
const MEGABYTES = 1024 * 1024;

async function start(options: Parameters<typeof startApp>[0] = {}) {
  const saveAvatar = sinon.spy(async (_avatar: Picture) => "https://host/1.png");
  const app = await startApp({ require: ["avatarUrl"], saveAvatar, ...options });
  const login = async (openid = "o1") =>
    (await app.post("/wx/login", app.wechat.phone({ openid, unionid: openid }).login())).body;
  const sockets: Socket[] = [];
  const hangUp = () => {
    for (const socket of sockets.splice(0)) socket.destroy();
  };
  atEnd(hangUp);

  /** Begins to send a request and never ends it; gives the answer, if one comes. */
  async function begin(text: string | Buffer, type = "multipart/form-data; boundary=X") {
    const { hostname, port } = new URL(app.url);
    const socket = connect(Number(port), hostname).on("error", () => {});
    sockets.push(socket);
    await once(socket, "connect");
    let answer = "";
    socket.setEncoding("utf8").on("data", (piece) => {
      answer += piece;
    });
    const head = `POST ${COMPLETE} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const body = Buffer.from(text);
    socket.write(
      Buffer.concat([Buffer.from(`${head}${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n")]),
    );
    return { socket, answer: () => answer };
  }

  return { ...app, saveAvatar, login, begin, hangUp };
}

const field = (name: string, value: string) =>
  `--X\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const FILE = '--X\r\nContent-Disposition: form-data; name="avatar"; filename="a.png"\r\n\r\n';
const begunFile = (bytes: number) => FILE + "x".repeat(bytes);

describe("uploads under way", () => {
  it("hold 64 MiB together at the most: more are answered 503, logins go on, and all is given back", async () => {
    const { begin, hangUp, upload, login, hostErrors } = await start();
    const { temporaryToken } = await login();
    const slow = await Promise.all(Array.from({ length: 40 }, () => begin(begunFile(1.9 * MEGABYTES))));
    const refused = () => slow.filter(({ answer }) => answer().startsWith("HTTP/1.1 503 "));
    await until(() => refused().length >= 40 - 64 / 1.9);
    for (const { answer } of refused()) expect(answer()).to.include("\r\nRetry-After: 5\r\n");
    const form = () => formOf({ temporaryToken }, pngOf(1.9 * MEGABYTES));
    const busy = await upload(COMPLETE, form());
    expect([busy.status, busy.body, busy.headers.get("retry-after")]).to.deep.equal([503, BUSY, "5"]);
    expect((await login()).status).to.equal("incomplete");
    hangUp();
    let last = busy;
    while (last.status === 503) last = await upload(COMPLETE, form());
    expect(last.body).to.deep.equal({ status: "signed_in" });
    expect(hostErrors).to.deep.equal([]);
  });

  it("hold their bytes while the host keeps the pictures", async () => {
    const kept: ((url: string) => void)[] = [];
    const saveAvatar = () => new Promise<string>((resolve) => void kept.push(resolve));
    const { upload, login } = await start({ saveAvatar });
    const tokens = await Promise.all(Array.from({ length: 34 }, () => login()));
    const send = ({ temporaryToken }: { temporaryToken: string }) =>
      upload(COMPLETE, formOf({ temporaryToken }, pngOf(1.95 * MEGABYTES)));
    const uploads = tokens.map(send);
    let refused = 0;
    for (const answer of uploads) void answer.then(({ status }) => (refused += Number(status === 503)));
    await until(() => kept.length + refused === 34);
    expect(kept.length).to.be.within(28, 32);
    for (const resolve of kept.splice(0)) resolve("https://host/1.png");
    await Promise.all(uploads);
    const again = send(await login("o2"));
    await until(() => kept.length === 1);
    kept[0]?.("https://host/1.png");
    expect((await again).body).to.deep.equal({ status: "signed_in" });
  });

  it("leave nothing when they are broken off, a thousand times", async () => {
    const { begin, hangUp, upload, login } = await start();
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 50 }, () => begin(begunFile(0.125 * MEGABYTES))));
      await new Promise((resolve) => setTimeout(resolve, 20));
      hangUp();
    }
    const { temporaryToken } = await login();
    const answer = await upload(COMPLETE, formOf({ temporaryToken }, pngOf(2 * MEGABYTES)));
    expect(answer.body).to.deep.equal({ status: "signed_in" });
  }).timeout(30_000);

  it("have more room where pictures may be larger", async () => {
    const { upload, login } = await start({ avatarMaxBytes: 70 * MEGABYTES });
    const { temporaryToken } = await login();
    const answer = await upload(COMPLETE, formOf({ temporaryToken }, pngOf(65 * MEGABYTES)));
    expect(answer.body).to.deep.equal({ status: "signed_in" });
  });

  it("end at what all parts of a form may have, whatever lies between them", async () => {
    const { url, hostErrors } = await start({ avatarMaxBytes: 1000 });
    const between = "x".repeat(600_000);
    for (const body of [
      between,
      `${field("a", "b")}--X\r\n\r\n${between}`,
      `${field("a", "b")}--X--\r\n${between}`,
    ]) {
      const headers = { "Content-Type": "multipart/form-data; boundary=X" };
      const answer = await fetch(url + COMPLETE, { method: "POST", headers, body });
      const expected = errorBody("invalid_request", "The form is too large.");
      expect([answer.status, await answer.json()]).to.deep.equal([413, expected]);
    }
    expect(hostErrors).to.deep.equal([]);
  });

  it("may come byte by byte, as JSON may", async () => {
    const { login, begin, saveAvatar } = await start({ require: ["nickName", "avatarUrl"] });
    const { temporaryToken } = await login();
    const name = "小明".repeat(32);
    const json = Buffer.from(JSON.stringify({ temporaryToken, nickName: name, more: "x".repeat(900) }));
    const byByte = (bytes: Buffer) =>
      Buffer.concat(
        [...bytes].flatMap((byte) => [Buffer.from("1\r\n"), Buffer.of(byte), Buffer.from("\r\n")]),
      );
    const post = async (bytes: Buffer, type?: string) => {
      const { socket, answer } = await begin(bytes.subarray(0, 1), type);
      socket.write(Buffer.concat([byByte(bytes.subarray(1)), Buffer.from("0\r\n\r\n")]));
      await until(() => answer().includes("\r\n\r\n{"));
      return JSON.parse(answer().slice(answer().indexOf("{")));
    };
    const body = await post(json, "application/json");
    expect(body.missing).to.deep.equal(["avatarUrl"]);
    const picture = pngOf(2000);
    const form = [Buffer.from(field("temporaryToken", body.temporaryToken) + FILE), picture];
    expect(await post(Buffer.concat([...form, Buffer.from("\r\n--X--\r\n")]))).to.deep.equal({
      status: "signed_in",
    });
    expect(saveAvatar.firstCall.firstArg.bytes.equals(picture)).to.equal(true);
  });
});

describe("JSON under way", () => {
  it("holds 64 MiB at the most, and stands in the way of no body of up to 4 kB", async () => {
    const { withJson } = bodyReader(undefined);
    const read = (text: string, isWhole: boolean) => {
      const req = Object.assign(new PassThrough(), { headers: {} });
      if (isWhole) req.end(text);
      else req.write(text);
      const fields = withJson(req as unknown as IncomingMessage, async (given) => given);
      return { req, answer: fields.catch(({ code }) => code) };
    };
    const slow = Array.from({ length: 5700 }, () => read(`{${" ".repeat(16_000)}`, false));
    const pad = (bytes: number) => `{"code":"${"c".repeat(bytes - '{"code":""}'.length)}"}`;
    expect(await read(pad(16_384), true).answer).to.equal("server_busy");
    expect(await read(pad(4096), true).answer).to.have.keys("code");
    for (const { req, answer } of slow) {
      req.destroy();
      expect(await answer).to.be.oneOf(["invalid_request", "server_busy"]);
    }
    expect(await read(pad(16_384), true).answer).to.have.keys("code");
  }).timeout(30_000);
});

describe("the temporary token in front of a file", () => {
  for (const [name, token] of [
    ["that is unknown", UNKNOWN],
    ["that is no token", "x"],
    ["that is empty", ""],
  ]) {
    it(`${name} is refused before the file has come`, async () => {
      const { begin, saveAvatar } = await start();
      const { answer } = await begin(field("temporaryToken", String(token)) + begunFile(1000));
      await until(() => answer() !== "");
      expect(answer()).to.match(/^HTTP\/1\.1 401 /);
      expect(JSON.parse(answer().slice(answer().indexOf("{")))).to.deep.equal(INVALID_TOKEN);
      expect(saveAvatar.called).to.equal(false);
    });
  }

  it("that is good stays good, however often files are begun and broken off", async () => {
    const { begin, login, upload, hangUp, keys } = await start();
    const { temporaryToken } = await login();
    for (let count = 0; count < 3; count++) {
      const { answer } = await begin(field("temporaryToken", temporaryToken) + begunFile(100_000));
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(answer()).to.equal("");
    }
    hangUp();
    expect(await keys()).to.have.length(1);
    const answer = await upload(COMPLETE, formOf({ temporaryToken }, PICTURES.png));
    expect(answer.body).to.deep.equal({ status: "signed_in" });
  });

  it("is not looked up if it is no token, and costs one command if it is", async () => {
    const client = redis().duplicate();
    atEnd(() => client.disconnect());
    await client.ping();
    const commands = sinon.spy(client, "sendCommand");
    const { upload } = await start({ redis: client });
    await upload(COMPLETE, formOf({ temporaryToken: "x" }, PICTURES.png));
    expect(commands.callCount).to.equal(0);
    await upload(COMPLETE, formOf({ temporaryToken: UNKNOWN }, PICTURES.png));
    expect(commands.args.map(([{ name }]) => name)).to.deep.equal(["get"]);
  });

  it("that cannot be looked up is the host's to answer", async () => {
    const fault = new Error("READONLY");
    const fail = () => Promise.reject(fault);
    const { upload, hostErrors } = await start({
      redis: { set: fail, get: fail, getdel: fail, eval: fail, evalsha: fail },
    });
    const answer = await upload(COMPLETE, formOf({ temporaryToken: UNKNOWN }, pngOf(2 * MEGABYTES)));
    expect([answer.body, hostErrors]).to.deep.equal([{ host: "error" }, [fault]]);
  });
});
