import { WechatLoginError } from "../errors.ts";
import type { Body } from "../profile/body.ts";
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
 * Control characters, line separators and halves of surrogate pairs: no keyboard sends them in a name. U+FFFD stands for
 * bytes that were no UTF-8, as in a form in GBK.
 */
const NOT_IN_A_NAME = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\uFFFD]/u;
/** Of WeChat, and longer than any of its own. */
const MAX_ERR_MSG_LENGTH = 200;
/** `wx.chooseAvatar` gives a path on the phone; sent as a string it names nothing that a server could fetch. */
const PATH_ON_THE_PHONE = /^(http:\/\/tmp\/|wxfile:\/\/)/;

/**
 * The body of `POST /login`.
 *
 * @throws {WechatLoginError} `invalid_request`
 */
export function readCode(fields: Fields): string {
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
  refuseDenial(fields);
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
  refuseDenial(fields);
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

/** The button's callback runs for a refusal, too, with nothing in `e.detail` but this `errMsg`. */
function refuseDenial({ errMsg }: Fields): void {
  const told = typeof errMsg === "string" ? errMsg.slice(0, MAX_ERR_MSG_LENGTH) : "";
  if (/:fail\b.*\b(deny|denied|cancel|privacy permission)/.test(told)) {
    throw new WechatLoginError("authorization_denied", "The user refused: the temporary token stays good.");
  }
}

function refusePathOnThePhone({ avatarUrl }: Fields): void {
  if (typeof avatarUrl === "string" && PATH_ON_THE_PHONE.test(avatarUrl)) {
    throw invalid(
      "avatarUrl is a temporary file on the phone: send it by wx.uploadFile, as the file avatar.",
    );
  }
}

function readUserData(fields: Fields): CompletionInput["userData"] {
  const [encryptedData, iv] = together(fields, "encryptedData", "iv");
  const [rawData, signature] = together(fields, "rawData", "signature");
  return encryptedData !== undefined && iv !== undefined
    ? { encryptedData, iv, rawData, signature }
    : undefined;
}

function readNickName(fields: Fields): string | undefined {
  const nickName = optional(fields, "nickName", MAX_NICK_NAME_LENGTH)?.trim();
  if (nickName === "" || (nickName !== undefined && NOT_IN_A_NAME.test(nickName))) {
    throw invalid("nickName must be a visible name in one line.");
  }
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
