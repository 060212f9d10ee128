import { expect } from "chai";
import { forEachStore, startApp } from "../support/login-app.ts";
import { attackersPhone, OWN_UNIONIDS, VICTIM } from "./support/attacker.ts";

forEachStore("a unionId forged in encryptedData by splicing the attacker's own blocks", () => {
  for (const [what, own] of OWN_UNIONIDS) {
    it(`never signs in as the victim: ${what}`, async () => {
      const { post, users, wechat } = await startApp({}, [{ openid: "oVictim", unionid: VICTIM }]);
      const phone = attackersPhone(wechat, "oAttacker0123456789012345678", own);
      for (let count = 0; count < 100; count++) {
        const { temporaryToken } = (await post("/wx/login", phone.login())).body;
        const answer = await post("/wx/login/complete", { temporaryToken, ...phone.splicedUserInfo() });
        // Whoever fails too often is asked to pause; that is no part of the protection.
        expect(`${answer.status} ${answer.body.error?.code}`).to.match(
          /^(401 invalid_user_data|429 rate_limited)$/,
        );
      }
      expect(users).to.deep.equal([{ id: 1, appId: users[0]?.appId, openid: "oVictim", unionid: VICTIM }]);
    });
  }
});
