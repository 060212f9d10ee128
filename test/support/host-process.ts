import { setTimeout as pause } from "node:timers/promises";
import express from "express";
import { Redis } from "ioredis";
import { openUsers } from "../../example-app/users.ts";
import { wechatLogin } from "../../lib/index.ts";

/**
 * A host in a process of its own: `node … <options as JSON>`. It prints its port, and "saving" whenever it is about to save
 * a user, for which it then takes `saveMs`.
 */
const { redisUrl, keyPrefix, baseUrl, file, saveMs, ...account } = JSON.parse(String(process.argv[2]));
const users = openUsers(file);
const app = express();
app.use(
  "/wx",
  wechatLogin({
    ...account,
    ...{ keyPrefix, baseUrl, redis: new Redis(redisUrl), findUser: users.find },
    async saveUser(user) {
      console.log("saving");
      await pause(saveMs);
      await users.save(user);
    },
  }),
);
const server = app.listen(0, "127.0.0.1", () => console.log((server.address() as { port: number }).port));
