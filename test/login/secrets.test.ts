import { inspect } from "node:util";
import { expect } from "chai";
import { APP_ID, SECRET, startApp } from "../support/login-app.ts";
import { monitor } from "../support/monitor.ts";

describe("the session_key and the secret stay inside", () => {
  it("no answer, error, cause, callback argument or key holds them; only the value under the hash does", async () => {
    const seen: unknown[] = [];
    const see = (...args: unknown[]) => void seen.push(...args);
    const app = await startApp({
      require: ["unionid", "nickName"],
      onError: (error) => see(error, error.cause, error.stack),
      onLogin: (user, { identity }) => see(user, identity) as undefined,
    });
    const commands = await monitor();
    const sessionKey = "tiihtNczf5v6AKRyjwEUhQ==";
    const fresh = () =>
      app.wechat.bendNext({ body: JSON.stringify({ openid: "o1", session_key: sessionKey }) });
    const ask = async (path: string, body: object) => {
      const { status, headers, body: answer } = await app.post(path, body);
      see(status, [...headers], answer);
      return answer;
    };

    for (const bend of [
      { errcode: 40125 },
      { errcode: 40029 },
      { fault: "reset" },
      { body: "<html>" },
    ] as const) {
      app.wechat.bendNext(bend);
      await ask("/wx/login", { code: "c" });
    }
    fresh();
    const pending = await ask("/wx/login", { code: "c" });
    await ask("/wx/login/complete", {
      temporaryToken: pending.temporaryToken,
      encryptedData: "AAAA",
      iv: "AAAA",
      rawData: "{}",
      signature: "0",
    });
    const phone = app.wechat.phone({ unionid: "u1", unionidAtLogin: false, client: "old" });
    const asked = await ask("/wx/login", phone.login());
    await ask("/wx/login/complete", { temporaryToken: asked.temporaryToken, ...phone.getUserInfo() });
    see(app.findUser.args, app.saveUser.args, app.hostErrors);

    const text = inspect(seen, {
      depth: null,
      maxStringLength: null,
      maxArrayLength: null,
      showHidden: true,
    });
    expect(text).to.include("signed_in").and.include("misconfigured").and.include("invalid_user_data");
    expect(text).to.not.include(SECRET);
    expect(text).to.not.include(sessionKey);
    const kept = (await commands()).filter((command) => command.join(" ").includes(sessionKey));
    expect(kept).to.have.length(1);
    const [name, key, value, ex, ttl] = kept[0] ?? [];
    expect([name?.toLowerCase(), ex, ttl]).to.deep.equal(["set", "EX", "300"]);
    expect(key).to.match(new RegExp(`^${app.keyPrefix}${APP_ID}:pending:[\\w-]{22}$`));
    expect(value).to.include(sessionKey);
  });

  it("a raw temporary token is seen nowhere in Redis", async () => {
    const { wechat, post } = await startApp();
    const commands = await monitor();
    const phone = wechat.phone({ unionid: "u1", unionidAtLogin: false });
    const { temporaryToken } = (await post("/wx/login", phone.login())).body;
    await post("/wx/login/complete", { temporaryToken, ...phone.getUserInfo() });
    const text = JSON.stringify(await commands());
    expect(text).to.match(/"GETDEL"/);
    expect(text).to.not.include(temporaryToken);
  });

  it("nor is a session token, nor a session_key that is kept, in a command or an answer", async () => {
    const { wechat, post, me } = await startApp({ session: undefined, keepSessionKey: true });
    const commands = await monitor();
    const sessionKey = "tiihtNczf5v6AKRyjwEUhQ==";
    wechat.bendNext({ body: JSON.stringify({ openid: "o1", unionid: "u1", session_key: sessionKey }) });
    const answer = await post("/wx/login", { code: "c" });
    const { sessionToken } = answer.body;
    const seen = await me(sessionToken);
    await post("/wx/logout", {}, sessionToken);
    const text = JSON.stringify(await commands());
    expect(text).to.include(":sessions:").and.include(":session-key:o1");
    expect(text).to.not.include(sessionToken.slice(0, 43));
    for (const secret of [sessionKey, SECRET]) {
      expect(text).to.not.include(secret);
      expect(inspect([answer, seen], { depth: null })).to.not.include(secret);
    }
  });
});
