import { randomBytes } from "node:crypto";
import { type Answer, failure, OK } from "./answer.ts";

/** A phone number as WeChat writes it. */
export interface PhoneInfo {
  phoneNumber: string;
  purePhoneNumber: string;
  countryCode: string;
  watermark: { timestamp: number; appid: string };
}

const CODE_LIFE_MS = 5 * 60 * 1000;

/** WeChat's side of the phone-number button: its codes, and getuserphonenumber. */
export function phoneNumbers() {
  const codes = new Map<string, { openid: string; info: PhoneInfo; issuedAt: number }>();

  return {
    newCode(openid: string, info: PhoneInfo): string {
      const code = randomBytes(32).toString("hex");
      codes.set(code, { openid, info, issuedAt: Date.now() });
      return code;
    },
    getUserPhoneNumber(_query: URLSearchParams, { code, openid }: Record<string, unknown>): Answer {
      const known = codes.get(String(code));
      if (!known || known.issuedAt + CODE_LIFE_MS <= Date.now()) return failure(40029, "invalid code");
      // Another user's attempt does not use the code up.
      if (openid !== undefined && openid !== known.openid) return failure(40029, "invalid code");
      codes.delete(String(code));
      return { ...OK, phone_info: known.info };
    },
  };
}
