import type { Phone, WechatSimulator } from "../../lib/simulator/index.ts";
import { browserOf } from "../support/browser.ts";
import { PICTURES } from "../support/pictures.ts";

const STATUSES: Record<string, number[]> = {
  invalid_request: [400, 413, 415],
  authorization_denied: [400],
  invalid_phone_code: [400],
  invalid_code: [401],
  invalid_temporary_token: [401],
  invalid_user_data: [401],
  login_required: [401],
  unionid_unavailable: [403],
  rate_limited: [429],
  wechat_error: [502],
  wechat_unavailable: [503],
};

/** One answer, as far as the traffic looks into it. */
interface Answer {
  status: number;
  body: { status?: string; error?: { code: string }; temporaryToken?: string; sessionToken?: string };
}

/** Mixed traffic of people whose number is fixed, so that nobody can become two. */
export function traffic(url: string, wechat: WechatSimulator, people: number, hostMayFail: () => boolean) {
  const phones = Array.from({ length: people }, (_value, index) =>
    wechat.phone({
      ...{ openid: `o${index}`, unionid: `u${index}`, nickName: `name ${index}` },
      ...{ unionidAtLogin: index % 2 === 0, client: index % 3 === 0 ? "old" : "current" },
    }),
  );
  const statuses: Record<string, number> = {};
  const offences: string[] = [];
  const any = (limit: number) => Math.floor(Math.random() * limit);

  function check(
    path: string,
    { status, text, location }: { status: number; text: string; location: string },
  ): Answer {
    let body: Answer["body"] = {};
    try {
      body = text === "" ? {} : JSON.parse(text);
    } catch {
      // HTML: Express' own error handler.
    }
    const { error } = body;
    const isRedirect = status === 302 && location !== "";
    const isGood = status === 200 && body.error === undefined;
    const isContract =
      error !== undefined && STATUSES[error.code]?.includes(status) && body.status === undefined;
    // The example's own error handler names no code.
    const isHosts = status === 500 && error?.code === undefined && hostMayFail();
    const kind =
      error?.code ?? (isRedirect ? `302 ${/error=\w+/.exec(location)?.[0] ?? ""}`.trim() : String(status));
    statuses[kind] = (statuses[kind] ?? 0) + 1;
    if (!isRedirect && !isGood && !isContract && !isHosts)
      offences.push(`${path}: ${status} ${text.slice(0, 300)}`);
    return { status, body };
  }

  async function ask(path: string, from: number, init: RequestInit = {}): Promise<Answer> {
    const headers = {
      "X-Forwarded-For": `10.0.${from >> 8}.${from & 255}`,
      ...(init.headers as Record<string, string>),
    };
    const response = await fetch(url + path, { ...init, headers });
    return check(path, { status: response.status, text: await response.text(), location: "" });
  }

  const post = (path: string, from: number, body: object, token?: string) =>
    ask(path, from, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
    });

  const acts: ((phone: Phone, from: number) => Promise<unknown>)[] = [
    async function button(phone, from) {
      const { body } = await post("/wx/login", from, phone.login());
      const { temporaryToken } = body;
      if (!temporaryToken) return;
      if (any(3) === 0) await post("/wx/login/complete", from, { temporaryToken, ...phone.refuse() });
      const completion = { temporaryToken, ...phone.getUserInfo() };
      // A double tap: one of them wins.
      await Promise.all(
        Array.from({ length: 1 + any(2) }, () => post("/wx/login/complete", from, completion)),
      );
    },
    async function session(phone, from) {
      const { body } = await post("/wx/login", from, phone.login());
      const { sessionToken } = body;
      if (!sessionToken) return;
      const headers = { Authorization: `Bearer ${sessionToken}` };
      for (let count = any(3); count >= 0; count--) await ask("/me", from, { headers });
      if (any(2) === 0) await post("/wx/profile", from, { nickName: `name ${any(1000)}` }, sessionToken);
      if (any(2) === 0) await post("/wx/logout", from, {}, sessionToken);
    },
    async function picture(phone, from) {
      const { body } = await post("/wx-profile/login", from, phone.login());
      if (!body.temporaryToken) return;
      const form = new FormData();
      form.set("temporaryToken", body.temporaryToken);
      form.set("nickName", "小明");
      form.set("avatar", new Blob([new Uint8Array(PICTURES.png)]));
      await ask("/wx-profile/login/complete", from, { method: "POST", body: form });
    },
    async function phoneNumber(phone, from) {
      const { body } = await post("/wx-phone/login", from, phone.login());
      const { temporaryToken } = body;
      if (!temporaryToken) return;
      const phoneCode = any(4) === 0 ? "wrong" : phone.getPhoneNumber().code;
      await post("/wx-phone/login/complete", from, { temporaryToken, phoneCode });
    },
    async function website(phone, from) {
      const tab = browserOf(url, any(2) === 0 ? "MicroMessenger" : "Mozilla/5.0");
      const seen = async (path: string) => {
        const answer = await tab.open(path, {
          headers: { "X-Forwarded-For": `10.1.${from >> 8}.${from & 255}` },
        });
        const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
        check("/web", { ...answer, text });
        return answer;
      };
      const { location } = await seen("/web");
      if (location) await seen(phone.authorize(location, { refuse: any(5) === 0 }));
      await seen("/me");
    },
    async function nonsense(_phone, from) {
      await post("/wx/login", from, { code: "unknown" });
      await post("/wx/login/complete", from, { temporaryToken: "A".repeat(43), nickName: "x" });
      await ask("/wx/login", from, { method: "POST", body: "{" });
    },
  ];

  return {
    statuses,
    offences,
    /** One thing that one of the people does. */
    async act(): Promise<void> {
      const index = any(people);
      await acts[any(acts.length)]?.(phones[index] as Phone, index);
    },
  };
}
