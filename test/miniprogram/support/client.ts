import { expect } from "chai";
import sinon from "sinon";
import type { LoginError } from "../../../example-app/miniprogram/wechat-login.js";
import type { PhoneUser } from "../../../lib/simulator/index.ts";
import { startApp } from "../../support/login-app.ts";
import { PICTURES } from "../../support/pictures.ts";
import { createLogin, phoneInNode } from "./load.ts";

/** A picture on the phone. */
export const AVATAR = "http://tmp/1.png";

/** A host with sessions, and a phone with the client. */
export async function startClient(user: PhoneUser, options: Parameters<typeof startApp>[0] = {}) {
  const saveAvatar = async () => "https://cdn.example/1";
  const app = await startApp({ session: {}, saveAvatar, ...options });
  const { wx, press, device, stored } = phoneInNode(app.wechat.phone(user));
  device.files.set(AVATAR, new Blob([PICTURES.png]));
  const [wxLogin, request] = [sinon.spy(wx, "login"), sinon.spy(wx, "request")];
  const login = createLogin({ wx, url: `${app.url}/wx` });
  const me = () => login.request<{ user: { unionid: string } }>({ url: `${app.url}/me` });
  const paths = () => request.args.map(([{ url }]) => url.replace(app.url, ""));
  return { ...app, wx, press, stored, login, wxLogin, request, me, paths };
}

/** What a promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<LoginError> {
  return await promise.then(
    () => expect.fail("it did not reject"),
    (error) => error,
  );
}
