import { createServer } from "node:http";
import { expect } from "chai";
import express, { type ErrorRequestHandler } from "express";
import { WechatLoginError, wechatLogin } from "../../lib/index.ts";
import { errorBody } from "../support/error-body.ts";
import {
  APP_ID,
  ask,
  listen,
  ownPrefix,
  redis,
  SECRET,
  startWechat,
  userTable,
} from "../support/login-app.ts";
import { beginAt, spliceUnionId } from "./support/splice.ts";

const OPENID = "oAttacker0123456789012345678";
const OWN_UNIONID = "oAttackersOwnUnionid00000000";
const VICTIM = "ocMvos6NjeKLIBqg5Mr9QjxrP1FA";
const NOT_OPENED = errorBody("invalid_user_data", "The user data cannot be opened: call wx.login again.");

/** A host that opens data after the login, and an attacker who is signed in and has this nickname and unionid. */
async function attack({ nickName, unionid }: { nickName: string; unionid?: string }) {
  const wechat = await startWechat();
  const { findUser, saveUser } = userTable();
  const account = { appId: APP_ID, secret: SECRET, redis: redis(), baseUrl: wechat.baseUrl };
  const keyPrefix = ownPrefix();
  const wx = wechatLogin({ ...account, findUser, saveUser, require: [], keepSessionKey: true, keyPrefix });
  const app = express();
  app.use("/wx", wx);
  app.post("/open", wx.requireLogin, express.json(), (req, res, next) => {
    wx.openData(req, req.body).then((data) => res.json(data), next);
  });
  const onError: ErrorRequestHandler = (error, _req, res, next) => {
    if (error instanceof WechatLoginError) res.status(error.status).json(error);
    else next(error);
  };
  app.use(onError);
  const url = await listen(createServer(app));
  const phone = wechat.phone({
    openid: OPENID,
    client: "old",
    nickName,
    unionidAtLogin: false,
    ...(unionid && { unionid }),
  });
  function post(path: string, body: object, token = "") {
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
    return ask(`${url}${path}`, { method: "POST", body: JSON.stringify(body), headers });
  }
  const { sessionToken } = (await post("/wx/login", phone.login())).body;
  return { phone, open: (body: object) => post("/open", body, sessionToken) };
}

/** The plaintext of the attacker's own user data up to their nickname. */
function beginningOf(unionid?: string): string {
  const identity = { openId: OPENID, ...(unionid && { unionId: unionid }) };
  return `${JSON.stringify(identity).slice(0, -1)},"nickName":"`;
}

/** Characters up to the end of a block. */
function fillerBehind(beginning: string): string {
  return "-".repeat((16 - (beginning.length % 16)) % 16);
}

/** What opens in one request if the data begin inside the own nickname, and the iv chooses the 16 bytes in front of it. */
const ONE_REQUEST = [
  ["a phone number", '{"phoneNumber":"', "13800138000"],
  ["a phone number with its country code", '{"phoneNumber":"', "+8613800138000"],
  ["a unionId", `{"unionId":"${VICTIM.slice(0, 4)}`, VICTIM.slice(4)],
  ["an openGId", '{"openGId":"tGBf', "qg0123456789abcdef_-ABCD"],
  ["an openId", `{"openId":"${VICTIM.slice(0, 5)}`, VICTIM.slice(5)],
  ["steps that are a text", '{"stepInfoList":', '"99999'],
] as const;

describe("openData, given the attacker's own data from a block inside their nickname on", () => {
  for (const [what, wanted, rest] of ONE_REQUEST) {
    for (const unionid of [undefined, OWN_UNIONID]) {
      it(`does not open ${what} of the attacker's choice${unionid ? ", who has a unionid" : ""}`, async () => {
        const beginning = beginningOf(unionid);
        // JSON escapes a quote in a nickname: the backslash ends the block in front, and is left out.
        const backslash = rest.startsWith('"') ? "\\" : "";
        const filler = fillerBehind(beginning + backslash);
        const { phone, open } = await attack({ nickName: filler + rest, ...(unionid && { unionid }) });
        const info = phone.getUserInfo();
        const { rawData, signature } = info;
        const begun = beginAt(info, beginning + filler + backslash, wanted);
        for (const body of [begun, { ...begun, rawData, signature }]) {
          const answer = await open(body);
          expect([answer.status, answer.body]).to.deep.equal([401, NOT_OPENED]);
        }
      });
    }
  }

  it("still opens the same data as they are", async () => {
    const { phone, open } = await attack({ nickName: "-".repeat(11) + VICTIM, unionid: OWN_UNIONID });
    const { status, body } = await open(phone.getUserInfo());
    expect(status).to.equal(200);
    expect(body).to.include({ openId: OPENID, unionId: OWN_UNIONID });
    expect((await open(phone.getPhoneNumber())).body).to.include({ phoneNumber: "10012345678" });
  });
});

describe("openData, given a unionId that was spliced in behind a block of garbage", () => {
  it("never opens it, with the genuine rawData and signature and without", async () => {
    const beginning = beginningOf();
    const nickName = fillerBehind(beginning) + VICTIM.slice(3);
    const { phone, open } = await attack({ nickName });
    for (let count = 0; count < 50; count++) {
      const info = phone.getUserInfo();
      const { rawData, signature } = info;
      const spliced = spliceUnionId(info, beginning + nickName, VICTIM);
      for (const body of [spliced, { ...spliced, rawData, signature }]) {
        const answer = await open(body);
        // Beyond twenty failures the user is asked to pause; that is no part of the protection.
        expect(`${answer.status} ${answer.body.error?.code}`).to.match(
          /^(401 invalid_user_data|429 rate_limited)$/,
        );
      }
    }
  });
});
