import { type Requirement, wechatLogin, wechatWebLogin } from "express-wechat-login";
import type { Accounts } from "../accounts.ts";
import type { openAvatars } from "../avatars.ts";
import type { openUsers } from "../users.ts";
import type { Messages } from "./messages.ts";
import type { StageRedis } from "./redis.ts";
import type { SecretBox } from "./secret-box.ts";
import { watchedFetch, watchedRedis, watchedUsers } from "./watch-server.ts";

/** What the page can choose, and what each asks of a user. */
const SCENARIOS: Record<string, readonly Requirement[]> = {
  unionid: ["unionid"],
  profile: ["unionid", "nickName", "avatarUrl"],
  "phone-number": ["unionid", "phoneNumber"],
  openid: [],
};
/** Seconds that a temporary token is good: the usual, and so few that one can watch it expire. */
const TOKEN_TTLS = [300, 5];
const SESSION_TTL = 3600;
/** Milliseconds: nobody wants to watch a WeChat that hangs for longer. */
const TIMEOUT = 2000;

/** What the logins of the stage are made of. */
export interface LoginParts {
  accounts: Accounts;
  users: Pick<ReturnType<typeof openUsers>, "find" | "save">;
  avatars: ReturnType<typeof openAvatars>;
  /** As the browser sees it. */
  callbackUrl: string;
  redis: StageRedis | undefined;
  told: Messages;
  box: SecretBox;
  /** Called before each request to WeChat. */
  beforeWechat(): void;
}

/** The real logins, as any host makes them; each of their ports is watched. */
export function stageLogins({ accounts, avatars, redis, told, ...parts }: LoginParts) {
  const host = {
    ...watchedUsers(parts.users, told),
    redis: redis && watchedRedis(redis.client, told),
    fetch: watchedFetch(told, parts.box, parts.beforeWechat),
    baseUrl: accounts.baseUrl,
    timeout: TIMEOUT,
    ...(redis && { keyPrefix: redis.keyPrefix }),
    session: { name: "stage", ttl: SESSION_TTL },
    // Its command before each request would hide the story.
    rateLimit: false,
  } as const;
  const miniProgram = (required: readonly Requirement[], temporaryTokenTtl: number) =>
    wechatLogin({
      ...{ ...accounts.miniProgram, ...host, require: required, temporaryTokenTtl, saveAvatar: avatars.save },
      onLogin: (user: { id: number }) => ({ userId: user.id }),
    });

  return {
    /** By path: `wx-profile`, or `wx-profile-5s` for tokens that live so long. */
    miniPrograms: Object.entries(SCENARIOS).flatMap(([name, required]) =>
      TOKEN_TTLS.map((ttl, index) => ({
        path: index === 0 ? `/wx-${name}` : `/wx-${name}-${ttl}s`,
        router: miniProgram(required, ttl),
      })),
    ),
    web: wechatWebLogin({
      ...{ ...host, website: accounts.website, callbackUrl: parts.callbackUrl },
      ...{ authorizeBaseUrl: accounts.authorizeBaseUrl, returnTo: "/stage/me" },
      // A guard asks for what its login requires, and this one stands before a page of all scenarios.
      require: [],
    }),
  };
}
