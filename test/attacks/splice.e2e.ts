import { expect } from "chai";
import { send, startApp } from "../support/login-app.ts";
import { attackersPhone, OWN_UNIONIDS, VICTIM } from "./support/attacker.ts";
import { lenientHost } from "./support/lenient-host.ts";

/** Of each of the two splices: five thousand in all. */
const LOGINS = 2_500;
/** A block of garbage is harmless for a lenient host once in ten logins: not once in 300 is chance of 7 in 10^15. */
const ENOUGH_FOR_LENIENT = 300;

/** A new user each time: after twenty failures of one, the answer would be `rate_limited`. */
const openidOf = (count: number) => `oAttacker${String(count).padStart(19, "0")}`;

describe("5,000 logins with a spliced unionId", () => {
  for (const [what, own] of OWN_UNIONIDS) {
    it(`are refused, each of them: ${what}`, async function () {
      this.timeout(240_000);
      const { post, users, saveUser, wechat } = await startApp({}, [{ openid: "oVictim", unionid: VICTIM }]);
      for (let count = 0; count < LOGINS; count++) {
        const phone = attackersPhone(wechat, openidOf(count), own);
        const { temporaryToken } = (await post("/wx/login", phone.login())).body;
        const answer = await post("/wx/login/complete", { temporaryToken, ...phone.splicedUserInfo() });
        expect(`${answer.status} ${answer.body.error?.code}`).to.equal("401 invalid_user_data");
      }
      expect(saveUser.called).to.equal(false);
      expect(users).to.have.length(1);
    });

    it(`would soon have signed in as the victim on a host that opens leniently: ${what}`, async () => {
      const { wechat } = await startApp();
      const url = await lenientHost(wechat.baseUrl);
      for (let count = 0; count < ENOUGH_FOR_LENIENT; count++) {
        const phone = attackersPhone(wechat, openidOf(count), own);
        const { temporaryToken } = (await send(`${url}/wx/login`, JSON.stringify(phone.login()))).body;
        const body = JSON.stringify({ temporaryToken, ...phone.splicedUserInfo() });
        const { unionid } = (await send(`${url}/wx/login/complete`, body)).body;
        if (unionid === VICTIM) return;
      }
      throw new Error("The attack does not work where it has to.");
    });
  }
});
