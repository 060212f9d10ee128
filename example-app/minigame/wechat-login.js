// The client of express-wechat-login, for Mini Programs, Mini Games, Taro and uni-app. How it is used: docs/clients.md.
// Plain ES2018 without dependencies: copy it, with wechat-login.d.ts beside it.

/** Where an answer does not show its `Retry-After`: seconds. */
const PAUSE = 5;

/** With these the temporary token is over, or the key that the user data were sealed with. */
const OVER = ["invalid_temporary_token", "invalid_user_data"];

/** After so many refusals in a row, another press will not help: the error is thrown. */
const MOST_REFUSALS = 3;

/** Milliseconds. `wx.login` has been seen never to call back, and a login that hangs would hold up all that follow. */
const WX_LOGIN_TIMEOUT = 10000;
/** Milliseconds: a little more than WeChat's own timeout of a request, which calls `fail`. */
const REQUEST_TIMEOUT = 65000;

/**
 * What the user refused: the button, or the privacy agreement; some phones write it without `fail`. Any other `:fail` is a
 * fault, such as "access denied" or "no permission": asking the user again would not help.
 */
const REFUSED = /^[^:]*:[\s:]*(fail[\s:]*)?((auth|user)\s+(deny|denied|cancel)|cancel|privacy permission)/i;

/**
 * Scheme, host and port. An address that phones could read in different ways does not match: one with a user name (`@`),
 * a backslash or a blank in front of its path.
 */
