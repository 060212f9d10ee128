import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { expect } from "chai";
import express from "express";
import type { Picture, Requirement } from "../../lib/index.ts";
import { wechatLogin } from "../../lib/index.ts";
import { errorBody } from "../support/error-body.ts";
import {
  APP_ID,
  ask,
  listen,
  ownPrefix,
  redis,
  SECRET,
  send,
  startWechat,
  type TestUser,
  userTable,
} from "../support/login-app.ts";
import { formOf, PICTURES } from "../support/pictures.ts";

type Middleware = (req: IncomingMessage & { body?: unknown }) => unknown;

/** A host with a middleware in front of the login, on Express or on node:http. */
async function start(middleware: Middleware, host: "Express" | "node:http") {
  const wechat = await startWechat();
  const { users, findUser, saveUser } = userTable();
  const avatars: Picture[] = [];
  const hostErrors: unknown[] = [];
  const login = wechatLogin<TestUser, readonly Requirement[]>({
    ...{ appId: APP_ID, secret: SECRET, redis: redis(), keyPrefix: ownPrefix(), baseUrl: wechat.baseUrl },
    ...{ findUser, saveUser, session: false, require: ["nickName", "avatarUrl"] },
    saveAvatar: (avatar) => `https://host/${avatars.push(avatar)}`,
  });
  const fail = (error: unknown, res: { statusCode: number; end(text: string): unknown }) => {
    hostErrors.push(error);
    res.statusCode = 500;
    res.end('{"host":"error"}');
  };
  const plain: RequestListener = async (req, res) => {
    await middleware(req);
    req.url = String(req.url).slice("/wx".length);
    login(req, res, (error) => fail(error, res));
  };
  const app = express();
  app.use(async (req, _res, next) => {
    await middleware(req);
    next();
  });
  app.use("/wx", login);
  app.use(((error, _req, res, _next) => fail(error, res)) as express.ErrorRequestHandler);
  const url = await listen(createServer(host === "Express" ? app : plain));
  const phone = wechat.phone({ openid: "o1", unionid: "u1" });
  const startLogin = () => send(`${url}/wx/login`, JSON.stringify(phone.login()));
  const complete = (body: FormData | string, headers = {}) =>
    ask(`${url}/wx/login/complete`, { method: "POST", body, headers });
  return { wechat, url, phone, users, avatars, hostErrors, startLogin, complete };
}

/** A middleware of Express; the parsers use nothing of the response. */
const expressOf =
  (handler: express.RequestHandler): Middleware =>
  (req) =>
    new Promise((resolve) => handler(req as express.Request, {} as express.Response, resolve));

type Host = Awaited<ReturnType<typeof start>>;

/** Both requests of a login, the second one with a picture: nothing of them is lost. */
async function expectLogin({ startLogin, complete, users, avatars }: Host): Promise<void> {
  const { temporaryToken, missing } = (await startLogin()).body;
  expect(missing).to.deep.equal(["nickName", "avatarUrl"]);
  const form = formOf({ temporaryToken, nickName: "小明" }, PICTURES.jpeg);
  expect((await complete(form)).body).to.deep.equal({ status: "signed_in" });
  expect(users[0]).to.include({ openid: "o1", nickName: "小明", avatarUrl: "https://host/1" });
  expect(avatars).to.deep.equal([{ bytes: PICTURES.jpeg, mediaType: "image/jpeg" }]);
}

/** As JSON, where a picture cannot be sent. */
async function expectJson({ startLogin, complete }: Host): Promise<void> {
  const { temporaryToken } = (await startLogin()).body;
  const { body } = await complete(JSON.stringify({ temporaryToken, nickName: "小明" }));
  expect([body.status, body.missing]).to.deep.equal(["incomplete", ["avatarUrl"]]);
}

const lost = (encoding: string) =>
  errorBody(
    "invalid_request",
    `A middleware has decoded the request body as ${encoding}, and bytes were lost: mount the login before it.`,
  );

