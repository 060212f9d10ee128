import { randomUUID } from "node:crypto";
import type { Phone, PhoneUser, WechatSimulator } from "express-wechat-login/simulator";

/** An answer of the login, as far as a phone looks into it. */
interface Answer {
  status?: string;
  temporaryToken?: string;
}

/**
 * Walks phones through both scenarios over HTTP and prints each request and its answer.
 *
 * @param url where the example listens
 * @param users gives what is stored in the end
 */
export async function walkThrough(
  url: string,
  wechat: WechatSimulator,
  users: () => object[],
): Promise<void> {
  const before = users().length;
  const newPhone = (user: PhoneUser) =>
    wechat.phone({ unionid: `union-${randomUUID().slice(0, 8)}`, ...user });

  title("Scenario 1, unionid only: WeChat gives the unionid with the code, nobody is asked");
  await send(`${url}/wx/login`, newPhone({}).login());

  title(
    "Scenario 1, unionid only: WeChat gives none; the user refuses first, then allows, and is never asked again",
  );
  const shy = newPhone({ unionidAtLogin: false });
  await authorise(`${url}/wx`, shy, { refuseFirst: true });
  await send(`${url}/wx/login`, shy.login());

  title("Scenario 2, unionid and profile: an old client still gives the real nickname and avatar");
  const old = newPhone({ client: "old", nickName: "小明" });
  await authorise(`${url}/wx-profile`, old, { refuseFirst: false });
  await send(`${url}/wx-profile/login`, old.login());

  title("Stored");
  console.table(users().slice(before));
}

/** One login with the authorisation button. */
async function authorise(wx: string, phone: Phone, { refuseFirst }: { refuseFirst: boolean }): Promise<void> {
  const { temporaryToken } = await send(`${wx}/login`, phone.login());
  if (refuseFirst) await send(`${wx}/login/complete`, { temporaryToken, ...phone.refuse() });
  const { encryptedData, iv, rawData, signature } = phone.getUserInfo();
  await send(`${wx}/login/complete`, { temporaryToken, encryptedData, iv, rawData, signature });
}

async function send(url: string, body: object): Promise<Answer> {
  console.log(`→ POST ${new URL(url).pathname} ${short(body)}`);
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = (await response.json()) as Answer;
  console.log(`← ${response.status} ${short(answer)}`);
  return answer;
}

/** JSON in one line, with long values cut. */
function short(body: object): string {
  return JSON.stringify(body, (_name, value) =>
    typeof value === "string" && value.length > 80 ? `${value.slice(0, 24)}…` : value,
  );
}

function title(text: string): void {
  console.log(`\n${text}`);
}
