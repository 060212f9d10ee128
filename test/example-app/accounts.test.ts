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

  it("leave WeChat's pages where they are if only its API is elsewhere: the other hosts have no pages", async () => {
    const api = { ...APP, WECHAT_BASE_URL: "https://api2.weixin.qq.com" };
    const only = await openAccounts(api);
    expect([only.baseUrl, only.authorizeBaseUrl]).to.deep.equal(["https://api2.weixin.qq.com", undefined]);
    const both = await openAccounts({ ...api, WECHAT_AUTHORIZE_BASE_URL: "http://127.0.0.1:3001" });
    expect(both.authorizeBaseUrl).to.equal("http://127.0.0.1:3001");
  });

  it("are never simulated in production", async () => {
    expect(await problem({ NODE_ENV: "production" })).to.equal(
      "Set WECHAT_APP_ID and WECHAT_SECRET: the simulated WeChat is not for production",
    );
  });
});