for (const host of ["Express", "node:http"] as const) {
  describe(`behind req.setEncoding() on ${host}`, () => {
    const encodings = ["latin1", "binary", "hex", "base64", "base64url"] as const;
    for (const encoding of encodings) {
      it(`${encoding} loses nothing of JSON and of a picture`, async () => {
        await expectLogin(await start((req) => req.setEncoding(encoding), host));
      });
    }

    it("utf8 loses nothing of JSON and of a form of texts; of a picture it does, and the answer says so", async () => {
      const app = await start((req) => req.setEncoding("utf8"), host);
      await expectJson(app);
      const { temporaryToken } = (await app.startLogin()).body;
      const asked = await app.complete(formOf({ temporaryToken, nickName: "小明" }));
      expect(asked.body.missing).to.deep.equal(["avatarUrl"]);
      const refused = await app.complete(formOf({ temporaryToken: asked.body.temporaryToken }, PICTURES.png));
      expect([refused.status, refused.body]).to.deep.equal([400, lost("utf8")]);
      expect(app.hostErrors).to.deep.equal([]);
    });

    for (const encoding of ["ascii", "utf16le"] as const) {
      it(`${encoding} can lose bytes of anything: the answer says so`, async () => {
        const app = await start((req) => req.setEncoding(encoding), host);
        const { temporaryToken } = { temporaryToken: "A".repeat(43) };
        const answers = [
          await app.startLogin(),
          await app.complete(formOf({ temporaryToken }, PICTURES.png)),
        ];
        for (const { status, body } of answers) expect([status, body]).to.deep.equal([400, lost(encoding)]);
      });
    }

    it("a body that is too large for JSON is refused as ever", async () => {
      const { url } = await start((req) => req.setEncoding("hex"), host);
      const { body } = await send(`${url}/wx/login`, " ".repeat(16385));
      expect(body.error.message).to.equal("The request body is larger than 16384 bytes.");
      const chunked = new Blob([" ".repeat(100_000)]).stream();
      const init = { method: "POST", body: chunked, duplex: "half" } as RequestInit;
      expect((await ask(`${url}/wx/login`, init)).body).to.deep.equal(body);
    });
  });

  describe(`a body that was read before, on ${host}`, () => {
    async function bytesOf(req: IncomingMessage): Promise<Buffer> {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk);
      return Buffer.concat(chunks);
    }
    const readers: Record<string, (bytes: Buffer) => unknown> = {
      "a Buffer": (bytes) => bytes,
      "a Uint8Array": (bytes) => new Uint8Array(bytes),
      "a part of a larger Uint8Array": (bytes) =>
        new Uint8Array(Buffer.concat([Buffer.from("{"), bytes, Buffer.from("}")])).subarray(
          1,
          bytes.length + 1,
        ),
    };
    for (const [name, made] of Object.entries(readers)) {
      it(`and left as ${name} is taken like the stream`, async () => {
        await expectLogin(
          await start(async (req) => {
            req.body = made(await bytesOf(req));
          }, host),
        );
      });
    }

    it("and left as a string is taken where it was text", async () => {
      const app = await start(async (req) => {
        req.body = (await bytesOf(req)).toString();
      }, host);
      await expectJson(app);
      const { temporaryToken } = (await app.startLogin()).body;
      const texts = await app.complete(formOf({ temporaryToken, nickName: "小明" }));
      expect(texts.body.missing).to.deep.equal(["avatarUrl"]);
      const refused = await app.complete(formOf({ temporaryToken: texts.body.temporaryToken }, PICTURES.png));
      expect([refused.status, refused.body]).to.deep.equal([400, lost("utf8")]);
    });

    it("is refused for what is wrong in it, as in the stream", async () => {
      const { url, complete, phone } = await start(async (req) => {
        req.body = await bytesOf(req);
      }, host);
      const messages: Record<string, string> = {
        "": "The request body is empty.",
        "{": "The request body is not JSON in UTF-8.",
        "[1]": "The request body must be a JSON object.",
        [" ".repeat(16385)]: "The request body is larger than 16384 bytes.",
      };
      for (const [text, message] of Object.entries(messages)) {
        expect((await send(`${url}/wx/login`, text)).body).to.deep.equal(
          errorBody("invalid_request", message),
        );
      }
      const wrong = await complete(formOf({ temporaryToken: phone.openid }, PICTURES.png, { name: "file" }));
      const message = "A file must be called avatar.";
      expect(wrong.body).to.deep.equal(errorBody("invalid_request", message));
    });

    it("is taken from the stream where the Buffer in req.body is empty", async () => {
      await expectLogin(
        await start((req) => {
          req.body = Buffer.alloc(0);
        }, host),
      );
    });

    const EMPTIED = errorBody(
      "invalid_request",
      "The request body must be a JSON object, but a middleware has read it and left no req.body: mount the login before it.",
    );
    for (const [name, middleware] of Object.entries<Middleware>({
      wholly: bytesOf,
      "and is still being read": async (req) => {
        req.on("data", () => {});
        await new Promise((resolve) => setTimeout(resolve, 50));
      },
    })) {
      it(`and is left nowhere (${name}) is the host's mistake: the errors name it`, async () => {
        const { startLogin, complete, hostErrors } = await start(middleware, host);
        const { status, body } = await startLogin();
        expect([status, body]).to.deep.equal([400, EMPTIED]);
        expect((await complete(formOf({}, PICTURES.png))).body).to.deep.equal({ host: "error" });
        expect(hostErrors.map(String)).to.deep.equal([
          "Error: wechatLogin: the form was read by another parser (multer, …): mount the login before it.",
        ]);
      });
    }
  });
}

