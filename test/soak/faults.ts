import { setTimeout as pause } from "node:timers/promises";
import type { WechatSimulator } from "../../lib/simulator/index.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";

const BENDS = [
  ...[
    { errcode: -1 },
    { errcode: 45011 },
    { errcode: 40029 },
    { status: 502 },
    { body: "<html>" },
    { delay: 300 },
  ],
  ...([{ fault: "reset" }, { fault: "hang" }] as const),
];

/** What is done to Redis and WeChat, at random, until it is stopped. */
export function faults(wechat: WechatSimulator, first: RedisServer) {
  let redis = first;
  let isOn = true;
  let lastRedisFault = 0;
  const counts: Record<string, number> = {};
  const any = (limit: number) => Math.floor(Math.random() * limit);

  const acts: Record<string, () => Promise<void>> = {
    async "WeChat answers badly"() {
      const bend = BENDS[any(BENDS.length)] ?? {};
      for (let count = any(15); count >= 0; count--) wechat.bendNext(bend);
    },
    async "access_tokens are ended"() {
      wechat.endAccessTokens();
    },
    async "Redis freezes"() {
      lastRedisFault = Date.now() + 1500;
      process.kill(redis.pid, "SIGSTOP");
      await pause(1500);
      process.kill(redis.pid, "SIGCONT");
    },
    async "Redis restarts, empty"() {
      lastRedisFault = Date.now() + 500;
      await redis.stop();
      await pause(300);
      redis = await startRedis([], redis.port);
      lastRedisFault = Date.now();
    },
  };

  const running = (async () => {
    while (isOn) {
      await pause(500 + any(1500));
      const names = Object.keys(acts);
      // WeChat is more often to blame than Redis.
      const name = String(names[any(10) < 7 ? any(2) : 2 + any(2)]);
      counts[name] = (counts[name] ?? 0) + 1;
      await acts[name]?.();
    }
  })();

  return {
    counts,
    /** Whether Redis is away, or was a moment ago: then the host's error handler may answer. */
    redisIsShaky: () => Date.now() - lastRedisFault < 3000,
    async stop() {
      isOn = false;
      await running;
      return redis;
    },
  };
}
