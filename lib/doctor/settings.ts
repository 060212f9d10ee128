import { parseArgs } from "node:util";
import type { EnvFile } from "./env-file.ts";

/** What is to be looked at. Secrets come by the environment only: flags stay in the shell's history. */
export interface Settings {
  appId: string;
  secret: string;
  baseUrl: string;
  redisUrl: string | undefined;
  code: string | undefined;
  url: string | undefined;
  host: string | undefined;
  timeout: number;
  json: boolean;
  help: boolean;
  /** What is in front of every key of the login in Redis. */
  keyPrefix: string;
  /** What the file `.env` of the folder has added. */
  envFile?: EnvFile | undefined;
  /** Where the project is, whose ioredis and module are used. */
  folder: string;
}

export const HELP = `express-wechat-login doctor: checks what goes wrong in practice

  WECHAT_APP_ID=… WECHAT_SECRET=… REDIS_URL=… npx express-wechat-login doctor [options]

  --code <code>   of wx.login(), fresh: what code2Session (登录凭证校验) gives for it
  --url <url>     where the login is mounted, from outside: https://your.host/wx
  --host <file>   a module that exports findUser and saveUser, or options with them; it is imported, and so run
  --key-prefix <prefix>  the login's keyPrefix, if it has one (wechat-login:)
  --timeout <ms>  for each request (5000)
  --json          for machines
  --help

  npx express-wechat-login explain [--lang zh] [code]   explains the code of an error or of a warning,
                  or an errcode of WeChat; without one it lists the codes

  WECHAT_APP_ID, WECHAT_SECRET, WECHAT_BASE_URL and REDIS_URL come from the environment, or from the file .env of this folder.
  In Redis it writes a few keys of its own, and removes them.
  It exits with 1 where something is red, and prints nothing that must not be seen.
`;

const OPTIONS = {
  code: { type: "string" },
  url: { type: "string" },
  host: { type: "string" },
  timeout: { type: "string", default: "5000" },
  "key-prefix": { type: "string", default: "wechat-login:" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/**
 * What the command line and the environment say.
 *
 * @throws {TypeError} in a sentence, where the command line is wrong
 */
export function settingsOf(args: string[], env: NodeJS.ProcessEnv, folder: string): Settings {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  const help = values.help || positionals[0] === undefined;
  if (!help && positionals.join(" ") !== "doctor")
    throw new TypeError('The commands are "doctor" and "explain".');
  const timeout = Number(values.timeout);
  if (!(timeout > 0 && timeout < 2 ** 31)) {
    throw new TypeError("--timeout takes milliseconds above 0 and below 2147483648.");
  }
  if (values.url !== undefined && !/^https?:\/\/./.test(values.url)) {
    throw new TypeError("--url takes an address that begins with http:// or https://.");
  }
  return {
    appId: env.WECHAT_APP_ID ?? "",
    secret: env.WECHAT_SECRET ?? "",
    baseUrl: (env.WECHAT_BASE_URL ?? "https://api.weixin.qq.com").replace(/\/+$/, ""),
    redisUrl: env.REDIS_URL,
    code: values.code,
    url: values.url?.replace(/\/+$/, ""),
    host: values.host,
    keyPrefix: values["key-prefix"],
    timeout,
    json: values.json,
    help,
    folder,
  };
}
