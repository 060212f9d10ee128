import type { Request } from "express";
import { asError } from "../as-error.ts";
import { WechatLoginError } from "../errors.ts";
import { type Expected, openUserData, type SealedUserData } from "./user-data.ts";
import type { OpenedUserData } from "./user-data-kinds.ts";

/** Whose data are opened, with the key that WeChat sealed them with. */
export type Owner = Omit<Expected, "appId">;

/** What opening user data needs of the world. */
export interface UserDataOpenerPorts {
  appId: string;
  /** Seconds that a watermark may differ from our clock. */
  userDataMaxAge: number;
  /** Whether a sealed unionId counts that code2Session did not give. */
  sealedUnionid: boolean;
  /** Counts one more failure of a user in a window of seconds. */
  countFailure(openid: string, window: number): Promise<{ count: number; ms: number }>;
  onError?: ((error: WechatLoginError, req: Request) => unknown) | undefined;
}

/** A session_key that is over fails once or twice. Whoever fails more often only makes noise in the operator's log. */
const MAX_FAILURES = 20;
const FAILURES_WINDOW = 600;

/** Opens user data of the login and of later by the same rules, and tells the operator what it meets. */
export function userDataOpener(ports: UserDataOpenerPorts) {
  /** @throws {WechatLoginError} `invalid_user_data`; from the 21st failure in ten minutes on `rate_limited` */
  return async (sealed: SealedUserData, owner: Owner, req: Request): Promise<OpenedUserData> => {
    const opened = await tryOpening(sealed, owner);
    const { unknownNames, data } = opened;
    if (unknownNames.length > 0) await tell(unknownMembers(unknownNames), req);
    if (!ports.sealedUnionid && data.unionId !== owner.unionid) delete data.unionId;
    return opened;
  };

  async function tell(news: WechatLoginError, req: Request): Promise<void> {
    try {
      await ports.onError?.(news, req);
    } catch (failure) {
      throw asError(failure, "onError");
    }
  }

  async function tryOpening(sealed: SealedUserData, owner: Owner): Promise<OpenedUserData> {
    try {
      return openUserData(sealed, { appId: ports.appId, ...owner }, ports.userDataMaxAge);
    } catch (error) {
      const { count, ms } = await ports.countFailure(owner.openid, FAILURES_WINDOW);
      if (count <= MAX_FAILURES) throw error;
      throw new WechatLoginError(
        "rate_limited",
        "Too much user data that cannot be opened: try again later.",
        {
          retryAfter: Math.max(1, Math.ceil(ms / 1000)),
          cause: error,
        },
      );
    }
  }
}

/** Not an answer: it is for `onError`, since a newer WeChat may have more to say. */
function unknownMembers(names: string[]): WechatLoginError {
  return new WechatLoginError(
    "wechat_error",
    `WeChat's user data have members that this version does not know, and drops: ${names.join(", ")}.`,
  );
}
