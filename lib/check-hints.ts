import { didYouMean, nearest } from "./nearest.ts";

/**
 * What to add to the sentence that refuses an option: the likely mistake and its cure. A hint describes a value and never
 * quotes it, because it may be the secret.
 */
export type Hint = (value: unknown) => string | undefined;

const UNSET = 'is the environment variable set? Node reads a .env file only with "node --env-file=.env".';
/** What comes along when a value is copied: blanks, invisible characters, quotes, commas. */
const AROUND = /^[\s\p{Cf}\p{Pi}\p{Pf}"'`,;]+|[\s\p{Cf}\p{Pi}\p{Pf}"'`,;]+$/gu;
/** `String(process.env.X)` of a variable that is not set. */
const UNSET_WORDS = ["undefined", "null"];
const APP_ID = /^wx[0-9a-f]{16}$/i;
const CLIENT = "new Redis(url) of ioredis";

/** Whether an environment variable that was not set has led to this value. */
export function isUnset(value: unknown): boolean {
  return value === undefined || value === "" || UNSET_WORDS.includes(String(value));
}

/** AppSecrets have 32 hexadecimal digits; what has an AppID's form is one that was put in the wrong place. */
export function looksLikeAppId(value: unknown): boolean {
  return APP_ID.test(String(value));
}

export function hintForWord(value: unknown): string | undefined {
  if (isUnset(value)) return `It is ${value === "" ? "empty" : "undefined"}: ${UNSET}`;
  if (looksLikeAppId(value)) return "It looks like an AppID: are appId and secret swapped?";
  return hintForCopied(value);
}

export function hintForUrl(value: unknown): string | undefined {
  if (isUnset(value)) return `It is ${value === "" ? "empty" : "undefined"}: ${UNSET}`;
  const copied = hintForCopied(value);
  if (copied || typeof value !== "string") return copied;
  return /^https?:\/\//.test(value) ? undefined : "Begin it with http:// or https://.";
}

/** A number that came as text, from an environment variable say. Text that is no number is not shown. */
export function hintForNumber(name: string, value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const isNumber = /^\d{1,15}$/.test(value.trim());
  return `${name} is a string: write ${isNumber ? Number(value) : "a number"}.`;
}

export function hintForFunction(value: unknown): string | undefined {
  if (value === undefined) return "It is missing.";
  return isPromise(value) ? "It is a promise: pass the function itself, without calling it." : undefined;
}

/** The clients that are taken for ioredis: by structure, since any copy and version of them may come. */
export function hintForRedis(value: unknown): string | undefined {
  if (typeof value === "string") return `It is a string: pass a client, ${CLIENT}.`;
  if (isPromise(value)) return "It is a promise: await it first.";
  const client = Object(value);
  if (isUpstash(client)) {
    return `It is the HTTP client of Upstash: pass ${CLIENT}, with the rediss:// URL of the same database.`;
  }
  if (isNodeRedis(client)) return `It is a client of node-redis (npm install redis): pass ${CLIENT}.`;
  if (typeof value === "function" || "Redis" in client) return `It is the class: pass a client, ${CLIENT}.`;
  const isSettings = ["host", "port", "url", "path"].some((name) => name in client);
  return isSettings ? "It holds settings: pass a client, new Redis(settings) of ioredis." : undefined;
}

/** A client whose functions have the names of ioredis and other arguments, or callbacks. */
export function isOtherClient(value: unknown): boolean {
  const client = Object(value);
  return isUpstash(client) || isOldNodeRedis(client);
}

/** For an option that is an object of a few names. */
export function hintForNames(value: unknown, names: readonly string[]): string | undefined {
  if (value === true) return "Leave it out: it is on by default.";
  if (typeof value === "number") return `Write an object: { ${names[0]}: <number> }.`;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  return unknown === undefined ? undefined : `There is no "${unknown}" in it${didYouMean(unknown, names)}`;
}

/** For an option that is an array of a few words; only those words themselves are ever shown. */
export function hintForList(value: unknown, words: readonly string[]): string | undefined {
  if (typeof value === "string") {
    const word = nearest(value, words);
    return word && `Write an array: ["${word}"].`;
  }
  if (!Array.isArray(value)) return undefined;
  const wrong = value.find((word) => !words.includes(word));
  const word = typeof wrong === "string" ? nearest(wrong, words) : undefined;
  return word && `Did you mean "${word}"?`;
}

function hintForCopied(value: unknown): string | undefined {
  const isCopied = typeof value === "string" && value.replaceAll(AROUND, "") !== value;
  return isCopied ? "It has blanks, quotes or a line break around it: remove them." : undefined;
}

function isPromise(value: unknown): boolean {
  return typeof Object(value).then === "function";
}

// A host's wrapper that answers every name with a function has defineCommand as well, which these clients do not have.
function isUpstash({ createScript, scriptLoad, defineCommand }: Record<string, unknown>): boolean {
  return [createScript, scriptLoad].every(isFunction) && !isFunction(defineCommand);
}

function isNodeRedis(client: Record<string, unknown>): boolean {
  return isFunction(client.getDel) || isOldNodeRedis(client);
}

/** Version 3, and version 4 in its legacyMode: their functions take callbacks and return no promise. */
function isOldNodeRedis(client: Record<string, unknown>): boolean {
  const isOld = isFunction(client.internal_send_command) && !isFunction(client.defineCommand);
  return isOld || Object(client.options).legacyMode === true;
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}
