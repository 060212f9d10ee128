import { type Account, type WechatSimulator, wechatSimulator } from "express-wechat-login/simulator";

/** Who the example is at WeChat: a Mini Program, and perhaps an Official Account and a website application. */
export interface Accounts {
  miniProgram: Account;
  officialAccount?: Account | undefined;
  website?: Account | undefined;
  /** Where WeChat's API is, and where its authorise pages are, if not at their usual places: other hosts have the API only. */
  baseUrl?: string | undefined;
  authorizeBaseUrl?: string | undefined;
  simulator?: WechatSimulator;
}

const SIMULATED = {
  miniProgram: { appId: "wx0000000000000000", secret: "simulated-secret" },
  officialAccount: { appId: "wx1111111111111111", secret: "simulated-official-secret" },
  website: { appId: "wx2222222222222222", secret: "simulated-website-secret" },
};

/**
 * The accounts in the environment; a simulated WeChat where there are none.
 *
 * @throws {Error} where there are none in production: anyone can log in as anyone at the simulator
 */
export async function openAccounts(env: NodeJS.ProcessEnv): Promise<Accounts> {
  const baseUrl = env.WECHAT_BASE_URL;
  const miniProgram = accountIn(env, "WECHAT");
  if (miniProgram) {
    const web = {
      officialAccount: accountIn(env, "WECHAT_OFFICIAL"),
      website: accountIn(env, "WECHAT_WEBSITE"),
    };
    return { miniProgram, ...web, baseUrl, authorizeBaseUrl: env.WECHAT_AUTHORIZE_BASE_URL };
  }
  if (env.NODE_ENV === "production") {
    throw new Error("Set WECHAT_APP_ID and WECHAT_SECRET: the simulated WeChat is not for production");
  }
  const { miniProgram: own, ...web } = SIMULATED;
  const simulator = await wechatSimulator({ ...own, ...web });
  return { ...SIMULATED, baseUrl: simulator.baseUrl, authorizeBaseUrl: simulator.baseUrl, simulator };
}

function accountIn(env: NodeJS.ProcessEnv, prefix: string): Account | undefined {
  const [appId, secret] = [env[`${prefix}_APP_ID`], env[`${prefix}_SECRET`]];
  if (appId === undefined) return undefined;
  if (secret === undefined) throw new Error(`${prefix}_APP_ID is set: set ${prefix}_SECRET, too`);
  return { appId, secret };
}
