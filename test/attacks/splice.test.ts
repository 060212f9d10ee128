import { expect } from "chai";
import { forEachStore, startApp } from "../support/login-app.ts";
import { nickNameFor, spliceUnionId } from "./support/splice.ts";

const VICTIM = "ocMvos6NjeKLIBqg5Mr9QjxrP1FA";
const OPENID = "oAttacker0123456789012345678";

/** A host with the victim among its users, and the attacker's phone, whose nickname is the victim's unionid. */
async function attack(own: { unionid?: string }) {
  const app = await startApp({}, [{ openid: "oVictim", unionid: VICTIM }]);
  const identity = { openId: OPENID, ...(own.unionid && { unionId: own.unionid }) };
  const beginning = `${JSON.stringify(identity).slice(0, -1)},"nickName":"`;
  const nickName = nickNameFor(VICTIM, beginning.length);
  const phone = app.wechat.phone({ openid: OPENID, client: "old", nickName, unionidAtLogin: false, ...own });
  /** One login with spliced data; the genuine rawData and signature stay beside them. */
  async function attempt() {
    const { temporaryToken } = (await app.post("/wx/login", phone.login())).body;
    const info = phone.getUserInfo();
    const spliced = spliceUnionId(info, beginning + nickName, VICTIM);
    return await app.post("/wx/login/complete", { temporaryToken, ...info, ...spliced });
  }
  return { ...app, attempt };
}

forEachStore("a unionId forged in encryptedData by splicing the attacker's own blocks", () => {
  for (const [what, own] of [
    ["from data without a unionId", {}],
    ["from data with a unionId of the attacker's own", { unionid: "oAttackersOwnUnionid00000000" }],
  ] as const) {
    it(`never signs in as the victim: ${what}`, async () => {
      const { attempt, users } = await attack(own);
      for (let count = 0; count < 100; count++) {
        const { status, body } = await attempt();
        // Whoever fails too often is asked to pause; that is no part of the protection.
        expect(`${status} ${body.error?.code}`).to.match(/^(401 invalid_user_data|429 rate_limited)$/);
      }
      expect(users).to.deep.equal([{ id: 1, appId: users[0]?.appId, openid: "oVictim", unionid: VICTIM }]);
    });
  }
});
