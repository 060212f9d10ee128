import type { TestBody } from "./login-app.ts";

/** What a browser inside WeChat says of itself. */
export const IN_WECHAT = "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 MicroMessenger/8.0.50 NetType/WIFI";

/** A browser: it keeps cookies, and stops at every redirect. */
export function browserOf(url: string, userAgent = "Mozilla/5.0 (X11; Linux x86_64)") {
  const cookies = new Map<string, string>();

  const headers = (): Record<string, string> => ({
    "User-Agent": userAgent,
    Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
  });

  /** Opens an address; gives the status, where it leads to, and what was set. */
  async function open(target: string, init: RequestInit = {}) {
    const address = target.startsWith("/") ? url + target : target;
    const own = { ...headers(), ...(init.headers as Record<string, string>) };
    const response = await fetch(address, { redirect: "manual", ...init, headers: own });
    const setCookies = response.headers.getSetCookie();
    for (const line of setCookies) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/Max-Age=0/.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    const isJson = response.headers.get("content-type")?.startsWith("application/json");
    const text = await response.text();
    return {
      status: response.status,
      location: response.headers.get("location") ?? "",
      headers: response.headers,
      setCookies,
      body: isJson && text !== "" ? JSON.parse(text) : text,
    };
  }

  return {
    cookies,
    open,
    /** Starts a login; gives the address of WeChat's page. */
    start: async (query = "") => (await open(`/web${query}`)).location,
    async me(init: RequestInit = {}) {
      const response = await fetch(`${url}/me`, { ...init, headers: { ...headers(), ...init.headers } });
      return {
        status: response.status,
        headers: response.headers,
        body: (await response.json()) as TestBody,
      };
    },
    /** The token of the session, as the cookie holds it. */
    sessionToken: () => [...cookies].find(([name]) => name.includes("wechat-session"))?.[1],
  };
}
