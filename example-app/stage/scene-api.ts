import express, { type Router } from "express";
import type { Messages } from "./messages.ts";
import type { StageRedis } from "./redis.ts";
import type { SecretBox } from "./secret-box.ts";
import { forgetKeys, storedKeys } from "./stored.ts";

/** What the scene is made of. */
export interface SceneParts {
  told: Messages;
  redis: StageRedis | undefined;
  box: SecretBox;
  /** Whether WeChat answers nothing from now on. */
  scene: { isHanging: boolean };
  users(): Promise<object[]>;
  forgetUsers(): Promise<void>;
}

/** What goes on around the logins: what they say, what is stored, and the faults that the page can make. */
export function sceneApi({ told, redis, box, scene, users, forgetUsers }: SceneParts): Router {
  const router = express.Router();

  /** What is stored, and who is up. */
  async function shown(): Promise<object> {
    const kind = redis?.kind ?? "process";
    const keys = redis && (await storedKeys(redis.client, redis.keyPrefix, box));
    const text = box.hide(JSON.stringify(await users()));
    return { redis: { kind, isUp: redis?.isUp() ?? true }, ...scene, users: JSON.parse(text), keys };
  }

  const changes: Record<string, () => unknown> = {
    "/redis/away": () => redis?.takeAway(),
    "/redis/back": () => redis?.bringBack(),
    "/wechat/hangs": () => Object.assign(scene, { isHanging: true }),
    "/wechat/answers": () => Object.assign(scene, { isHanging: false }),
    "/forget": async () => {
      if (redis?.isUp()) await forgetKeys(redis.client, redis.keyPrefix);
      await forgetUsers();
    },
  };

  router.get("/messages", (_req, res) => told.stream(res));
  router.get("/scene", async (_req, res) => {
    res.set("Cache-Control", "no-store").json(await shown());
  });
  for (const [path, change] of Object.entries(changes)) {
    router.post(path, async (_req, res) => {
      await change();
      told.tellChange();
      res.json(await shown());
    });
  }
  return router;
}
