import { Module } from "@nestjs/common";
import { type WechatLogin, type WechatWebLogin, wechatLogin, wechatWebLogin } from "express-wechat-login";
import { wechatSimulator } from "express-wechat-login/simulator";
import { Redis } from "ioredis";
import { type User, UsersService } from "./users.service.js";

/** The two routers, to be injected by these names. */
export const WX = Symbol("wechatLogin");
export const WEB = Symbol("wechatWebLogin");
export type Wx = WechatLogin<User>;
export type Web = WechatWebLogin<User>;

const HOST = Symbol("what both routers are given");
type Host = Awaited<ReturnType<typeof openHost>>;

const { PORT = "3000", PUBLIC_URL = `http://localhost:${PORT}`, NODE_ENV } = process.env;

const SIMULATED = {
  miniProgram: { appId: "wx0000000000000000", secret: "simulated" },
  website: { appId: "wx2222222222222222", secret: "simulated" },
};

function accountIn(prefix: string): { appId: string; secret: string } {
  const { [`${prefix}_APP_ID`]: appId, [`${prefix}_SECRET`]: secret } = process.env;
  if (!appId || !secret) throw new Error(`Set ${prefix}_APP_ID and ${prefix}_SECRET`);
  return { appId, secret };
}

/**
 * The accounts in the environment, a simulated WeChat where there are none; and the callbacks of the service.
 *
 * @throws {Error} where one of them is missing, or all are in production: anyone can log in as anyone at the simulator
 */
async function openHost(users: UsersService) {
  const { WECHAT_APP_ID, WECHAT_BASE_URL, WECHAT_AUTHORIZE_BASE_URL } = process.env;
  const isReal = WECHAT_APP_ID || NODE_ENV === "production";
  const { miniProgram, website } = isReal
    ? { miniProgram: accountIn("WECHAT"), website: accountIn("WEBSITE") }
    : SIMULATED;
  if (NODE_ENV === "production" && !process.env.PUBLIC_URL) {
    throw new Error("Set PUBLIC_URL to the website's own https address: WeChat sends its users back there.");
  }
  const simulator = isReal ? undefined : await wechatSimulator({ ...miniProgram, website });
  simulator?.phone({ unionid: "u1", nickName: "小明" });
  const { REDIS_URL } = process.env;
  return {
    miniProgram,
    website,
    authorizeBaseUrl: simulator?.baseUrl ?? WECHAT_AUTHORIZE_BASE_URL,
    common: {
      baseUrl: simulator?.baseUrl ?? WECHAT_BASE_URL,
      redis: REDIS_URL ? new Redis(REDIS_URL) : undefined,
      session: { name: "nestjs" },
      findUser: users.find.bind(users),
      saveUser: users.save.bind(users),
    },
  };
}

@Module({
  providers: [
    UsersService,
    { provide: HOST, inject: [UsersService], useFactory: openHost },
    {
      provide: WX,
      inject: [HOST],
      useFactory: ({ miniProgram, common }: Host): Wx => wechatLogin({ ...miniProgram, ...common }),
    },
    {
      provide: WEB,
      inject: [HOST],
      useFactory: ({ website, authorizeBaseUrl, common }: Host): Web =>
        wechatWebLogin({
          website,
          authorizeBaseUrl,
          callbackUrl: `${PUBLIC_URL}/api/web/callback`,
          ...common,
        }),
    },
  ],
  exports: [WX, WEB],
})
export class WechatModule {}
