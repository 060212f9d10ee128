// The client of express-wechat-login, for Mini Programs, Mini Games, Taro and uni-app. How it is used: docs/clients.md.
// Plain ES2018 without dependencies: copy it, with wechat-login.d.ts beside it.

/** Where an answer does not show its `Retry-After`: seconds. */
const PAUSE = 5;

/** With these the temporary token is over, or the key that the user data were sealed with. */
const OVER = ["invalid_temporary_token", "invalid_user_data"];

/** What the user refused: the button, or the privacy agreement. Any other `:fail` is a fault. */
const REFUSED = /:fail\b.*\b(deny|denied|cancel|privacy permission)/;

/**
 * One login for the whole app: create it once, in app.js.
 *
 * @param options `wx`, or Taro, or uni; `url` of the login on your server; `storageKey` of the session token
 */
function createLogin({ wx, url, storageKey = "wechat-login:session" }) {
  let token = tried(() => wx.getStorageSync(storageKey)) || "";
  let pending; // the answer "incomplete", with its temporary token
  let underway; // the last step of the login, as long as it is under way
  let busy = { until: 0 }; // the last 429 or 503, and how long it holds

  /** One step of the login after the other: each needs the temporary token that the one before brought. */
  function inTurn(work) {
    const step = underway ? underway.then(work, () => work()) : work();
    const forget = () => {
      if (underway === step) underway = undefined;
    };
    underway = step;
    step.then(forget, forget);
    return step;
  }

  /** Asks the login, but not before the time that it gave with its last refusal is over. */
  async function ask(path, data, avatar) {
    const retryAfter = Math.ceil((busy.until - Date.now()) / 1000);
    if (retryAfter > 0) throw failure({ ...busy, retryAfter });
    try {
      return await send(wx, { url: url + path, method: "POST", data: await data(), avatar });
    } catch (error) {
      const { retryAfter: seconds, code, message, statusCode } = error;
      if (seconds) busy = { until: Date.now() + seconds * 1000, code, message, statusCode };
      throw error;
    }
  }

  function remember(answer) {
    pending = undefined;
    if (answer.status === "incomplete") pending = { ...answer, until: Date.now() + answer.expiresIn * 1000 };
    else if (answer.sessionToken) keep(answer.sessionToken);
    else throw failure(unexpected("no login"));
    return answer;
  }

  function keep(sessionToken = "") {
    token = sessionToken;
    // A storage that is full throws. Then the token lasts as long as the app.
    tried(() => (token ? wx.setStorageSync(storageKey, token) : wx.removeStorageSync(storageKey)));
  }

  async function begin() {
    if (pending && Date.now() < pending.until) return pending;
    const attempt = () => ask("/login", async () => ({ code: (await call(wx, "login", {})).code }));
    try {
      return remember(await attempt());
    } catch (error) {
      // A code works once, and a proxy may have sent it twice. A second new one would not help.
      if (error.code !== "invalid_code") throw error;
      return remember(await attempt());
    }
  }

  async function finish({ errMsg = "", avatar, ...fields }, before = {}) {
    // A second tap, while the first one has signed in: nothing is missing any more.
    if (before.status === "signed_in") return before;
    // The callback runs for a refusal, too. Nothing is sent, the token stays good.
    if (REFUSED.test(errMsg)) return { ...(await begin()), refused: true };
    if (errMsg.includes(":fail")) throw failure({ code: "button_failed", message: errMsg });
    if (!pending) return { ...(await begin()), again: true };
    try {
      const { temporaryToken } = pending;
      return remember(await ask("/login/complete", () => ({ temporaryToken, ...fields }), avatar));
    } catch (error) {
      if (!OVER.includes(error.code)) throw error;
      // What was sealed before a wx.login opens no longer: the user has to press the new button.
      pending = undefined;
      return { ...(await begin()), again: true };
    }
  }

  /** Whoever asks while a login is under way gets its answer: one wx.login for all. */
  const start = () => underway || inTurn(begin);

  async function signIn() {
    const { status } = await start();
    if (status !== "signed_in") throw failure({ code: "login_incomplete", message: "Show the login page." });
  }

  /** A request with the session token. Where the session is over it logs in again and asks again, once. */
  async function request({ header, ...options }) {
    const attempt = () => send(wx, { ...options, header: { ...header, Authorization: `Bearer ${token}` } });
    if (!token) await signIn();
    const used = token;
    try {
      return await attempt();
    } catch (error) {
      if (error.statusCode !== 401) throw error;
      // Another request may have logged in meanwhile.
      if (token === used) keep("");
      if (!token) await signIn();
      return await attempt();
    }
  }

  return {
    isSignedIn: () => token !== "",
    start,
    complete: (fields) => inTurn((before) => finish(fields, before)),
    request,
    updateProfile: ({ avatar, ...data }) => request({ url: `${url}/profile`, method: "POST", data, avatar }),
    async logout() {
      const header = { Authorization: `Bearer ${token}` };
      keep("");
      await send(wx, { url: `${url}/logout`, method: "POST", data: {}, header }).catch((error) => {
        // Otherwise the session was over already, as it should be.
        if (error.code !== "login_required") throw error;
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
async function send(wx, { url, method = "GET", data, avatar, header = {} }) {
  // Without what is undefined: uploadFile would send the word.
  const fields = JSON.parse(JSON.stringify(data || {}));
  const response = avatar
    ? await call(wx, "uploadFile", { url, filePath: avatar, name: "avatar", formData: fields, header })
    : await call(wx, "request", { url, method, data: fields, header });
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

const unexpected = (what) => ({ code: "unexpected_answer", message: `Unexpected answer: ${what}` });

/** Phones differ in how they write the names of headers, and some show none of an upload. */
function retryAfterIn(header) {
  const name = Object.keys(header || {}).find((key) => key.toLowerCase() === "retry-after");
  return Number(name && header[name]) || PAUSE;
}

/** The callbacks are what wx, Taro and uni have in common. */
function call(wx, name, options) {
  return new Promise((resolve, reject) => {
    let header;
    const task = wx[name]({
      ...options,
      success: (result) => resolve({ header, ...result }),
      fail: ({ errMsg }) => reject(failure({ code: "unreachable", message: errMsg })),
    });
    if (!task) return;
    if (name === "uploadFile" && task.onHeadersReceived) {
      task.onHeadersReceived((received) => {
        header = received.header;
      });
    }
    // Taro gives a promise besides; it must not be reported as one that nobody looks at.
    if (task.catch) task.catch(() => {});
  });
}

function failure({ message, ...details }) {
  return Object.assign(new Error(message), details);
}

module.exports = { createLogin };
