/** The HTTP status that each error code is answered with. The codes are stable: clients switch on them. */
const STATUS = {
  invalid_request: 400,
  authorization_denied: 400,
  invalid_phone_code: 400,
  invalid_code: 401,
  invalid_state: 401,
  invalid_temporary_token: 401,
  invalid_user_data: 401,
  login_required: 401,
  unionid_unavailable: 403,
  profile_unavailable: 403,
  snapshot_user: 403,
  user_blocked: 403,
  content_rejected: 403,
  cross_site: 403,
  method_not_allowed: 405,
  account_conflict: 409,
  rate_limited: 429,
  misconfigured: 500,
  wechat_error: 502,
  server_busy: 503,
  wechat_unavailable: 503,
} as const;

/** A stable error code of the HTTP contract; the error table in the README explains each. */
export type WechatLoginErrorCode = keyof typeof STATUS;

/** What an error may say besides its code and message. */
export interface WechatLoginErrorDetails {
  /** Another HTTP status than the code's own: 413 and 415 for files. */
  status?: 413 | 415;
  /** WeChat's own `errcode`, where WeChat gave one. */
  errcode?: number;
  /** Seconds after which another try makes sense; sent as `Retry-After`. */
  retryAfter?: number;
  /** What lies behind it, for `onError`. Never holds the secret, a session_key or a raw token. */
  cause?: unknown;
}

/** The body of an answer that tells an error. */
export interface WechatLoginErrorBody {
  error: {
    code: WechatLoginErrorCode;
    /** For the client's developer; it may change, the code does not. */
    message: string;
    /** Where the cure is: a file of this package, and its section. */
    docs: `docs/troubleshooting.md#${WechatLoginErrorCode}`;
    /** WeChat's own `errcode`, where WeChat gave one. */
    errcode?: number;
  };
}

/**
 * An error that the router answers itself, in the form of {@link WechatLoginErrorBody}.
 *
 * `message` is meant for the client's developer; what only the operator may know is in `cause`. Errors of the
 * host's callbacks and of Redis are never of this class: they go to the host's error handler untouched.
 */
export class WechatLoginError extends Error {
  /** Tells the error apart; see the error table in the README. */
  readonly code: WechatLoginErrorCode;
  /** The HTTP status of the answer. */
  readonly status: number;
  /** WeChat's own `errcode`, where WeChat gave one. */
  readonly errcode: number | undefined;
  /** Seconds, sent as `Retry-After`. */
  readonly retryAfter: number | undefined;

  constructor(code: WechatLoginErrorCode, message: string, details: WechatLoginErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.name = "WechatLoginError";
    this.code = code;
    this.status = details.status ?? STATUS[code];
    this.errcode = details.errcode;
    this.retryAfter = details.retryAfter;
  }

  /** The answer's body in the contract's form: `res.status(error.status).json(error)` in a route of the host. */
  toJSON(): WechatLoginErrorBody {
    const { code, message, errcode } = this;
    const docs = `docs/troubleshooting.md#${code}` as const;
    // How the operator's configuration is broken is nobody else's business: that errcode goes to `onError` only.
    const isPublic = errcode !== undefined && code !== "misconfigured";
    return { error: { code, message, docs, ...(isPublic ? { errcode } : {}) } };
  }
}

/**
 * For `findUser` of the host: the openid and the unionid of one identity belong to two different stored users. Answered
 * 409 `account_conflict`; nothing is saved, and nothing is ever merged silently.
 *
 * @example
 * if (byUnionid && byOpenid && byUnionid.id !== byOpenid.id) throw new AccountConflictError();
 */
export class AccountConflictError extends WechatLoginError {
  constructor(
    message = "This WeChat account belongs to two different users: ask the operator to merge them.",
  ) {
    super("account_conflict", message);
    this.name = "AccountConflictError";
  }
}
