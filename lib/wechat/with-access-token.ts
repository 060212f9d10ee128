import type { AccessToken } from "./access-token.ts";
import type { WechatAnswer } from "./request.ts";

/** "invalid credential", "invalid access_token", "access_token expired": and nothing else is worth a new token. */
const REFUSALS = new Set([40001, 40014, 42001]);

/**
 * Calls an API with the access_token; where WeChat refuses the token, once more with another one.
 *
 * @param call makes the request with a token
 */
export async function withAccessToken(
  accessToken: AccessToken,
  call: (token: string) => Promise<WechatAnswer>,
): Promise<WechatAnswer & { token: string }> {
  const token = await accessToken.get();
  const answer = await call(token);
  if (!REFUSALS.has(answer.errcode)) return { ...answer, token };
  const another = await accessToken.replace(token);
  return { ...(await call(another)), token: another };
}
