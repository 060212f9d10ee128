import { WechatLoginError } from "../errors.ts";
import type { CompletionInput } from "./login-flow.ts";

type Body = Record<string, unknown>;

const MAX_LENGTH = {
  code: 512,
  temporaryToken: 512,
  encryptedData: 8192,
  iv: 64,
  rawData: 4096,
  signature: 64,
};
const MAX_NICK_NAME_LENGTH = 64;
/** Control characters, line separators and halves of surrogate pairs: no keyboard sends them in a name. */
const NOT_IN_A_NAME = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u;
/** `wx.chooseAvatar` gives a path on the phone; sent as a string it names nothing that a server could fetch. */
const PATH_ON_THE_PHONE = /^(http:\/\/tmp\/|wxfile:\/\/)/;

/**
 * The body of `POST /login`.
 *
 * @throws {WechatLoginError} `invalid_request`
 */
export function readCode(body: Body): string {
  return needed(body, "code");
}

/**
 * The body of `POST /login/complete`. Nothing is consumed for a body that is refused here.
 *
 * @throws {WechatLoginError} `invalid_request`, or `authorization_denied` where `errMsg` says so
 */
export function readCompletion(body: Body): { temporaryToken: string; input: CompletionInput } {
  const temporaryToken = needed(body, "temporaryToken");
  refuseDenial(body);
  refusePathOnThePhone(body);
  const input = { userData: readUserData(body), nickName: readNickName(body) };
  if (input.userData === undefined && input.nickName === undefined) {
    throw invalid("Nothing to complete the login with: send encryptedData and iv, or nickName.");
  }
  return { temporaryToken, input };
}

/** The button's callback runs for a refusal, too, with nothing in `e.detail` but this `errMsg`. */
function refuseDenial({ errMsg }: Body): void {
  if (typeof errMsg === "string" && /:fail\b.*\b(deny|denied|cancel)/.test(errMsg)) {
    throw new WechatLoginError("authorization_denied", "The user refused: the temporary token stays good.");
  }
}

function refusePathOnThePhone({ avatarUrl }: Body): void {
  if (typeof avatarUrl === "string" && PATH_ON_THE_PHONE.test(avatarUrl)) {
    throw invalid("avatarUrl is a temporary file on the phone, which no server can read.");
  }
}

function readUserData(body: Body): CompletionInput["userData"] {
  const [encryptedData, iv] = together(body, "encryptedData", "iv");
  const [rawData, signature] = together(body, "rawData", "signature");
  return encryptedData !== undefined && iv !== undefined
    ? { encryptedData, iv, rawData, signature }
    : undefined;
}

function readNickName(body: Body): string | undefined {
  const nickName = optional(body, "nickName", MAX_NICK_NAME_LENGTH)?.trim();
  if (nickName === "" || (nickName !== undefined && NOT_IN_A_NAME.test(nickName))) {
    throw invalid("nickName must be a visible name in one line.");
  }
  return nickName;
}

type Field = keyof typeof MAX_LENGTH;

function needed(body: Body, name: Field): string {
  const value = optional(body, name, MAX_LENGTH[name]);
  if (value === undefined) throw invalid(`${name} is missing.`);
  return value;
}

function together(body: Body, one: Field, other: Field): [string | undefined, string | undefined] {
  const [first, second] = [optional(body, one, MAX_LENGTH[one]), optional(body, other, MAX_LENGTH[other])];
  if ((first === undefined) !== (second === undefined)) throw invalid(`${one} and ${other} go together.`);
  return [first, second];
}

function optional(body: Body, name: string, maxLength: number): string | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== "string" || value === "") throw invalid(`${name} must be a string that is not empty.`);
  if (value.length > maxLength) throw invalid(`${name} is longer than ${maxLength} characters.`);
  return value;
}

function invalid(message: string): WechatLoginError {
  return new WechatLoginError("invalid_request", message);
}
