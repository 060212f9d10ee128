import { createRequire } from "node:module";
import type * as Client from "../../../example-app/miniprogram/wechat-login.js";
import type { Phone } from "../../../lib/simulator/index.ts";
import { type Device, wxOf } from "./wx.ts";

/** The client as it is on disk. */
export const { createLogin } = createRequire(`${process.cwd()}/`)(
  "./example-app/miniprogram/wechat-login.js",
) as typeof Client;

/** The `wx` of a phone of the simulator, in this process. */
export function phoneInNode(phone: Phone, ask: Device["ask"] = async () => true) {
  const stored = new Map<string, string>();
  const device: Device = {
    wechat: async (method, ...args) =>
      (phone[method as keyof Phone] as (...args: unknown[]) => object)(...args),
    ask,
    storage: {
      get: (key) => stored.get(key) ?? null,
      set: (key, value) => void stored.set(key, value),
      remove: (key) => void stored.delete(key),
    },
    files: new Map<string, Blob>(),
  };
  return { ...wxOf(device), device, stored };
}
