// The `wx` of a simulated phone, over fetch: the same code runs in Node and in the browser. It keeps to what is known of
// the real one: callbacks, success for every HTTP status, text from uploadFile, the privacy agreement in front of buttons.

/** Callbacks of WeChat's APIs. */
export interface Callbacks {
  success?(result: unknown): void;
  fail?(result: { errMsg: string }): void;
}

/** What a phone has, and the person who holds it. */
export interface Device {
  /** WeChat on the phone: the simulator's `Phone`, by method. */
  wechat(method: string, ...args: unknown[]): Promise<object>;
  /** The person answers a dialog of WeChat's. */
  ask(question: string): Promise<boolean>;
  storage: {
    get(key: string): string | null;
    set(key: string, value: string): void;
    remove(key: string): void;
  };
  /** Files on the phone, by their paths. */
  files: Map<string, Blob>;
}

type NetworkOptions = Callbacks & {
  url: string;
  method?: string;
  data?: object;
  header?: Record<string, string>;
};
type UploadOptions = NetworkOptions & { filePath: string; name: string; formData?: Record<string, string> };
type PrivacyListener = (
  resolve: (answer: { event: string; buttonId?: string }) => void,
  info: { referrer: string },
) => void;

/** For so long after a refusal WeChat's own dialog of the privacy agreement is not shown again. */
const PRIVACY_GAP_MS = 10_000;
const NOT_AUTHORIZED = "privacy permission is not authorized";

/** The `wx` of this phone, as far as logins need it, and its buttons. */
export function wxOf(device: Device) {
  let privacyListener: PrivacyListener | undefined;
  let refusedAt = -PRIVACY_GAP_MS;

  /** Without an error; or with the end of WeChat's `errMsg`. */
  async function privacyProblem(referrer: string): Promise<string | undefined> {
    if (device.storage.get("privacy") === "agreed") return undefined;
    const listener = privacyListener;
    if (!listener && Date.now() < refusedAt + PRIVACY_GAP_MS) return `${NOT_AUTHORIZED} in gap`;
    const agrees = listener
      ? await new Promise<boolean>((resolve) => {
          listener(({ event }) => event !== "exposureAuthorization" && resolve(event === "agree"), {
            referrer,
          });
        })
      : await device.ask("隐私保护指引");
    if (agrees) device.storage.set("privacy", "agreed");
    else refusedAt = Date.now();
    return agrees ? undefined : NOT_AUTHORIZED;
  }

  const wx = {
    login: (options: Callbacks) => call("login", options, () => device.wechat("login")),
    request(options: NetworkOptions) {
      call("request", options, async () => {
        const { url, method = "GET", data, header } = options;
        const isGet = method === "GET";
        const query = isGet ? String(new URLSearchParams(Object.entries(data ?? {}))) : "";
        const response = await fetch(query ? `${url}?${query}` : url, {
          method,
          headers: { "Content-Type": "application/json", ...header },
          ...(!isGet && { body: JSON.stringify(data) }),
        });
        return { ...(await answerOf(response)), data: parsed(await response.text()) };
      });
      return { abort() {}, onHeadersReceived() {} };
    },
    uploadFile(options: UploadOptions) {
      let onHeaders = (_received: { header: object }) => {};
      call("uploadFile", options, async () => {
        const { url, filePath, name, formData = {}, header = {} } = options;
        const file = device.files.get(filePath);
        if (!file) throw new Error("file not found");
        const form = new FormData();
        for (const [field, value] of Object.entries(formData)) form.append(field, String(value));
        form.append(name, file, "tmp_avatar");
        const response = await fetch(url, { method: "POST", body: form, headers: header });
        const { statusCode, header: received } = await answerOf(response);
        onHeaders({ header: received });
        return { statusCode, data: await response.text() };
      });
      return {
        abort() {},
        onHeadersReceived(listener: typeof onHeaders) {
          onHeaders = listener;
        },
      };
    },
    getStorageSync: (key: string) => device.storage.get(key) ?? "",
    setStorageSync: (key: string, value: string) => device.storage.set(key, value),
    removeStorageSync: (key: string) => device.storage.remove(key),
    onNeedPrivacyAuthorization(listener: PrivacyListener) {
      privacyListener = listener;
    },
    requirePrivacyAuthorize: (options: Callbacks) =>
      call("requirePrivacyAuthorize", options, async () => {
        const problem = await privacyProblem("requirePrivacyAuthorize");
        if (problem) throw new Error(problem);
        return {};
      }),
  };

  /** What `e.detail` holds after a button with this open-type was pressed. */
  async function press(button: "getUserInfo" | "getPhoneNumber"): Promise<object> {
    const problem = await privacyProblem(`button.${button}`);
    if (problem) return { errMsg: `${button}:fail ${problem}` };
    return await device.wechat(...(((await device.ask(button)) ? [button] : ["refuse", button]) as [string]));
  }

  return { wx, press, privacyProblem };
}

/** Calls back, later; where `fail` is called depends on the network, never on the HTTP status. */
function call(name: string, { success, fail }: Callbacks, work: () => Promise<object>): undefined {
  work().then(
    (result) => success?.({ errMsg: `${name}:ok`, ...result }),
    ({ message }: Error) => fail?.({ errMsg: `${name}:fail ${message}` }),
  );
}

async function answerOf(response: Response) {
  return { statusCode: response.status, header: Object.fromEntries(response.headers) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
