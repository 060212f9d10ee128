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
const RETURN_TO = 'wechatWebLogin: "returnTo" must be a path of the own origin.';
const REQUIRE = 'wechatWebLogin: "require" must be an array of "unionid", "nickName", "avatarUrl".';

describe("the options of the web login", () => {
  const cases: [object, string][] = [
    [{ website: undefined }, 'wechatWebLogin: "officialAccount" or "website" is needed, or both.'],
    [{ website: null }, WEBSITE],
    [{ website: "wx1" }, WEBSITE],
    [{ website: { appId: "wx1" } }, WEBSITE],
    [{ website: { appId: "", secret: "s" } }, WEBSITE],
    [{ website: { appId: "wx1", secret: "s", scope: "snsapi_base" } }, WEBSITE],
    [{ officialAccount: { appId: "wx1", secret: "s", scope: "snsapi_login" } }, ACCOUNT],
    [{ officialAccount: { secret: "s" } }, ACCOUNT],
    [{ officialAccount: { appId: "wx1", secret: "s", other: 1 } }, ACCOUNT],
    [{ callbackUrl: undefined }, CALLBACK],
    [{ callbackUrl: "/web/callback" }, CALLBACK],
    [{ callbackUrl: "https://shop.example/#a" }, CALLBACK],
    [{ callbackUrl: "ftp://shop.example/" }, CALLBACK],
    [{ returnTo: "//evil.example" }, RETURN_TO],
    [{ returnTo: 1 }, RETURN_TO],
    [{ require: ["phoneNumber"] }, REQUIRE],
    [{ require: "unionid" }, REQUIRE],
    [
      { authorizeBaseUrl: "open" },
      'wechatWebLogin: "authorizeBaseUrl" must be an http or https URL without a user name, a query and a fragment.',
    ],
    [{ findUser: undefined }, 'wechatWebLogin: "findUser" must be a function.'],
    [{ appId: "wx1" }, 'wechatWebLogin: there is no option "appId".'],
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
    const web = wechatWebLogin({ ...good(), session: false });
    const next = sinon.spy();
    await web.requireLogin({ headers: {} } as never, {} as never, next);
    expect(next.firstCall.firstArg.message).to.include(
      "there are no sessions to look at with session: false",
    );
  });
});
