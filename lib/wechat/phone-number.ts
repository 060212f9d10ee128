import type { AccessToken } from "./access-token.ts";
import { errorOf, type Meanings, senseless } from "./errcodes.ts";
import type { WechatRequest } from "./request.ts";
import { sharing } from "./sharing.ts";
import { withAccessToken } from "./with-access-token.ts";

/** A phone number as WeChat has verified it. */
export interface PhoneNumber {
  /** With the country code, where it is a foreign one. */
  phoneNumber: string;
  /** Without the country code. */
  purePhoneNumber: string;
  /** `86` and so on; a string, although WeChat was seen to send a number. */
  countryCode: string;
}

const MEANINGS: Meanings = { 40029: "invalid_phone_code", 40163: "invalid_phone_code" };

/**
 * WeChat's getuserphonenumber (手机号快速验证). The `openid` goes with it, so that WeChat refuses another user's code.
 * Each success costs money: simultaneous calls with one code share one request.
 *
 * @throws {WechatLoginError} `invalid_phone_code`, and what every API throws
 */
export function phoneNumberOf({
  accessToken,
  request,
}: {
  accessToken: AccessToken;
  request: WechatRequest;
}) {
  async function exchange(openidAndCode: string): Promise<PhoneNumber> {
    const [openid, code] = JSON.parse(openidAndCode) as [string, string];
    const answer = await withAccessToken(accessToken, (access_token) =>
      request("/wxa/business/getuserphonenumber", { access_token }, { code, openid }),
    );
    if (answer.errcode !== 0) throw errorOf(answer, [answer.token, code], MEANINGS);
    return phoneNumberIn(answer.phone_info);
  }

  const exchangeOnce = sharing(exchange);
  return (code: string, openid: string): Promise<PhoneNumber> => exchangeOnce(JSON.stringify([openid, code]));
}

function phoneNumberIn(info: unknown): PhoneNumber {
  const { phoneNumber, purePhoneNumber, countryCode } = (info ?? {}) as Record<string, unknown>;
  const texts = [phoneNumber, purePhoneNumber, String(countryCode ?? "")];
  if (texts.some((text) => typeof text !== "string" || text === "")) {
    throw senseless("phone_info is not whole");
  }
  const [number, pure, country] = texts as [string, string, string];
  return { phoneNumber: number, purePhoneNumber: pure, countryCode: country };
}
