import { errorOf, isText, senseless } from "./errcodes.ts";
import type { WechatRequest } from "./request.ts";

/** Who the user is in this Official Account or website application, and what it takes to ask for more. */
export interface WebGrant {
  openid: string;
  /** Only where the app is bound to an Open Platform account, and not with `snsapi_base`. */
  unionid?: string;
  /** The user's own (网页授权 access_token), which is not the app's. A secret. */
  accessToken: string;
  /** The user has seen a snapshot of the page (快照页): openid and unionid are virtual. */
  isSnapshot: boolean;
}

/** What `sns/userinfo` says of a user, under our names. */
export interface WebProfile {
  unionid?: unknown;
  nickName: unknown;
  avatarUrl: unknown;
}

/**
 * WeChat's OAuth for web pages (网页授权), which is no standard OAuth: its own names, by GET, JSON as text/plain.
 *
 * @throws {WechatLoginError} `invalid_code`, `user_blocked`, `rate_limited`, `misconfigured`, `wechat_error`,
 *   `wechat_unavailable`
 * @see https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
 */
export function webOAuth({
  appId,
  secret,
  request,
}: {
  appId: string;
  secret: string;
  request: WechatRequest;
}) {
  return {
    /** `GET /sns/oauth2/access_token`: what a code of the authorise page stands for. */
    async exchange(code: string): Promise<WebGrant> {
      const query = { appid: appId, secret, code, grant_type: "authorization_code" };
      const answer = await request("/sns/oauth2/access_token", query);
      if (answer.errcode !== 0) throw errorOf(answer, [secret, code]);
      return grantIn(answer);
    },
    /** `GET /sns/userinfo`: name and picture, and the unionid; not for a `snsapi_base` token (48001). */
    async userInfo({ accessToken, openid }: WebGrant): Promise<WebProfile> {
      const query = { access_token: accessToken, openid, lang: "zh_CN" };
      const answer = await request("/sns/userinfo", query);
      if (answer.errcode !== 0) throw errorOf(answer, [accessToken]);
      if (answer.openid !== openid) throw senseless("sns/userinfo speaks of another user");
      return { unionid: answer.unionid, nickName: answer.nickname, avatarUrl: answer.headimgurl };
    },
  };
}

function grantIn({
  openid,
  unionid,
  access_token: accessToken,
  is_snapshotuser,
}: Record<string, unknown>): WebGrant {
  if (!isText(openid) || !isText(accessToken)) throw senseless("openid or access_token is missing");
  const grant = { openid, accessToken, isSnapshot: Number(is_snapshotuser ?? 0) !== 0 };
  return isText(unionid) ? { ...grant, unionid } : grant;
}
