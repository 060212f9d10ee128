import { WechatLoginError } from "../errors.ts";
import { errorOf, isText, senseless } from "./errcodes.ts";
import type { WechatRequest } from "./request.ts";
import { sharing } from "./sharing.ts";

/** Who the user is in this Mini Program, and the key that WeChat seals the user's data with. */
export interface WechatSession {
  openid: string;
  /** 24 base64 characters. A secret: whoever holds it can forge any user data. */
  sessionKey: string;
  /** Only where the Mini Program is bound to an Open Platform account. */
  unionid?: string;
}

/** The literal "code" that the DevTools give where no appid is set. */
const MOCK_CODE = "the code is a mock one";

/**
 * WeChat's code2Session (登录凭证校验), `GET /sns/jscode2session`. Simultaneous calls with one code share one
 * exchange: a double tap or a repeating proxy would otherwise burn the code for both.
 *
 * @throws {WechatLoginError} `invalid_code`, `user_blocked`, `rate_limited`, `misconfigured`, `wechat_error`,
 *   `wechat_unavailable`
 */
export function code2Session({
  appId,
  secret,
  request,
}: {
  appId: string;
  secret: string;
  request: WechatRequest;
}) {
  async function exchange(code: string): Promise<WechatSession> {
    const query = { appid: appId, secret, js_code: code, grant_type: "authorization_code" };
    const answer = await request("/sns/jscode2session", query);
    if (answer.errcode !== 0) throw errorOf(answer, [secret, code]);
    return sessionIn(answer);
  }

  const exchangeOnce = sharing(exchange);
  return async (code: string): Promise<WechatSession> => {
    if (code === MOCK_CODE) {
      throw new WechatLoginError(
        "invalid_code",
        "The DevTools gave a mock code: set an appid in the project.",
      );
    }
    return await exchangeOnce(code);
  };
}

/** Success is when both strings are there; `errcode` alone says nothing. */
function sessionIn({ openid, session_key: sessionKey, unionid }: Record<string, unknown>): WechatSession {
  if (!isText(openid) || !isText(sessionKey)) {
    throw senseless("openid or session_key is missing");
  }
  return isText(unionid) ? { openid, sessionKey, unionid } : { openid, sessionKey };
}
