import { expect } from "chai";
import { redis, startApp } from "../support/login-app.ts";
import { startWebApp } from "../support/web-app.ts";

/** What onLogin returned, as the client of `POST /login` and of `POST /profile` gets it. */
async function sentFor(onLogin: () => unknown) {
  const app = await startApp({ session: undefined, onLogin: onLogin as () => object });
  const answer = await app.post("/wx/login", app.wechat.phone({ openid: "o1", unionid: "u1" }).login());
  const saved = await app.post("/wx/profile", { nickName: "x" }, answer.body.sessionToken);
  return { ...app, answer, saved };
}

const circular: Record<string, unknown> = {};
circular.self = circular;

describe("what onLogin returns", () => {
  const secretive = {
    passwordHash: "secret",
    toJSON: () => ({ name: "Ada" }),
  };
  class Model {
    dataValues = { passwordHash: "secret" };
    toJSON() {
      return { name: "Ada" };
    }
  }
  const objects: Record<string, [returned: unknown, sent: object]> = {
    "an object": [{ name: "Ada" }, { name: "Ada" }],
    "a document, by its toJSON": [secretive, { name: "Ada" }],
    "a model, by the toJSON of its class": [new Model(), { name: "Ada" }],
    "a document inside": [{ user: secretive }, { user: { name: "Ada" } }],
    "a date inside": [{ at: new Date(0) }, { at: "1970-01-01T00:00:00.000Z" }],
    "nothing inside": [{ a: undefined, b: null }, { b: null }],
    "a toJSON that says nothing": [{ toJSON: () => undefined }, {}],
    "a toJSON that is a text": [{ toJSON: "x" }, { toJSON: "x" }],
    "names that are ours": [
      { status: "mine", sessionToken: "mine", expiresIn: 1, name: "Ada" },
      { name: "Ada" },
    ],
    "an error, which would make a failure of the answer": [
      { error: { code: "x" }, name: "Ada" },
      { name: "Ada" },
    ],
    "toJSON with names that are ours": [{ toJSON: () => ({ status: "mine", sessionToken: "mine" }) }, {}],
    "a prototype": [JSON.parse('{"__proto__":{"status":"mine"},"name":"Ada"}'), { name: "Ada" }],
    undefined: [undefined, {}],
    null: [null, {}],
    false: [false, {}],
    "an empty text": ["", {}],
  };
  for (const [name, [returned, sent]] of Object.entries(objects)) {
    it(`is sent as res.json would send it: ${name}`, async () => {
      const { answer, saved, me } = await sentFor(() => returned);
      const { status, sessionToken, expiresIn, ...extras } = answer.body;
      expect([status, expiresIn, extras]).to.deep.equal(["signed_in", 30 * 24 * 60 * 60, sent]);
      expect((await me(sessionToken)).status).to.equal(200);
      expect([saved.status, saved.body.status]).to.deep.equal([200, "saved"]);
      expect(saved.body).to.include(name.includes("inside") ? {} : sent);
    });
  }

  const mistakes: Record<string, [returned: unknown, what: string]> = {
    "an array": [[{ name: "Ada" }], "an array"],
    "a text": ["Ada", "a string"],
    "a boxed text": [Object("Ada"), "a string"],
    "a date": [new Date(0), "a string"],
    "a number": [7, "a number"],
    true: [true, "true"],
    "a function": [() => ({}), "a function"],
    "a class": [class Ada {}, "a function"],
    "a symbol": [Symbol("x"), "a symbol"],
    "a bigint": [7n, "something that is no JSON (Do not know how to serialize a BigInt)"],
    "a bigint inside": [{ id: 7n }, "something that is no JSON (Do not know how to serialize a BigInt)"],
    "a circle": [circular, "something that is no JSON (Converting circular structure to JSON)"],
    "toJSON that is an array": [{ toJSON: () => [1] }, "an array"],
    "toJSON that is a text": [{ toJSON: () => "Ada" }, "a string"],
  };
  for (const [name, [returned, what]] of Object.entries(mistakes)) {
    it(`begins no session where it cannot stand beside status: ${name}`, async () => {
      const { answer, hostErrors, keys } = await sentFor(() => returned);
      expect([answer.status, answer.body]).to.deep.equal([500, { host: "error" }]);
      expect(Object(hostErrors[0]).message).to.equal(
        `wechatLogin: onLogin returned ${what}. It must return an object for the client, or nothing.`,
      );
      expect(await keys()).to.deep.equal([]);
    });
  }

  it("fails with the host's own Error where its toJSON throws one", async () => {
    const fault = new Error("mine");
    const toJSON = () => {
      throw fault;
    };
    expect((await sentFor(() => ({ toJSON }))).hostErrors[0]).to.equal(fault);
  });

  it("may hold a sessionToken of the host's own where there are no sessions of ours", async () => {
    const { wechat, post } = await startApp({ onLogin: () => ({ sessionToken: "mine" }) });
    const { body } = await post("/wx/login", wechat.phone({ unionid: "u1" }).login());
    expect(body).to.deep.equal({ status: "signed_in", sessionToken: "mine" });
  });

  it("is sent to nobody by the web login, and may be anything there", async () => {
    for (const returned of [7n, [1], "x", circular]) {
      const { wechat, browser, keyPrefix } = await startWebApp({ onLogin: () => returned });
      const tab = browser();
      const back = await tab.open(wechat.phone({ unionid: "u1" }).authorize(await tab.start()));
      expect([back.status, back.location]).to.deep.equal([302, "/"]);
      expect(await redis().keys(`${keyPrefix}*:web-sessions:*`)).to.have.length(1);
    }
  });
});
