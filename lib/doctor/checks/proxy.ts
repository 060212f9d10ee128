import { type Answer, ask, post } from "../ask.ts";
import { bad, type Check, type Context, type Finding, ok, skip, warn } from "../check.ts";

/** Close to the default of `avatarMaxBytes` (2 MiB): what a proxy must let through. */
const AVATAR_BYTES = 2_000_000;
const NO_URL = "no --url";
const NO_LOGIN = "the login does not answer there";

/** Whether the world reaches the login, and by HTTPS. */
export const publicUrl: Check = {
  name: "public URL",
  async run({ settings: { url }, login }) {
    if (url === undefined)
      return skip(NO_URL, "--url https://your.host/wx: where the login is mounted, from outside.");
    const answer = await login();
    if ("reason" in answer) return outOfReach(url, answer.reason);
    if (!isLogin(answer)) {
      const cure =
        "Let the proxy pass POST …/login unchanged to the app, and see where the router is mounted.";
      return bad(`HTTP ${answer.status}, not the login's 400 invalid_request`, cure);
    }
    if (url.startsWith("https:")) return ok("the login answers by HTTPS");
    return warn(
      "the login answers, without HTTPS",
      "A Mini Program reaches HTTPS only (服务器域名, request合法域名).",
    );
  },
};

/** Whether clients can choose the address that the rate limit counts them by. */
export const trustProxy: Check = {
  name: "trust proxy",
  async run(context) {
    const { url, timeout } = context.settings;
    const obstacle = await obstacleOf(context);
    if (obstacle !== undefined) return skip(obstacle);
    // From the documentation's network (RFC 5737): nobody has it.
    const forged = { "X-Forwarded-For": `198.51.100.${1 + Math.floor(Math.random() * 254)}` };
    const remaining: number[] = [];
    for (const headers of [{}, forged, {}]) {
      remaining.push(remainingIn(await post(`${url}/login`, timeout, {}, headers)));
    }
    return judge(remaining as [number, number, number]);
  },
};

function judge([first, asForged, last]: [number, number, number]): Finding {
  if (Number.isNaN(first + asForged + last)) {
    return skip("no RateLimit header", "Is it rateLimit: false? Then limit requests elsewhere.");
  }
  if (asForged < first) {
    return ok(
      "a forged X-Forwarded-For is not believed; behind a proxy it must be set, or all users count as one",
    );
  }
  if (last >= first) return skip("a new window began meanwhile", "Run this again.");
  const cure =
    'app.set("trust proxy", <number of proxies>), never true; the proxy sets X-Forwarded-For itself.';
  return bad("a forged X-Forwarded-For is believed: the rate limit can be escaped", cure);
}

/** Whether an avatar comes through. */
export const bodySize: Check = {
  name: "body size",
  async run(context) {
    const { url, timeout } = context.settings;
    const obstacle = await obstacleOf(context);
    if (obstacle !== undefined) return skip(obstacle);
    const body = new FormData();
    body.append("temporaryToken", "doctor");
    body.append("avatar", new Blob([PNG, new Uint8Array(AVATAR_BYTES)], { type: "image/png" }), "doctor.png");
    const answer = await ask(`${url}/login/complete`, timeout, { method: "POST", body });
    if (typeof codeIn(answer) === "string") return ok("an avatar of 2 MB reaches the login");
    const what = "status" in answer ? `HTTP ${answer.status}` : answer.reason;
    return bad(`an avatar of 2 MB does not reach the login: ${what}`, "nginx: client_max_body_size 3m;");
  },
};

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Why there is nothing to look at; advice about a proxy would mislead where no login answers. */
async function obstacleOf({ settings, login }: Context): Promise<string | undefined> {
  if (settings.url === undefined) return NO_URL;
  return isLogin(await login()) ? undefined : NO_LOGIN;
}

function outOfReach(url: string, reason: string): Finding {
  if (reason !== "ECONNREFUSED")
    return bad(`out of reach: ${reason}`, "Look at DNS, the certificate, the proxy.");
  const cure = "Start the app or the proxy in front of it, and compare the port with that of --url.";
  return bad(`nothing listens at ${new URL(url).host}: ${reason}`, cure);
}

function isLogin(answer: Answer): boolean {
  return "status" in answer && answer.status === 400 && codeIn(answer) === "invalid_request";
}

/** The code of an error in the login's own form. */
function codeIn(answer: Answer): unknown {
  return "json" in answer ? Object(answer.json?.error).code : undefined;
}

/** Of the standard header, `"wechat-login"; r=999; t=60`. */
function remainingIn(answer: Answer): number {
  const header = "headers" in answer && answer.headers.get("ratelimit");
  return Number(/\br=(\d+)/.exec(header || "")?.[1] ?? Number.NaN);
}
