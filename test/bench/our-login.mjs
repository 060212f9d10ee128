import { Redis } from "ioredis";
// Built, as a host gets it.
import { wechatLogin } from "../../dist/index.js";
import { APP_ID, SECRET } from "./people.mjs";

const UNBOUND = { id: 1 };

/**
 * Our login with the callbacks of the other targets: everybody is new at the first request, and nobody's user costs anything.
 * The guard has to find somebody: whoever has a session has a user.
 */
export function login({ WECHAT_URL, REDIS_URL, RATE_LIMIT, NO_SESSION, fetch }) {
  return wechatLogin({
    appId: APP_ID,
    secret: SECRET,
    baseUrl: WECHAT_URL,
    fetch,
    redis: new Redis(REDIS_URL),
    rateLimit: RATE_LIMIT ? { limit: 1_000_000_000, window: 60 } : false,
    ...(NO_SESSION && { session: false }),
    findUser: async () => UNBOUND,
    saveUser: async () => {},
  });
}
