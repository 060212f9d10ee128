import type { IncomingMessage } from "node:http";
import { warn } from "../warnings.ts";

/**
 * Tells the developer once if a login starts at another host than the one that it comes back to: a browser keeps cookies
 * by the host, so that each state is lost. Nothing is refused: a proxy may have changed `Host`.
 */
export function otherHostWarning(callbackUrl: string): (req: IncomingMessage) => void {
  const { hostname } = new URL(callbackUrl);
  let isSilent = false;
  return ({ headers: { host, "x-forwarded-host": forwarded } }) => {
    const hosts = [host, ...String(forwarded ?? "").split(",")].map((text) => hostnameIn(text ?? ""));
    if (isSilent || !hosts[0] || hosts.includes(hostname)) return;
    isSilent = true;
    warn(
      "WECHAT_LOGIN_OTHER_HOST",
      `wechatWebLogin: a login was started at ${hosts[0]}, and callbackUrl is at ${hostname}. A browser keeps cookies by the ` +
        `host: the callback will end in invalid_state. Open the website at ${hostname}, or change callbackUrl; behind a proxy ` +
        "that changes Host, let it send X-Forwarded-Host.",
    );
  };
}

/** Cookies know no ports. */
function hostnameIn(host: string): string {
  const url = `http://${host.trim()}`;
  return URL.canParse(url) ? new URL(url).hostname : "";
}
