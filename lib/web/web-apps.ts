import { webOAuth } from "../wechat/oauth.ts";
import type { WechatRequest } from "../wechat/request.ts";
import type { Departure, Scope, WebApp } from "./web-flow.ts";

/** AppID and AppSecret of an app at WeChat. */
interface Account {
  appId: string;
  secret: string;
}

/** What there is to know of the apps; at least one of the two is there. */
export interface WebAppsOptions {
  officialAccount?: (Account & { scope?: "snsapi_userinfo" | "snsapi_base" | undefined }) | undefined;
  website?: Account | undefined;
  callbackUrl: string;
  authorizeBaseUrl: string;
  request: WechatRequest;
}

const PAGES = { officialAccount: "/connect/oauth2/authorize", website: "/connect/qrconnect" };

/** The Official Account and the website application of one website. */
export function webApps(options: WebAppsOptions) {
  const { officialAccount, website, callbackUrl, authorizeBaseUrl, request } = options;
  const accounts = { officialAccount, website };

  return {
    appIds: Object.values(accounts).flatMap((account) => account?.appId ?? []),
    of(name: Departure["app"]): WebApp {
      const { appId, secret } = accounts[name] as Account;
      return {
        appId,
        // In exactly this order, and the fragment is part of the protocol.
        authorizeUrl(state: string, scope: Scope): string {
          const uri = { appid: appId, redirect_uri: callbackUrl };
          const query = new URLSearchParams({ ...uri, response_type: "code", scope, state });
          return `${authorizeBaseUrl}${PAGES[name]}?${query}#wechat_redirect`;
        },
        ...webOAuth({ appId, secret, request }),
      };
    },
    /** Which of them a browser is sent to; where there is only one it is that. */
    forBrowser(userAgent = ""): Pick<Departure, "app" | "scope"> {
      // WeCom (企业微信, wxwork) calls itself MicroMessenger, too, and cannot open an Official Account's page.
      const isWechat = /MicroMessenger/i.test(userAgent) && !/wxwork/i.test(userAgent);
      if (officialAccount && (!website || isWechat)) {
        return { app: "officialAccount", scope: officialAccount.scope ?? "snsapi_userinfo" };
      }
      return { app: "website", scope: "snsapi_login" };
    },
  };
}
