// Checked by tsc only: every line marked with @ts-expect-error must be refused, every other one must pass.
import express from "express";
import { Cluster, Redis } from "ioredis";
import {
  accessToken,
  type Requirement,
  type WechatLogin,
  type WechatLoginOptions,
  wechatLogin,
  wechatWebLogin,
} from "../../lib/index.ts";

const app = { appId: "wx1", secret: "s" };
const user = { id: 1, unionid: "u" as string | null, nickName: "n", avatarUrl: "" };

// The shape that was ordered; Redis and Cluster both fit, and callbacks may be synchronous or not.
const { findUser, saveUser } = { findUser: async () => user, saveUser: async () => {} };
express().use("/wx", wechatLogin({ ...app, redis: new Redis(), findUser, saveUser }));
wechatLogin({ ...app, redis: new Cluster([]), findUser: () => user, saveUser: () => {} });
wechatLogin({ ...app, findUser: () => undefined, saveUser });

// What is required is never undefined in saveUser; the rest may be.
wechatLogin({
  ...app,
  findUser,
  saveUser(toSave) {
    const unionid: string = toSave.unionid;
    const nickName: string | undefined = toSave.nickName;
    // @ts-expect-error a nickname is not required here
    const required: string = toSave.nickName;
    return [unionid, nickName, required, toSave.openid satisfies string, toSave.appId satisfies string];
  },
});
wechatLogin({
  ...app,
  require: ["nickName"],
  findUser,
  saveUser(toSave) {
    const nickName: string = toSave.nickName;
    // @ts-expect-error a unionid is not required here
    const unionid: string = toSave.unionid;
    return [nickName, unionid];
  },
});
wechatLogin({
  ...app,
  require: [],
  findUser,
  // @ts-expect-error nothing but the openid is required here
  saveUser: ({ unionid }) => unionid.length,
});

// What is in an array that is made elsewhere nobody knows before it runs.
const wanted: Requirement[] = ["unionid"];
wechatLogin({
  ...app,
  require: wanted,
  findUser,
  // @ts-expect-error perhaps it is not required
  saveUser: ({ unionid }) => unionid.length,
});

// The user is inferred from findUser.
wechatLogin({
  ...app,
  findUser: async ({ appId, openid, unionid }) => ({ ...user, seen: [appId, openid, unionid] }),
  saveUser,
  onLogin: (found, { identity, req }) => ({
    id: found.id.toFixed(),
    seen: found.seen.length,
    identity,
    ip: req.ip,
  }),
});
wechatLogin({
  ...app,
  findUser,
  saveUser,
  // @ts-expect-error the user has no such field
  onLogin: (found) => ({ age: found.age }),
});

// A user without the required fields would be asked at every login: refused by the type.
wechatLogin({
  ...app,
  require: ["avatarUrl"],
  // @ts-expect-error avatar instead of avatarUrl
  findUser: () => ({ id: 1, avatar: "" }),
  saveUser,
});
wechatLogin({
  ...app,
  // @ts-expect-error no number is a unionid
  findUser: () => ({ id: 1, unionid: 5 }),
  saveUser,
});
// @ts-expect-error there is no such requirement
wechatLogin({ ...app, require: ["unionId"], findUser, saveUser });
// @ts-expect-error the secret is missing
wechatLogin({ appId: "wx1", findUser, saveUser });
// @ts-expect-error node-redis is another client
wechatLogin({ ...app, redis: { set() {}, getDel() {} }, findUser, saveUser });
// @ts-expect-error there is no such option
wechatLogin({ ...app, appid: "wx1", findUser, saveUser });

// Options that are prepared elsewhere, with a callback that looks at a part of the user.
const prepared = { ...app, findUser, saveUser, onLogin: ({ id }: { id: number }) => ({ id }) };
wechatLogin(prepared);
wechatLogin({ ...prepared, require: ["unionid", "nickName", "avatarUrl"] });

// What the guard found has the type of what findUser gives.
const wx = wechatLogin({ ...app, findUser, saveUser, session: { ttl: 60 }, keepSessionKey: true });
express().get("/me", wx.requireLogin, async (req, res) => {
  const { id } = wx.userOf(req);
  const { appId, openid, unionid } = wx.identityOf(req);
  const opened: Record<string, unknown> = await wx.openData(req, { encryptedData: "", iv: "" });
  await wx.signOutEverywhere({ openid });
  const isValid: boolean = await wx.sessionKeys.checkSessionKey(wx.identityOf(req));
  // @ts-expect-error the user has no such field
  const { age } = wx.userOf(req);
  res.json([id.toFixed(), appId, unionid satisfies string | undefined, opened, isValid, age]);
});

// Without sessions there is nothing that looks for one; the router itself is the same.
const routesOnly = wechatLogin({
  ...app,
  findUser,
  saveUser,
  session: false,
  onLogin: () => ({ token: "" }),
});
express().use("/wx", routesOnly);
routesOnly.sessionKeys satisfies object;
// @ts-expect-error no session begins: the guard would refuse everyone
routesOnly.requireLogin;
// @ts-expect-error the guard has found nobody
routesOnly.userOf;
// @ts-expect-error there is nothing to end
routesOnly.signOutEverywhere;
const perhaps = wechatLogin({ ...app, findUser, saveUser, session: user.id === 1 ? false : { ttl: 60 } });
express().get("/me", perhaps.requireLogin, (req, res) => res.json(perhaps.userOf(req).id.toFixed()));
const typed: WechatLogin<typeof user> = wechatLogin({ ...app, findUser, saveUser, session: undefined });
const given: WechatLoginOptions<typeof user, readonly ["unionid"]> = { ...app, findUser, saveUser };
express().use(typed.requireLogin, wechatLogin(given).requireLogin);
const web = { website: app, callbackUrl: "https://shop.example/web/callback", findUser, saveUser };
express().use("/web", wechatWebLogin({ ...web, session: false }), wechatWebLogin(web).requireLogin);
// @ts-expect-error no session begins: the guard would refuse everyone
wechatWebLogin({ ...web, session: false }).requireLogin;

// Avatars and phone numbers.
const withPhone = { findUser: () => ({ ...user, phoneNumber: null }), saveUser };
wechatLogin({
  ...app,
  ...withPhone,
  require: ["phoneNumber"],
  saveAvatar: async ({ bytes, mediaType }, { openid }) => `${openid}.${mediaType}.${bytes.length}`,
  checkContent: true,
  onReview: (nickName, { openid }) => nickName !== openid,
  session: false,
});
wechatLogin({
  ...app,
  ...withPhone,
  require: ["phoneNumber"],
  saveUser: ({ phoneNumber, countryCode }) => [
    phoneNumber satisfies string,
    countryCode satisfies string | undefined,
  ],
});
// @ts-expect-error saveAvatar must give a URL
wechatLogin({ ...app, findUser, saveUser, saveAvatar: () => 5 });
// @ts-expect-error sessions are on, or left out by false
wechatLogin({ ...app, findUser, saveUser, session: true });

// The access_token for hosts; it needs a Redis to share.
accessToken({ ...app, redis: new Redis() }).get() satisfies Promise<string>;
// @ts-expect-error redis is missing
accessToken(app);
