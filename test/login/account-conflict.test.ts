import { expect } from "chai";
import { AccountConflictError, type Identity, WechatLoginError } from "../../lib/index.ts";
import { errorBody } from "../support/error-body.ts";
import { startApp } from "../support/login-app.ts";

const CONFLICT = errorBody(
  "account_conflict",
  "This WeChat account belongs to two different users: ask the operator to merge them.",
);

describe("an openid and a unionid of two different users", () => {
  const findUser = ({ unionid }: Identity) => {
    if (unionid !== undefined) throw new AccountConflictError();
    return undefined;
  };

  it("are told as account_conflict, and nothing is saved", async () => {
    const { wechat, post, saveUser, hostErrors } = await startApp({ findUser });
    const { status, body } = await post("/wx/login", wechat.phone({ unionid: "u1" }).login());
    expect([status, body]).to.deep.equal([409, CONFLICT]);
    expect([saveUser.called, hostErrors]).to.deep.equal([false, []]);
  });

  it("are told as well where the unionid comes with the second request, and the token stays good", async () => {
    const { wechat, post, saveUser } = await startApp({ findUser });
    const phone = wechat.phone({ unionid: "u1", unionidAtLogin: false });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    for (const _ of [1, 2]) {
      const { status, body } = await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
      expect([status, body]).to.deep.equal([409, CONFLICT]);
    }
    expect(saveUser.called).to.equal(false);
  });

  it("may be told in the host's own words", () => {
    const error = new AccountConflictError("Call us.");
    expect(error)
      .to.be.instanceOf(WechatLoginError)
      .and.include({ name: "AccountConflictError", status: 409 });
    expect(error.toJSON()).to.deep.equal(errorBody("account_conflict", "Call us."));
  });
});
