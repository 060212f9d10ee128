import type { AccessToken } from "./access-token.ts";
import { errorOf, type Meanings, senseless } from "./errcodes.ts";
import type { WechatRequest } from "./request.ts";
import { withAccessToken } from "./with-access-token.ts";

/** What WeChat's content check suggests: `review` means that a person should look at it. */
export type Verdict = "pass" | "review" | "risky";

/** The old version of the API says "risky" by an errcode. */
const MEANINGS: Meanings = { 87014: "content_rejected" };
/** WeChat's scene 1: a profile (资料). */
const SCENE_PROFILE = 1;

/**
 * WeChat's msg_sec_check, version 2 (文本内容安全识别), of a nickname.
 *
 * An error is no verdict: 61010 (the user was not here within two hours) is a `wechat_error`, a quota is `rate_limited`.
 *
 * @throws {WechatLoginError} `content_rejected` (87014), and what every API throws
 */
export function contentCheckOf({
  accessToken,
  request,
}: {
  accessToken: AccessToken;
  request: WechatRequest;
}) {
  return async (nickName: string, openid: string): Promise<Verdict> => {
    const body = { version: 2, openid, scene: SCENE_PROFILE, content: nickName, nickname: nickName };
    const answer = await withAccessToken(accessToken, (access_token) =>
      request("/wxa/msg_sec_check", { access_token }, body),
    );
    if (answer.errcode !== 0) throw errorOf(answer, [answer.token], MEANINGS);
    const { suggest } = (answer.result ?? {}) as { suggest?: unknown };
    if (suggest !== "pass" && suggest !== "review" && suggest !== "risky") {
      throw senseless("the content check has no verdict");
    }
    return suggest;
  };
}
