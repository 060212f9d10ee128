import { bad, type Check, type Finding, ok, skip, warn } from "../check.ts";

const SLOW_MS = 1000;
/** User data whose watermark is further away are refused (`userDataMaxAge`). */
const MAX_SECONDS = 300;
const SUSPICIOUS_SECONDS = 30;
const REFUSED =
  "Correct WECHAT_BASE_URL, or start what shall listen there; if it is WeChat's own host, a firewall refuses.";
const NO_URL = "Set it to https://api2.weixin.qq.com, say, or leave it out for https://api.weixin.qq.com.";
const DNS = ["ENOTFOUND", "EAI_AGAIN"];
const TLS = /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/;

/** Whether WeChat can be reached, and how fast: DNS, TCP, TLS, and a proxy that answers in its place. */
export const reachability: Check = {
  name: "WeChat API (微信接口)",
  async run({ wechat, settings }) {
    if (!URL.canParse(settings.baseUrl) || !/^https?:\/\//.test(settings.baseUrl)) {
      return bad("WECHAT_BASE_URL is no URL that begins with http:// or https://", NO_URL);
    }
    const { host } = new URL(settings.baseUrl);
    const answer = await wechat();
    if ("reason" in answer) return outOfReach(host, answer.reason);
    if (typeof answer.json?.errcode !== "number") {
      const found = `HTTP ${answer.status} without WeChat's JSON: someone in between answers`;
      return bad(found, `Let this server reach ${host} without a proxy, or set WECHAT_BASE_URL right.`);
    }
    const ms = Math.round(answer.ms);
    if (ms <= SLOW_MS) return ok(`${host} answers in ${ms} ms`);
    return warn(`${host} answers in ${ms} ms`, "Run the server nearer, or try api2.weixin.qq.com (baseUrl).");
  },
};

/** Whether this machine's clock agrees with WeChat's. */
export const clock: Check = {
  name: "clock (时钟)",
  async run({ wechat }) {
    const answer = await wechat();
    const date =
      "headers" in answer && typeof answer.json?.errcode === "number" && answer.headers.get("date");
    if (!date || !("ms" in answer)) return skip("WeChat has not told its time");
    const seconds = Math.round((Date.now() - Date.parse(date)) / 1000);
    const found = `${Math.abs(seconds)} s ${seconds < 0 ? "behind" : "ahead of"} WeChat`;
    const cure =
      "Turn on NTP (timedatectl set-ntp true): user data are good for five minutes only (数据水印).";
    if (Math.abs(seconds) >= MAX_SECONDS) return bad(found, cure);
    return Math.abs(seconds) >= SUSPICIOUS_SECONDS ? warn(found, cure) : ok(found);
  },
};

function outOfReach(host: string, reason: string): Finding {
  if (reason === "ECONNREFUSED") return bad(`nothing listens at ${host}: ${reason}`, REFUSED);
  return bad(`${host} is out of reach: ${reason}`, cureOf(reason));
}

function cureOf(reason: string): string {
  if (DNS.includes(reason)) return "Look at DNS: /etc/resolv.conf, the container's network.";
  if (TLS.test(reason)) return "Look at TLS: CA certificates (ca-certificates), a proxy that breaks it open.";
  return "Let this server reach it: firewall, security group (安全组), route.";
}
