import { WechatLoginError } from "../errors.ts";
import type { Requirement } from "../login/requirements.ts";

/** The next press starts anew. */
export function authorizationDenied(): WechatLoginError {
  return new WechatLoginError("authorization_denied", "The user refused at WeChat's authorise page.");
}

/** One answer for all of them: whoever brings a state learns nothing about it. */
export function invalidState(): WechatLoginError {
  return new WechatLoginError(
    "invalid_state",
    "The state is unknown, used, expired, or another browser's: start the login again.",
  );
}

/** No account: it would be nobody's. */
export function snapshotUser(): WechatLoginError {
  return new WechatLoginError(
    "snapshot_user",
    "WeChat shows this user a snapshot of the page: openid and unionid are virtual. Let the user open the whole page.",
  );
}

/** What is required and WeChat has not. */
export function unavailable(missing: Requirement[]): WechatLoginError {
  if (missing.includes("unionid")) {
    return new WechatLoginError(
      "unionid_unavailable",
      "WeChat gives no unionid: bind the app to an Open Platform account.",
    );
  }
  return new WechatLoginError("profile_unavailable", `The user has none at WeChat: ${missing.join(", ")}.`);
}
