import { WechatLoginError } from "../errors.ts";
import type { Identity } from "../identity.ts";
import type { Verdict } from "../wechat/content-check.ts";
import type { PhoneNumber } from "../wechat/phone-number.ts";

/** What a user fills in, and what becomes of it. */
export interface FilledIn extends Partial<PhoneNumber> {
  nickName?: string;
  /** The code that the phone number came from: sent again, it is not exchanged again. */
  phoneCode?: string;
}

/** What filling in needs of the world. */
export interface FillInPorts {
  /** Absent where nicknames are not checked. */
  checkContent: ((nickName: string, openid: string) => Promise<Verdict>) | undefined;
  /** Decides on a nickname that WeChat would have looked at by a person. */
  onReview(nickName: string, identity: Identity): Promise<boolean>;
  phoneNumber(code: string, openid: string): Promise<PhoneNumber>;
}

/**
 * Checks what a user filled in and looks up what stands behind it: the nickname first, because the phone number costs
 * money.
 *
 * @throws {WechatLoginError} `content_rejected`, `invalid_phone_code`, and what WeChat's APIs throw
 */
export function fillInOf({ checkContent, onReview, phoneNumber }: FillInPorts) {
  const checkNickName =
    checkContent &&
    (async (nickName: string, identity: Identity): Promise<void> => {
      const verdict = await checkContent(nickName, identity.openid);
      if (verdict === "pass" || (verdict === "review" && (await onReview(nickName, identity)))) return;
      throw new WechatLoginError(
        "content_rejected",
        "The nickname is rejected by the content check: choose another.",
      );
    });

  async function fillIn(input: FilledIn, identity: Identity, usedPhoneCode?: string): Promise<FilledIn> {
    const { nickName, phoneCode } = input;
    if (nickName !== undefined) await checkNickName?.(nickName, identity);
    const named = nickName === undefined ? {} : { nickName };
    if (phoneCode === undefined || phoneCode === usedPhoneCode) return named;
    return { ...named, ...(await phoneNumber(phoneCode, identity.openid)), phoneCode };
  }

  return { fillIn, checkNickName };
}
