import { expect } from "chai";
import sinon from "sinon";
import { startApp, userTable } from "../support/login-app.ts";

const HOST_ERROR = { host: "error" };

/** A host whose database fails once, at the nth call of this callback. */
function failingTable(callback: "findUser" | "saveUser", nth: number) {
  const table = userTable();
  const works = table[callback] as (argument: never) => Promise<unknown>;
  let calls = 0;
  const flaky = sinon.spy(async (argument: never) => {
    calls += 1;
    if (calls === nth) throw new Error("the database is down");
    return await works(argument);
  });
  return { ...table, [callback]: flaky } as typeof table;
}

describe("a database that fails", () => {
  for (const callback of ["findUser", "saveUser"] as const) {
    it(`in ${callback} at POST /login costs the code, and a new wx.login signs in`, async () => {
      const { findUser, saveUser } = failingTable(callback, 1);
      const { post, wechat } = await startApp({ findUser, saveUser });
      const phone = wechat.phone({ unionid: "u1" });
      const { code } = phone.login();
      expect((await post("/wx/login", { code })).body).to.deep.equal(HOST_ERROR);
      expect((await post("/wx/login", { code })).body.error.code).to.equal("invalid_code");
      expect((await post("/wx/login", phone.login())).body).to.deep.equal({ status: "signed_in" });
    });

    it(`in ${callback} at POST /login/complete costs nothing: the same request signs in`, async () => {
      const { findUser, saveUser } = failingTable(callback, callback === "findUser" ? 2 : 1);
      const { post, wechat } = await startApp({ findUser, saveUser });
      const phone = wechat.phone({ unionid: "u1", unionidAtLogin: false });
      const { temporaryToken } = (await post("/wx/login", phone.login())).body;
      const body = { temporaryToken, ...phone.getUserInfo() };
      expect((await post("/wx/login/complete", body)).body).to.deep.equal(HOST_ERROR);
      expect((await post("/wx/login/complete", body)).body).to.deep.equal({ status: "signed_in" });
    });
  }
});