describe("behind Express' own parsers", () => {
  it("express.raw leaves a Buffer, of JSON and of forms", async () => {
    await expectLogin(await start(expressOf(express.raw({ type: "*/*", limit: "3mb" })), "Express"));
  });

  it("express.text leaves a string", async () => {
    await expectJson(await start(expressOf(express.text({ type: "*/*" })), "Express"));
  });

  it("express.json leaves what it has parsed, and that is looked at like the stream's", async () => {
    const { url } = await start(expressOf(express.json({ strict: false })), "Express");
    for (const [text, message] of [
      ["{}", "code is missing."],
      ["5", "The request body must be a JSON object."],
      ["null", "The request body must be a JSON object."],
    ] as const) {
      expect((await send(`${url}/wx/login`, text)).body).to.deep.equal(errorBody("invalid_request", message));
    }
  });

  it("express.urlencoded leaves an object, which counts as JSON does", async () => {
    const { url, phone } = await start(expressOf(express.urlencoded({ extended: true })), "Express");
    const body = new URLSearchParams({ code: phone.login().code });
    expect((await ask(`${url}/wx/login`, { method: "POST", body })).body.status).to.equal("incomplete");
  });
});

describe("a body of another kind", () => {
  const cure = 'send JSON, with "content-type": "application/json".';
  for (const [type, form, body] of [
    ["application/x-www-form-urlencoded", "x-www-form-urlencoded", "code=c"],
    ["application/x-www-form-urlencoded;charset=UTF-8", "x-www-form-urlencoded", "code=c"],
    ["form-data", "form-data", "code=c"],
    ["application/form-data", "form-data", "code=c"],
    [
      "Multipart/Form-Data; boundary=X",
      "form-data",
      '--X\r\nContent-Disposition: form-data; name="code"\r\n\r\nc\r\n--X--',
    ],
  ] as const) {
    it(`${type} is told that JSON is wanted`, async () => {
      const { url } = await start(() => {}, "Express");
      const answer = await send(`${url}/wx/login`, body, { "Content-Type": type });
      const message = `The request body is not JSON in UTF-8, but a form (${form}): ${cure}`;
      expect([answer.status, answer.body]).to.deep.equal([400, errorBody("invalid_request", message)]);
    });

    it(`${type} that is JSON all the same is taken`, async () => {
      const { url, phone } = await start(() => {}, "Express");
      const answer = await send(`${url}/wx/login`, JSON.stringify(phone.login()), { "Content-Type": type });
      expect(answer.body.status).to.equal("incomplete");
    });
  }

  it("multipart/form-data without a boundary, as wx.request sends it, is told what to do", async () => {
    const { complete } = await start(() => {}, "Express");
    const answer = await complete('{"temporaryToken":"t"}', { "Content-Type": "multipart/form-data" });
    const message = "The form has no boundary: send JSON by wx.request, or a file by wx.uploadFile.";
    expect([answer.status, answer.body]).to.deep.equal([400, errorBody("invalid_request", message)]);
  });
});
