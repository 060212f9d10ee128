import { expect } from "chai";
import { openAccounts } from "../../example-app/accounts.ts";

const APP = { WECHAT_APP_ID: "wx1", WECHAT_SECRET: "s" };
const problem = (env: NodeJS.ProcessEnv) =>
  openAccounts(env).then(
    () => "",
    ({ message }) => message,
  );

describe("the accounts of the example", () => {
  it("are those of the environment", async () => {
    const { miniProgram, simulator } = await openAccounts({ ...APP, NODE_ENV: "production" });
    expect([miniProgram, simulator]).to.deep.equal([{ appId: "wx1", secret: "s" }, undefined]);
    expect(await problem({ WECHAT_APP_ID: "wx1" })).to.include("set WECHAT_SECRET, too");
  });

  it("are never simulated in production", async () => {
    expect(await problem({ NODE_ENV: "production" })).to.equal(
      "Set WECHAT_APP_ID and WECHAT_SECRET: the simulated WeChat is not for production",
    );
  });
});
