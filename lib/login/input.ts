import { WechatLoginError } from "../errors.ts";
import { oneLine } from "../http/one-line.ts";
import type { Body } from "../profile/body.ts";
import { isStringified, isVisibleName } from "../profile/nick-name.ts";
import type { Picture } from "../profile/picture.ts";
import type { CompletionInput } from "./login-flow.ts";
import { knownIn, type Requirement } from "./requirements.ts";

type Fields = Body["fields"];
type FillIn = Omit<CompletionInput, "userData">;

const MAX_LENGTH = {
  code: 512,
  temporaryToken: 512,
  encryptedData: 8192,
  iv: 64,
  rawData: 4096,
  signature: 64,
  phoneCode: 512,
};
const MAX_NICK_NAME_LENGTH = 64;
/**
 * The user's own refusal; some phones write it without `fail`. Everything else that fails is a fault of the Mini Program or of
 * its account. The client (wechat-login.js) reads it in the same way.
 */
const REFUSAL = /^[^:]*:[\s:]*(fail[\s:]*)?((auth|user)\s+(deny|denied|cancel)|cancel|privacy permission)/i;
/** base64, with either alphabet, in lines or not. A blank was a "+" on its way. */
const BASE64 = /^[\w+/= \t\r\n-]*$/;
/** `wx.chooseAvatar` gives a path on the phone; sent as a string it names nothing that a server could fetch. */
const PATH_ON_THE_PHONE = /^(http:\/\/tmp\/|wxfile:\/\/)/;

/**
 * The body of `POST /login`.
 *
 * @throws {WechatLoginError} `invalid_request`
 */
export function readCode(fields: Fields): string {
  const failure = failureIn(fields);
  // All that the fail callback of wx.login gets.
  if (!fields.code && failure) throw invalid(`The call failed on the phone: "${failure}".`);
  return needed(fields, "code");
}

/**
 * The body of `POST /login/complete`. Nothing is consumed for a body that is refused here.
 *
 * @throws {WechatLoginError} `invalid_request`, or `authorization_denied` where `errMsg` says so
 */
export function readCompletion(
  { fields, avatar }: Body,
  require: readonly Requirement[],
): { temporaryToken: string; input: CompletionInput } {
  const temporaryToken = needed(fields, "temporaryToken");
  refuseFailure(fields);
  const userData = readUserData(fields);
  if (userData && userData.rawData === undefined && !maybePhoneNumber(fields, require)) {
    throw invalid(
      "rawData and signature are missing: send the whole of e.detail, or of what wx.getUserInfo gave.",
    );
  }
  const input = { ...(userData && { userData }), ...readFillIn(fields, avatar) };
  refuseNothing(input, "encryptedData and iv, nickName, phoneCode or a file avatar");
  return { temporaryToken, input };
}

/**
 * The body of `POST /profile`.
 *
 * @throws {WechatLoginError} `invalid_request`, or `authorization_denied` where `errMsg` says so
 */
export function readProfile({ fields, avatar }: Body): FillIn {
  refuseFailure(fields);
  const input = readFillIn(fields, avatar);
  refuseNothing(input, "nickName, phoneCode or a file avatar");
  if (input.nickName !== undefined && !knownIn(input).nickName) {
    throw invalid("nickName is WeChat's placeholder, and nobody's name.");
  }
  return input;
}

/** The old form of the phone button: the only user data of a login that WeChat does not sign. */
function maybePhoneNumber({ errMsg }: Fields, require: readonly Requirement[]): boolean {
  const button = String(errMsg);
  return (
    button.startsWith("getPhoneNumber:") || (require.includes("phoneNumber") && !button.startsWith("getUser"))
  );
}

function readFillIn(fields: Fields, avatar: Picture | undefined): FillIn {
  refusePathOnThePhone(fields);
  const [nickName, phoneCode] = [readNickName(fields), optional(fields, "phoneCode", MAX_LENGTH.phoneCode)];
  return {
    ...(nickName !== undefined && { nickName }),
    ...(phoneCode !== undefined && { phoneCode }),
    ...(avatar && { avatar }),
  };
}

function refuseNothing(input: object, wanted: string): void {
  if (Object.keys(input).length === 0) throw invalid(`Nothing to store: send ${wanted}.`);
}

/** The button's callback runs for a failure, too, with nothing in `e.detail` but this `errMsg`. */
function refuseFailure(fields: Fields): void {
  const message = failureIn(fields);
  if (message === undefined) return;
  if (REFUSAL.test(message)) {
    throw new WechatLoginError("authorization_denied", "The user refused: the temporary token stays good.");
  }
  throw invalid(`The call failed on the phone, and the user did not refuse: "${message}".`);
}

/** What `errMsg` says if it tells a failure or a refusal. */
function failureIn({ errMsg }: Fields): string | undefined {
  const message = typeof errMsg === "string" ? oneLine(errMsg) : "";
  return /:\s*fail\b/i.test(message) || REFUSAL.test(message) ? message : undefined;
}

function refusePathOnThePhone({ avatarUrl }: Fields): void {
  if (typeof avatarUrl === "string" && PATH_ON_THE_PHONE.test(avatarUrl)) {
    throw invalid(
      "avatarUrl is a temporary file on the phone: send it by wx.uploadFile, as the file avatar.",
    );
  }
}

function readUserData(fields: Fields): CompletionInput["userData"] {
  refuseUrlEncoded(fields);
  const [encryptedData, iv] = together(fields, "encryptedData", "iv");
  const [rawData, signature] = together(fields, "rawData", "signature");
  return encryptedData !== undefined && iv !== undefined
    ? { encryptedData, iv, rawData, signature }
    : undefined;
}

/** Visible before anything is opened: no oracle, and the token stays good. */
function refuseUrlEncoded(fields: Fields): void {
  for (const name of ["encryptedData", "iv", "signature"]) {
    const value = fields[name];
    if (typeof value !== "string" || BASE64.test(value)) continue;
    throw invalid(
      `${name} has characters that WeChat does not write, perhaps %: send it without URL-encoding.`,
    );
  }
  if (/^%7b/i.test(String(fields.rawData)))
    throw invalid("rawData is URL-encoded: send it as WeChat gave it.");
}

function readNickName(fields: Fields): string | undefined {
  const nickName = optional(fields, "nickName", MAX_NICK_NAME_LENGTH)?.trim();
  // In JSON as well: a name of this kind would be saved, and never asked for again.
  if (nickName === undefined || isStringified(nickName)) return undefined;
  if (!isVisibleName(nickName)) throw invalid("nickName must be a visible name in one line.");
  return nickName;
}

type Field = keyof typeof MAX_LENGTH;

function needed(fields: Fields, name: Field): string {
  const value = optional(fields, name, MAX_LENGTH[name]);
  if (value === undefined) throw invalid(`${name} is missing.`);
  return value;
}

function together(fields: Fields, one: Field, other: Field): [string | undefined, string | undefined] {
  const [first, second] = [
    optional(fields, one, MAX_LENGTH[one]),
    optional(fields, other, MAX_LENGTH[other]),
  ];
  if ((first === undefined) !== (second === undefined)) throw invalid(`${one} and ${other} go together.`);
  return [first, second];
}

function optional(fields: Fields, name: string, maxLength: number): string | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== "string" || value === "") throw invalid(`${name} must be a string that is not empty.`);
  if (value.length > maxLength) throw invalid(`${name} is longer than ${maxLength} characters.`);
  return value;
}

function invalid(message: string): WechatLoginError {
  return new WechatLoginError("invalid_request", message);
}
