import express, { type Request, type Router } from "express";
import { answerWith } from "../http/answers.ts";
import { readJsonBody } from "../http/json-body.ts";
import { inProcessStore } from "../storage/in-process-store.ts";
import { oneTimeTokens } from "../storage/one-time-tokens.ts";
import { redisStore } from "../storage/redis-store.ts";
import { code2Session } from "../wechat/code2session.ts";
import { wechatRequest } from "../wechat/request.ts";
import { readCode, readCompletion } from "./input.ts";
import { type Identity, loginFlow, type PendingLogin } from "./login-flow.ts";
import { checkOptions, type StoredUser, type WechatLoginOptions } from "./options.ts";
import type { Requirement } from "./requirements.ts";
import { openUserData } from "./user-data.ts";

/**
 * The login of a WeChat Mini Program (小程序登录) as an Express router: `POST /login` and `POST /login/complete`.
 *
 * @example
 * app.use("/wx", wechatLogin({ appId, secret, redis, findUser, saveUser }));
 *
 * @param options see the options table in the README
 * @throws {TypeError} at creation, where an option is missing or wrong
 * @see https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/login.html
 */
export function wechatLogin<
  User extends StoredUser<Required>,
  const Required extends readonly Requirement[] = readonly ["unionid"],
>(options: WechatLoginOptions<User, Required>): Router {
  const settings = checkOptions(options);
  const { appId, secret, redis, keyPrefix, temporaryTokenTtl, userDataMaxAge } = settings;
  const store = redis ? redisStore(redis) : inProcessStore();
  const findUser = async (identity: Identity) =>
    settings.findUser(identity) as Promise<User | null | undefined>;

  /** The answer to a client that has signed in. */
  async function signIn(identity: Identity, req: Request, found: object | null | undefined) {
    const signedIn = { status: "signed_in" } as const;
    if (!settings.onLogin) return signedIn;
    const user = found ?? (await findUser(identity));
    if (!user) throw new Error("wechatLogin: findUser finds nobody where saveUser has just stored someone.");
    return Object.assign({ status: "" }, await settings.onLogin(user, { identity, req }), signedIn);
  }

  const flow = loginFlow<Request>({
    appId,
    require: settings.require,
    temporaryTokenTtl,
    code2Session: code2Session({ appId, secret, request: wechatRequest(settings) }),
    openUserData: (userData, pending) => openUserData(userData, { appId, ...pending }, userDataMaxAge),
    findUser,
    saveUser: async (user) => settings.saveUser(user as never),
    signIn,
    temporaryTokens: oneTimeTokens<PendingLogin>(store, `${keyPrefix}${appId}:pending:`, temporaryTokenTtl),
  });

  const answer = answerWith(settings.onError);
  const router = express.Router();
  router.post(
    "/login",
    answer(async (req) => flow.start(readCode(await readJsonBody(req)), req)),
  );
  router.post(
    "/login/complete",
    answer(async (req) => {
      const { temporaryToken, input } = readCompletion(await readJsonBody(req));
      return flow.complete(temporaryToken, input, req);
    }),
  );
  return router;
}