const ORIGIN = /^(https?):\/\/([^\s/?#\\@:]+|\[[0-9a-f:.]+\])(?::(\d+))?(?=[/?#]|$)/i;
/** A path of the login's own server. `//host`, `/\host` and `/ /host` would lead to another one. */
const PATH = /^\/(?![/\\\s])/;

/**
 * One login for the whole app: create it once, in app.js.
 *
 * @param options `wx`, or Taro, or uni; `url` of the login on your server; `origins` of your other servers that get the
 *   session token; `storageKey` of the session token
 */
function createLogin({ wx, url: given, origins = [], storageKey = "wechat-login:session" }) {
  const url = `${given}`.replace(/\/+$/, "");
  const ownServer = serverOfLogin(url);
  const trusted = [url, ...origins.map(checkedOrigin)].map(originOf).filter(Boolean);
  let token = tried(() => wx.getStorageSync(storageKey)) || "";
  let pending; // the answer "incomplete", with its temporary token
  let underway; // the last step of the login, as long as it is under way
  let busy = { until: 0 }; // the last 429 or 503, and how long it holds
  let refusals = 0; // how often in a row the server refused what the user had allowed
  let period = {}; // from one logout to the next; what began in an earlier one stores nothing

  /** Throws if `logout` was called since. */
  function check(began) {
    if (began !== period) throw failure({ code: "signed_out", message: "logout() was called meanwhile." });
  }

  /** One step of the login after the other: each needs the temporary token that the one before brought. */
  function inTurn(work) {
    const began = period;
    const next = async (before) => {
      check(began);
      return work(began, before);
    };
    const step = underway ? underway.then(next, () => next()) : next();
    const forget = () => {
      if (underway === step) underway = undefined;
    };
    underway = step;
    step.then(forget, forget);
    return step;
  }

  /** Asks the login, but not before the time that it gave with its last refusal is over. */
  async function ask(path, began, data, avatar) {
    const retryAfter = Math.ceil((busy.until - Date.now()) / 1000);
    if (retryAfter > 0) throw failure({ ...busy, retryAfter });
    const fields = await data();
    check(began);
    try {
      return await send(wx, { url: url + path, method: "POST", data: fields, avatar }, REQUEST_TIMEOUT);
    } catch (error) {
      const { retryAfter: seconds, code, message, statusCode } = error;
      if (seconds) busy = { until: Date.now() + seconds * 1000, code, message, statusCode };
      throw error;
    }
  }

  async function remember(answer, began) {
    const { status, sessionToken, expiresIn } = Object(answer);
    if (began !== period && sessionToken) await endSession(sessionToken).catch(() => {});
    check(began);
    pending = undefined;
    if (status === "incomplete") pending = { ...answer, until: Date.now() + expiresIn * 1000 };
    else if (status !== "signed_in") throw failure(unexpected("no login"));
    // With `session: false` the server gives none: the login state is its own.
    else if (sessionToken) keep(sessionToken);
    return answer;
  }

  const endSession = (sessionToken) => {
    const header = bearer(sessionToken);
    return send(wx, { url: `${url}/logout`, method: "POST", data: {}, header }, REQUEST_TIMEOUT);
  };

  function keep(sessionToken = "") {
    token = sessionToken;
    // A storage that is full throws. Then the token lasts as long as the app.
    tried(() => (token ? wx.setStorageSync(storageKey, token) : wx.removeStorageSync(storageKey)));
  }

  const isPending = () => Boolean(pending) && Date.now() < pending.until;

  async function begin(began) {
    if (isPending()) return pending;
    const wxLogin = async () => ({ code: (await call(wx, "login", {}, WX_LOGIN_TIMEOUT)).code });
    const attempt = async () => remember(await ask("/login", began, wxLogin), began);
    try {
      return await attempt();
    } catch (error) {
      // A code works once, and a proxy may have sent it twice. A second new one would not help.
      if (error.code !== "invalid_code") throw error;
      check(began);
      return await attempt();
    }
  }

  async function finish({ errMsg = "", avatar, ...fields }, began, before = {}) {
    // A second tap, while the first one has signed in: nothing is missing any more.
    if (before.status === "signed_in") return before;
    // The callback runs for a refusal, too. Nothing is sent, the token stays good.
    if (REFUSED.test(errMsg)) return { ...(await begin(began)), refused: true };
    if (errMsg.includes(":fail")) throw failure({ code: "button_failed", message: errMsg });
    if (!isPending()) return { ...(await begin(began)), again: true };
    try {
      const { temporaryToken } = pending;
      const answer = await ask("/login/complete", began, () => ({ temporaryToken, ...fields }), avatar);
      refusals = 0;
      return await remember(answer, began);
    } catch (error) {
      if (!OVER.includes(error.code)) throw error;
      check(began);
      // What was sealed before a wx.login opens no longer: the user has to press the new button.
      pending = undefined;
      refusals += 1;
      if (refusals >= MOST_REFUSALS) throw error;
      return { ...(await begin(began)), again: true };
    }
  }

  /** Whoever asks while a login is under way gets its answer: one wx.login for all. */
  const start = () => underway || inTurn(begin);

  async function signIn(began) {
    const { status } = await start();
    check(began);
    if (status !== "signed_in") throw failure({ code: "login_incomplete", message: "Show the login page." });
    if (!token) throw failure({ code: "no_session_token", message: NO_SESSION_TOKEN });
  }

  /** Another server gets no session token, and no login begins for it. */
  async function askOther(options) {
    try {
      return await send(wx, options);
    } catch (error) {
      if (!isLoginRequired(error)) throw error;
      const { statusCode } = error;
      const message = `${options.url} got no session token: it is on another origin than ${url}. If that server is yours, add its origin to createLogin's "origins".`;
      throw failure({ code: "foreign_origin", message, statusCode });
    }
  }

  /**
   * A request with the session token. If the session has expired it logs in again and asks again, once: the guard refused
   * the first request, so that nothing is done twice.
   */
  async function request({ header, ...given }) {
    const options = { ...given, url: PATH.test(given.url) ? ownServer + given.url : given.url };
    const isOwn = PATH.test(options.url) || trusted.includes(originOf(options.url));
    if (!isOwn) return askOther({ ...options, header });
    const began = period;
    const attempt = () => send(wx, { ...options, header: { ...header, ...bearer(token) } });
    if (!token) await signIn(began);
    const used = token;
    try {
      return await attempt();
    } catch (error) {
      if (!isLoginRequired(error)) throw error;
      check(began);
      // Another request may have logged in meanwhile.
      if (token === used) keep("");
      if (!token) await signIn(began);
      return await attempt();
    }
  }

  return {
    isSignedIn: () => token !== "",
    start,
    complete: (fields) => inTurn((began, before) => finish(fields, began, before)),
    request,
    updateProfile: ({ avatar, ...data }) => request({ url: `${url}/profile`, method: "POST", data, avatar }),
    async logout() {
      const ended = token;
      // A login that is under way ends its own session, when it learns of one.
      period = {};
      pending = undefined;
      underway = undefined;
      refusals = 0;
      keep("");
      if (!ended) return;
      await endSession(ended).catch((error) => {
        // Otherwise the session was over already, as it should be.
        if (!isLoginRequired(error)) throw error;
      });
    },
    /** Base libraries below 2.32.3 ask for no agreement. */
    agreeToPrivacy: async () =>
      !wx.requirePrivacyAuthorize ||
      call(wx, "requirePrivacyAuthorize", {}).then(
        () => true,
        () => false,
      ),
  };
}

/** Sends a request, with a file on the phone by uploadFile; gives the body, or throws what the body says is wrong. */
async function send(wx, { url, method = "GET", data, avatar, header = {} }, timeout) {
  // Without what is undefined: uploadFile would send the word.
  const fields = JSON.parse(JSON.stringify(data || {}));
  const response = avatar
    ? await call(
        wx,
        "uploadFile",
        { url, filePath: avatar, name: "avatar", formData: fields, header },
        timeout,
      )
    : await call(wx, "request", { url, method, data: fields, header }, timeout);
  const { statusCode } = response;
  // uploadFile gives text, and a gateway's is no JSON.
  const body = avatar ? tried(() => JSON.parse(response.data), response.data) : response.data;
  // A host's own routes may have errors of another form, without a code.
  const error = typeof Object(Object(body).error).code === "string" && body.error;
  // wx.request calls success for every HTTP status.
  if (!error && statusCode < 400) return body;
  const retryAfter = [429, 503].includes(statusCode) ? retryAfterIn(response.header) : undefined;
  throw failure({ ...(error || unexpected(statusCode)), statusCode, retryAfter });
}

/** What the work gives; or something else, where it throws. */
function tried(work, otherwise) {
  try {
    return work();
  } catch (_error) {
    return otherwise;
  }
}

/** A host's own routes answer 401 for other reasons, too, such as a wrong password. */
const isLoginRequired = ({ statusCode, code }) => statusCode === 401 && code === "login_required";

const bearer = (token) => ({ Authorization: `Bearer ${token}` });

const NO_SESSION_TOKEN =
  "The server gave no session token (session: false): send your own login state with wx.request.";

/** In one spelling; `undefined` if the address names no server, or not clearly. Mini Programs have no class URL. */
function originOf(address) {
  const [, scheme, host, port] = ORIGIN.exec(address) || [];
  if (!scheme) return undefined;
  const usual = scheme.length === "https".length ? 443 : 80;
  // Letters of ASCII only: others become letters of ASCII in lower case, such as the Kelvin sign.
  const lower = `${scheme}://${host}`.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return `${lower}:${Number(port || usual)}`;
}

/** What stands in front of the path of the login's `url`; nothing if that is a path, which a wrapper of `wx` completes. */
function serverOfLogin(url) {
  if (url === "" || PATH.test(url)) return "";
  if (!originOf(url)) {
    throw new TypeError(
      `createLogin: "url" is ${url}: it must be the address of the login on your server, such as https://example.com/wx.`,
    );
  }
  return ORIGIN.exec(url)[0];
}

/** @throws {TypeError} a path behind it would promise that only that path gets the token */
function checkedOrigin(origin) {
  if (originOf(origin) && /^[^/]+\/\/[^/?#]+\/?$/.test(origin)) return origin;
  throw new TypeError(
    `createLogin: "origins" has ${origin}: give scheme and host only, such as https://api.example.com.`,
  );
}

const unexpected = (what) => ({ code: "unexpected_answer", message: `Unexpected answer: ${what}` });

/** Phones differ in how they write the names of headers, and some show none of an upload. */
function retryAfterIn(header) {
  const name = Object.keys(header || {}).find((key) => key.toLowerCase() === "retry-after");
  return Number(name && header[name]) || PAUSE;
}

/** The callbacks are what wx, Taro and uni have in common. */
function call(wx, name, options, timeout) {
  return new Promise((resolve, reject) => {
    let header;
    let task;
    const fail = (error) => {
      clearTimeout(timer);
      reject(failure({ code: "unreachable", message: Object(error).errMsg }));
    };
    const giveUp = () => {
      fail({ errMsg: `${name}:fail no answer within ${timeout} ms` });
      if (Object(task).abort) task.abort();
    };
    const timer = timeout && setTimeout(giveUp, timeout);
    const success = (result) => {
      clearTimeout(timer);
      resolve({ header, ...result });
    };
    task = wx[name]({ ...options, success, fail });
    if (!task) return;
    if (name === "uploadFile" && task.onHeadersReceived) {
      task.onHeadersReceived((received) => {
        header = received.header;
      });
    }
    // Taro gives a promise besides. It must not be reported as one that nobody looks at, and what a platform lacks is told by
    // it alone.
    if (task.catch) task.catch(fail);
  });
}

function failure({ message, ...details }) {
  return Object.assign(new Error(message), details);
}

module.exports = { createLogin };
