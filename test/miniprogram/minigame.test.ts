import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { posix } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import express from "express";
import { type Identity, wechatLogin } from "../../lib/index.ts";
import { APP_ID, listen, ownPrefix, redis, SECRET, startWechat, userTable } from "../support/login-app.ts";
import { phoneInNode } from "./support/load.ts";

const GAME = "example-app/minigame";
type Tap = (result: object) => void;

/** A phone with the game on it: what its canvas shows, and the button that WeChat lays over it. */
async function openGame(answers: boolean[]) {
  const { wechat, users, url } = await startHost();
  const user = { unionid: "u1", unionidAtLogin: false, nickName: "小明", client: "minigame" } as const;
  // The first dialog is the privacy agreement's, which the button asks for.
  const phone = phoneInNode(wechat.phone(user), async () => answers.shift() === true);
  const shown: string[] = [];
  const buttons = new Set<(detail?: object) => Promise<void>>();
  let tap = () => {};
  const screen = { fillRect() {}, fillText: (text: string) => shown.push(text) };
  const wx = {
    ...phone.wx,
    request: (options: Parameters<typeof phone.wx.request>[0]) =>
      phone.wx.request({ ...options, url: options.url.replace("http://localhost:3000", url) }),
    onTouchStart: (listener: typeof tap) => {
      tap = listener;
    },
    getSystemInfoSync: () => ({ windowWidth: 390, windowHeight: 844 }),
    createCanvas: () => ({ width: 390, height: 844, getContext: () => screen }),
    createUserInfoButton() {
      let onTap: Tap = () => {};
      const press = async (detail?: object) => onTap(detail ?? (await phone.press("getUserInfo")));
      buttons.add(press);
      return {
        onTap: (listener: Tap) => {
          onTap = listener;
        },
        destroy: () => void buttons.delete(press),
      };
    },
  };
  /** Starts the game's files as they are. */
  const start = () => load("game.js", wx);
  /** Waits until the canvas shows it. */
  async function until(text: string): Promise<void> {
    for (let tries = 0; shown.at(-1) !== text; tries++) {
      if (tries === 400) throw new Error(`"${shown.at(-1)}" is shown, not "${text}"`);
      await pause(5);
    }
  }
  return { wechat, users, start, until, shown, stored: phone.stored, buttons, tap: () => tap() };
}

/** A host as the example is: unionid and profile at /wx-profile, the user at /me. */
async function startHost() {
  const wechat = await startWechat();
  const { users, findUser, saveUser } = userTable();
  const login = wechatLogin({
    ...{ appId: APP_ID, secret: SECRET, baseUrl: wechat.baseUrl, redis: redis(), keyPrefix: ownPrefix() },
    ...{ findUser, saveUser: (user: Identity) => saveUser(user) },
    require: ["unionid", "nickName", "avatarUrl"],
  });
  const app = express();
  app.use("/wx-profile", login);
  app.get("/me", login.requireLogin, (req, res) => void res.json(login.userOf(req)));
  return { wechat, users, url: await listen(createServer(app)) };
}

function load(path: string, wx: object): object {
  const module = { exports: {} };
  const require = (name: string) => load(posix.join(posix.dirname(path), name), wx);
  const text = readFileSync(`${GAME}/${path}`, "utf8");
  new Function("require", "module", "wx", text)(require, module, wx);
  return module.exports;
}

describe("the Mini Game", () => {
  it("asks by its button, takes a refusal, and gets the real nickname and avatar; the second start asks nobody", async () => {
    const { start, until, buttons, users, wechat } = await openGame([true, false, true]);
    start();
    await until("请先登录");
    const [press] = [...buttons];
    await press?.();
    await until("您已拒绝，可以再按一次");
    await press?.();
    await until("你好，小明");
    expect(users[0]).to.include({ unionid: "u1", nickName: "小明" });
    expect(buttons.size).to.equal(0);
    start();
    await until("正在登录…");
    await until("你好，小明");
    expect(wechat.requests, "one code2Session").to.have.length(1);
  });

  it("asks by its button, too, where the stored session is over", async () => {
    const { start, until, buttons, stored } = await openGame([true, true]);
    stored.set("wechat-login:session", "stale");
    start();
    await until("请先登录");
    const [press] = [...buttons];
    await press?.();
    await until("你好，小明");
    expect(buttons.size).to.equal(0);
  });

  it("tries again by a tap on the screen, and makes one button for two taps", async () => {
    const { start, until, buttons, wechat, tap, shown } = await openGame([true, true, true, true]);
    wechat.bendNext({ errcode: 40226 });
    start();
    await until("点击屏幕重试");
    expect(shown.at(-2)).to.equal("登录失败（user_blocked）");
    tap();
    tap();
    await until("请先登录");
    await pause(50);
    expect(buttons.size).to.equal(1);
    // With the button on the screen it is the button that tries again.
    const before = shown.length;
    tap();
    expect(shown.length).to.equal(before);
    const [press] = [...buttons];
    await Promise.all([press?.(), press?.()]);
    await until("你好，小明");
    await pause(50);
    const failures = shown.slice(before).filter((text) => text.startsWith("登录失败"));
    expect(failures, "a second press does no harm").to.deep.equal([]);
  });

  it("says why the button failed, and takes the next press", async () => {
    const { start, until, buttons, shown } = await openGame([true, true]);
    start();
    await until("请先登录");
    const [press] = [...buttons];
    const errMsg = "getUserInfo:fail api scope is not declared in the privacy agreement";
    await press?.({ errMsg });
    await until("请再按一次");
    expect(shown.slice(-3, -1)).to.deep.equal(["登录失败", errMsg]);
    await press?.();
    await until("你好，小明");
  });
});
