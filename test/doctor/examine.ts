import { resolve } from "node:path";
import { doctor, type Row } from "../../lib/doctor/doctor.ts";
import { report } from "../../lib/doctor/report.ts";
import type { Settings } from "../../lib/doctor/settings.ts";
import { APP_ID, SECRET, startWechat } from "../support/login-app.ts";

/** Settings in which everything is left out that need not be there. */
export const settingsOfTest = (given: Partial<Settings>): Settings => ({
  appId: APP_ID,
  secret: SECRET,
  baseUrl: "http://127.0.0.1:1",
  redisUrl: undefined,
  code: undefined,
  url: undefined,
  host: undefined,
  keyPrefix: "wechat-login:",
  timeout: 2000,
  json: false,
  help: false,
  folder: resolve("."),
  ...given,
});

/** Runs the doctor; gives its rows by their first word, and what is printed. */
export async function examine(given: Partial<Settings>, nodeVersion?: string) {
  const settings = settingsOfTest(given);
  const rows = await doctor(settings, undefined, nodeVersion);
  const row = (begin: string) => {
    const { level, found } = rows.find(({ name }) => name.startsWith(begin)) as Row;
    return [level, found] as const;
  };
  const printed = report(rows, settings) + report(rows, { ...settings, json: true });
  return { rows, row, printed };
}

/** The same against a WeChat of its own, whose next answers are bent. */
export async function examineWith(
  bends: Parameters<Awaited<ReturnType<typeof startWechat>>["bendNext"]>[0][],
  given: Partial<Settings> = {},
) {
  const wechat = await startWechat();
  for (const bend of bends) wechat.bendNext(bend);
  return { wechat, ...(await examine({ baseUrl: wechat.baseUrl, ...given })) };
}
