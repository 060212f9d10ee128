import { expect } from "chai";
import sinon from "sinon";
import { wechatWebLogin } from "../../lib/index.ts";
import { redis } from "../support/login-app.ts";

const good = () => ({
  website: { appId: "wx1", secret: "s" },
  callbackUrl: "https://shop.example/web/callback",
  redis: redis(),
  findUser: () => null,
  saveUser: () => {},
});

/** The sentence that these options are refused with. */
function refusalOf(options: object): string {
  try {
    wechatWebLogin(options as Parameters<typeof wechatWebLogin>[0]);
  } catch (error) {
    expect(error).to.be.instanceOf(TypeError);
    return (error as Error).message;
  }
  throw new Error("The options were taken.");
}

const WEBSITE = 'wechatWebLogin: "website" must be an object with appId and secret.';
const ACCOUNT = 'wechatWebLogin: "officialAccount" must be an object with appId, secret and perhaps a scope.';
const CALLBACK =
  'wechatWebLogin: "callbackUrl" must be the http or https URL of GET /callback, without a fragment.';
const UNSET = 'is the environment variable set? Node reads a .env file only with "node --env-file=.env".';
const AROUND = "It has blanks, quotes or a line break around it: remove them.";
const SCHEME = "Begin it with http:// or https://.";
const RETURN_TO = 'wechatWebLogin: "returnTo" must be a path of the own origin.';
const REQUIRE = 'wechatWebLogin: "require" must be an array of "unionid", "nickName", "avatarUrl".';

describe("the options of the web login", () => {
  const cases: [object, string][] = [
    [{ website: undefined }, 'wechatWebLogin: "officialAccount" or "website" is needed, or both.'],
    [{ website: null }, WEBSITE],
    [{ website: "wx1" }, WEBSITE],
    [
      { website: { appId: "wx1" } },
      `${WEBSITE} Its "secret" must be a string of letters and digits. It is undefined: ${UNSET}`,
    ],
    [
      { website: { appId: "", secret: "s" } },
      `${WEBSITE} Its "appId" must be a string of letters and digits. It is empty: ${UNSET}`,
    ],
    [
      { website: { appId: "s", secret: "wx0123456789abcdef" } },
      `${WEBSITE} Its "secret" must be a string of letters and digits. It looks like an AppID: are appId and secret swapped?`,
    ],
    [
      { website: { appId: "wx1", appSecret: "s" } },
      `${WEBSITE} There is no "appSecret" in it: did you mean "secret"?`,
    ],
    [
      { website: { appId: "wx1", secret: "s", scope: "snsapi_base" } },
      `${WEBSITE} There is no "scope" in it.`,
    ],
    [{ officialAccount: { appId: "wx1", secret: "s", scope: "snsapi_login" } }, ACCOUNT],
    [
      { officialAccount: { appId: "wx1\n", secret: "s" } },
      `${ACCOUNT} Its "appId" must be a string of letters and digits. ${AROUND}`,
    ],
    [{ officialAccount: { appId: "wx1", secret: "s", other: 1 } }, `${ACCOUNT} There is no "other" in it.`],
    [{ callbackUrl: undefined }, `${CALLBACK} It is undefined: ${UNSET}`],
    [{ callbackUrl: "/web/callback" }, `${CALLBACK} ${SCHEME}`],
    [{ callbackUrl: "shop.example/web/callback" }, `${CALLBACK} ${SCHEME}`],
    [{ callbackUrl: "https:/shop.example/web/callback" }, `${CALLBACK} ${SCHEME}`],
    [{ callbackUrl: "https://shop.example/web/callback " }, `${CALLBACK} ${AROUND}`],
    [{ callbackUrl: "https://shop.example/web/call back" }, CALLBACK],
    [{ callbackUrl: "https://shop.example/#a" }, CALLBACK],
    [{ callbackUrl: new URL("https://shop.example/web/callback") }, CALLBACK],
    [{ callbackUrl: "ftp://shop.example/" }, `${CALLBACK} ${SCHEME}`],
    [{ returnTo: "//evil.example" }, RETURN_TO],
    [{ returnTo: 1 }, RETURN_TO],
    [{ require: ["phoneNumber"] }, REQUIRE],
    [{ require: "unionid" }, `${REQUIRE} Write an array: ["unionid"].`],
    [
      { authorizeBaseUrl: "open" },
      'wechatWebLogin: "authorizeBaseUrl" must be an http or https URL without a user name, a query and a fragment. Begin it with http:// or https://.',
    ],
    [{ findUser: undefined }, 'wechatWebLogin: "findUser" must be a function. It is missing.'],
    [
      { appId: "wx1" },
      'wechatWebLogin: there is no option "appId": put it into "officialAccount" or "website".',
    ],
    [{ callbackURL: "" }, 'wechatWebLogin: there is no option "callbackURL": did you mean "callbackUrl"?'],
    // A request, as Express passes it where the factory itself is mounted; cookie-parser adds its secret to it.
    [
      { headers: {}, httpVersion: "1.1", secret: "cookie-secret" },
      'wechatWebLogin: it got a request in place of the options. Call it: app.use("/wx", wechatWebLogin({ … })).',
    ],
  ];
  for (const [given, sentence] of cases) {
    it(`${JSON.stringify(given)} is refused in a sentence`, () => {
      expect(refusalOf({ ...good(), ...given })).to.equal(sentence);
    });
  }

  it("both apps, every scope and slashes at the end are taken", () => {
    const officialAccount = { appId: "wx2", secret: "s" };
    const { website: _website, ...rest } = good();
    expect(() =>
      wechatWebLogin({ ...rest, officialAccount, authorizeBaseUrl: "http://127.0.0.1//" }),
    ).not.to.throw();
    expect(() =>
      wechatWebLogin({ ...good(), officialAccount: { ...officialAccount, scope: "snsapi_userinfo" } }),
    ).not.to.throw();
  });

  it("the guard cannot work without sessions, and says so", async () => {
    // As a JavaScript host would call it: the types have no guard then.
    const options: Parameters<typeof wechatWebLogin>[0] = { ...good(), session: false };
    const web = wechatWebLogin(options);
    const next = sinon.spy();
    await web.requireLogin({ headers: {} } as never, {} as never, next);
    expect(next.firstCall.firstArg.message).to.include(
      "there are no sessions to look at with session: false",
    );
  });
});
