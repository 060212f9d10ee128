import type { IncomingMessage } from "node:http";
import type { Request } from "express";
import type { Identity } from "../identity.ts";
import type { KeptSessionKeys } from "../session/kept-session-keys.ts";
import type { SessionKeyApi } from "../wechat/session-key.ts";
import { invalidUserData, type SealedUserData, type UserData } from "./user-data.ts";
import type { userDataOpener } from "./user-data-opener.ts";

/** Upkeep of the session_keys that `keepSessionKey: true` keeps; no key is ever handed out. */
export interface SessionKeys {
  /**
   * WeChat's checksession (检验登录态): whether the kept session_key of a user is still the valid one. `false` where it
   * is not, or where none is kept: let the client call `wx.login` and log in again.
   */
  checkSessionKey(identity: { openid: string }): Promise<boolean>;
  /**
   * WeChat's resetusersessionkey (重置登录态): puts a new session_key in the place of the kept one. `false` as above.
   */
  resetUserSessionKey(identity: { openid: string }): Promise<boolean>;
}

/** What opening data later needs of the world; `keys` is absent where none are kept. */
export interface OpenDataPorts {
  keys: KeptSessionKeys | undefined;
  api: SessionKeyApi;
  identityOf(req: IncomingMessage): Identity;
  open: ReturnType<typeof userDataOpener>;
}

/** Opens a signed-in user's later data (WeRun, openGId, the old phone form) with the session_key that was kept. */
export function openDataOf({ keys, api, identityOf, open }: OpenDataPorts) {
  function kept(): KeptSessionKeys {
    if (!keys) throw new Error("wechatLogin: no session_key is kept without keepSessionKey: true.");
    return keys;
  }

  async function openData(req: IncomingMessage, sealed: SealedUserData): Promise<UserData> {
    const { openid, unionid } = identityOf(req);
    const sessionKey = await kept().find(openid);
    if (sessionKey === undefined) throw invalidUserData("no session_key is kept for this user");
    return (await open(sealed, { openid, unionid, sessionKey }, req as Request)).data;
  }

  const sessionKeys: SessionKeys = {
    async checkSessionKey({ openid }) {
      const entry = await kept().entryOf(openid);
      if (!entry) return false;
      if (await api.checkSessionKey(openid, entry.sessionKey)) return true;
      // If a login has stored a newer one meanwhile, that one is checked.
      return (await entry.forget()) ? false : await sessionKeys.checkSessionKey({ openid });
    },
    async resetUserSessionKey({ openid }) {
      const entry = await kept().entryOf(openid);
      if (!entry) return false;
      const another = await api.resetUserSessionKey(openid, entry.sessionKey);
      if (another === undefined) {
        return (await entry.forget()) ? false : await sessionKeys.resetUserSessionKey({ openid });
      }
      // If a login has stored a newer one meanwhile, that one stays: WeChat gave it later.
      return (await entry.replace(another)) || (await kept().find(openid)) !== undefined;
    },
  };

  return { openData, sessionKeys };
}
