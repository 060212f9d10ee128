import { randomUUID } from "node:crypto";
import type { Phone, PhoneUser, WechatSimulator } from "express-wechat-login/simulator";

/** An answer of the login, as far as a phone looks into it. */
interface Answer {
  status?: string;
  temporaryToken?: string;
  sessionToken?: string;
  avatarUrl?: string;
}

/** The picture that a user has chosen: a green square. */
const AVATAR = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGNkP5jAwMDAxMDAwMDAAAANsQEsWoc9tQAAAABJRU5ErkJggg==",
  "base64",
);

/**
 * Walks phones through the scenarios over HTTP and prints each request and its answer.
 *
 * @param url where the example listens
 * @param users gives what is stored in the end
 */
export async function walkThrough(
  url: string,
  wechat: WechatSimulator,
  users: () => Promise<object[]>,
): Promise<void> {
  const before = (await users()).length;
  const newPhone = (user: PhoneUser) =>
    wechat.phone({ unionid: `union-${randomUUID().slice(0, 8)}`, ...user });

  title("Scenario 1, unionid only: WeChat gives the unionid with the code, nobody is asked");
  await post(`${url}/wx/login`, newPhone({ nickName: "小陈" }).login());

  title(
    "Scenario 1, unionid only: WeChat gives none; the user refuses first, then allows, and is never asked again",
  );
  const shy = newPhone({ unionidAtLogin: false, nickName: "小李" });
  await authorise(`${url}/wx`, shy, { refuseFirst: true });
  await post(`${url}/wx/login`, shy.login());

  title("Scenario 2, unionid and profile: an old client still gives the real nickname and avatar");
  await authorise(`${url}/wx-profile`, newPhone({ client: "old", nickName: "老周" }), { refuseFirst: false });

  title("Scenario 2 as it works since 2022: the user chooses an avatar and types a nickname, once");
  const modern = newPhone({ nickName: "小林" });
  const asked = await post(`${url}/wx-profile/login`, modern.login());
  const fields = { temporaryToken: String(asked.temporaryToken), nickName: "小林" };
  const { sessionToken } = await upload(`${url}/wx-profile/login/complete`, fields);
  await post(`${url}/wx-profile/login`, modern.login());

  title("Signed in: the session token opens the other routes; the nickname is changed");
  const { avatarUrl } = await get(`${url}/me`, sessionToken);
  await post(`${url}/wx/profile`, { nickName: "林林" }, sessionToken);
  const picture = await fetch(String(avatarUrl));
  console.log(
    `→ GET ${new URL(String(avatarUrl)).pathname}\n← ${picture.status} ${picture.headers.get("content-type")}`,
  );

  title("The phone number as part of the login");
  const caller = newPhone({ nickName: "小吴" });
  const { temporaryToken } = await post(`${url}/wx-phone/login`, caller.login());
  await post(`${url}/wx-phone/login/complete`, { temporaryToken, phoneCode: caller.getPhoneNumber().code });

  title("The website: the same user comes by QR code, is known by the unionid, and keeps name and avatar");
  await scan(url, modern);

  title("Signed out: the token is worth nothing");
  await post(`${url}/wx/logout`, {}, sessionToken);
  await get(`${url}/me`, sessionToken);

  title("Stored");
  console.table((await users()).slice(before));
}

/** A browser that shows the QR code, a phone that scans it and allows the login. */
async function scan(url: string, phone: Phone): Promise<void> {
  const start = await open(`${url}/web`, "");
  console.log("the phone scans the QR code, and allows it");
  const back = await open(phone.authorize(start.location), start.cookie);
  await send(`${url}/me`, { headers: { Cookie: back.cookie } }, "");
}

async function open(target: string, cookie: string): Promise<{ location: string; cookie: string }> {
  console.log(`→ GET ${new URL(target).pathname}`);
  const { status, headers } = await fetch(target, { headers: { Cookie: cookie }, redirect: "manual" });
  const location = headers.get("location") ?? "";
  console.log(`← ${status} Location: ${location.replace(/\?.*/, "?…")}`);
  return { location, cookie: headers.getSetCookie()[0]?.split(";")[0] ?? "" };
}

/** One login with the authorisation button. */
async function authorise(wx: string, phone: Phone, { refuseFirst }: { refuseFirst: boolean }): Promise<void> {
  const { temporaryToken } = await post(`${wx}/login`, phone.login());
  if (refuseFirst) await post(`${wx}/login/complete`, { temporaryToken, ...phone.refuse() });
  const { encryptedData, iv, rawData, signature } = phone.getUserInfo();
  await post(`${wx}/login/complete`, { temporaryToken, encryptedData, iv, rawData, signature });
}

async function post(url: string, body: object, sessionToken?: string): Promise<Answer> {
  const headers = { "Content-Type": "application/json", ...bearer(sessionToken) };
  return await send(url, { method: "POST", headers, body: JSON.stringify(body) }, short(body));
}

/** As `wx.uploadFile` sends it: one file, fields beside it. */
async function upload(url: string, fields: Record<string, string>): Promise<Answer> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("avatar", new Blob([AVATAR], { type: "image/png" }), "tmp_avatar.png");
  return await send(url, { method: "POST", body: form }, `${short(fields)} + file avatar`);
}

async function get(url: string, sessionToken?: string): Promise<Answer> {
  return await send(url, { headers: bearer(sessionToken) }, "");
}

function bearer(sessionToken: string | undefined): Record<string, string> {
  return sessionToken === undefined ? {} : { Authorization: `Bearer ${sessionToken}` };
}

async function send(url: string, init: RequestInit, shown: string): Promise<Answer> {
  console.log(`→ ${init.method ?? "GET"} ${new URL(url).pathname} ${shown}`);
  const response = await fetch(url, init);
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
