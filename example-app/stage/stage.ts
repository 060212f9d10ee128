import { AsyncLocalStorage } from "node:async_hooks";
import express, { type ErrorRequestHandler } from "express";
import type { Identity } from "express-wechat-login";
import type { WechatSimulator } from "express-wechat-login/simulator";
import type { Accounts } from "../accounts.ts";
import type { openAvatars } from "../avatars.ts";
import type { UserToSave } from "../user.ts";
import { openUsers } from "../users.ts";
import { stageLogins } from "./logins.ts";
import { messages } from "./messages.ts";
import { ownPageOnly } from "./own-page.ts";
import { people } from "./people.ts";
import { phoneApi } from "./phone-api.ts";
import { openRedis } from "./redis.ts";
import { sceneApi } from "./scene-api.ts";
import { secretBox } from "./secret-box.ts";
import { watchHttp } from "./watch-http.ts";
import { watchProcessStore } from "./watch-server.ts";

/** What the phone page needs of the example. */
export interface StageOptions {
  accounts: Accounts & { simulator: WechatSimulator };
  avatars: ReturnType<typeof openAvatars>;
  /** Where the browser finds the example. */
  publicUrl: string;
  redisUrl: string | undefined;
}

const PAGES = `${import.meta.dirname}/public`;
/** Nothing but our own files: it works offline. */
const POLICY = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'";

/**
 * The phone page: the simulated phones beside real logins, and all that these say to each other. Users are in memory, apart
 * from those of the example.
 */
export async function openStage({ accounts, avatars, publicUrl, redisUrl }: StageOptions) {
  const box = secretBox();
  for (const account of [accounts.miniProgram, accounts.officialAccount, accounts.website]) {
    if (account) box.lock("AppSecret", account.secret);
  }
  const told = messages(box);
  const redis = await openRedis(redisUrl);
  const persons = people(accounts.simulator, `${publicUrl}/stage/avatars`);
  const scene = { isHanging: false };
  let users = openUsers(":memory:");

  const callbackUrl = `${publicUrl}/stage/web/callback`;
  const { miniPrograms, web } = stageLogins({
    ...{ accounts, avatars, callbackUrl, redis, told, box },
    users: {
      find: (identity: Identity) => users.find(identity),
      save: (user: UserToSave) => users.save(user),
    },
    beforeWechat: () => scene.isHanging && accounts.simulator.bendNext({ fault: "hang" }),
  });

  async function forgetUsers(): Promise<void> {
    await users.close();
    users = openUsers(":memory:");
  }

  const requests = new AsyncLocalStorage<true>();
  const stopWatching = redis ? () => {} : watchProcessStore(told, () => requests.getStore() === true);

  const logins = express.Router();
  logins.use(express.json({ limit: "16kb" }), watchHttp(told));
  logins.use((_req, _res, next) => requests.run(true, next));
  for (const { path, router } of miniPrograms) logins.use(path, router);
  logins.use("/web", web);
  logins.get("/me", web.requireLogin, (req, res) => {
    res.json(web.userOf(req));
  });

  const router = express.Router();
  const ownPage = ownPageOnly(publicUrl);
  router.use("/stage", ownPage);
  router.get("/", ownPage, (_req, res) => {
    res.set("Content-Security-Policy", POLICY).sendFile(`${PAGES}/index.html`);
  });
  router.use("/stage", express.static(PAGES));
  router.use("/stage", sceneApi({ ...{ told, redis, box, scene, forgetUsers }, users: () => users.all() }));
  router.use("/stage", phoneApi(persons, told, String(accounts.authorizeBaseUrl)));
  router.use("/stage", logins);
  router.use("/stage", failed);

  return {
    router,
    async close(): Promise<void> {
      told.close();
      stopWatching();
      await users.close();
      await redis?.close();
    },
  };
}

/** What a host's own error handler may answer: where Redis is away, for example. */
const failed: ErrorRequestHandler = (error: Error, _req, res, _next) => {
  res.status(500).json({ error: { code: "internal_error", message: error.message } });
};
