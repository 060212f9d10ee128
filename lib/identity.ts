/** Who a user is, as WeChat says. An `openid` means something only together with its `appId`. */
export interface Identity {
  appId: string;
  openid: string;
  unionid?: string;
}
