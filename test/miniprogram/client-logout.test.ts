import { expect } from "chai";
import { errorOf, startClient } from "./support/client.ts";
import { createLogin } from "./support/load.ts";
import type { Callbacks } from "./support/wx.ts";

/** Something that the test lets go on when it likes. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let arrive = () => {};
  const reached = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  return { open, opened, arrive, reached };
}

/** A client whose `name` is answered only when the gate opens. */
async function startHeld(name: "login" | "request", path = "", user = { unionidAtLogin: true }) {
  const client = await startClient({ unionid: "u1", ...user });
  const { wx, url } = client;
  const held = gate();
  const hold = (options: Callbacks & { url?: string }) => {
    const isHeld = name === "login" || options.url === url + path;
    const success = async (result: unknown) => {
      if (isHeld) {
        held.arrive();
        await held.opened;
      }
      options.success?.(result);
    };
    return (wx[name] as (options: object) => unknown)({ ...options, success });
  };
  const heldWx = { ...wx, [name]: hold };
  return { ...client, wx: heldWx, login: createLogin({ wx: heldWx, url: `${url}/wx` }), held };
}

describe("a logout of a Mini Program", () => {
  for (const [what, name, path] of [
    ["waits for wx.login", "login", ""],
    ["waits for the server", "request", "/wx/login"],
  ] as const) {
    it(`is not undone by a login that began before it and ${what}`, async () => {
      const { login, held, keys, stored, request, url } = await startHeld(name, path);
      const starting = errorOf(login.start());
      const asking = errorOf(login.request({ url: `${url}/me` }));
      await held.reached;
      await login.logout();
      held.open();
      for (const error of [await starting, await asking]) expect(error.code).to.equal("signed_out");
      expect([login.isSignedIn(), stored.size]).to.deep.equal([false, 0]);
      expect(await keys(), "the session that began on the server is ended").to.deep.equal([]);
      const paths = request.args.map(([options]) => options.url.replace(url, ""));
      expect(paths).to.deep.equal(name === "login" ? [] : ["/wx/login", "/wx/logout"]);
    });
  }

  it("is not undone by the second step, nor by steps that wait for it", async () => {
    const { login, held, keys, stored, press, request } = await startHeld("request", "/wx/login/complete", {
      unionidAtLogin: false,
    });
    await login.start();
    const detail = await press("getUserInfo");
    const completing = [errorOf(login.complete(detail)), errorOf(login.complete({ nickName: "小红" }))];
    await held.reached;
    await login.logout();
    held.open();
    for (const error of await Promise.all(completing)) expect(error.code).to.equal("signed_out");
    expect([stored.get("wechat-login:session"), (await keys()).length]).to.deep.equal([undefined, 0]);
    expect(request.args.filter(([{ url }]) => url.endsWith("/complete"))).to.have.length(1);
  });

  it("forgets a login that waits for its button", async () => {
    const { login, press, wxLogin } = await startClient({ unionid: "u1", unionidAtLogin: false });
    await login.start();
    const detail = await press("getUserInfo");
    await login.logout();
    expect(await login.complete(detail)).to.include({ status: "incomplete", again: true });
    expect(login.isSignedIn()).to.equal(false);
    expect(wxLogin.callCount).to.equal(2);
  });

  it("is not undone by a request whose 401 arrives after it", async () => {
    const { wx, held, url, wxLogin, stored } = await startHeld("request", "/me");
    stored.set("wechat-login:session", "stale");
    const login = createLogin({ wx, url: `${url}/wx` });
    const asking = errorOf(login.request({ url: `${url}/me` }));
    await held.reached;
    await login.logout();
    held.open();
    expect((await asking).code).to.equal("signed_out");
    expect([wxLogin.callCount, stored.size, login.isSignedIn()]).to.deep.equal([0, 0, false]);
  });

  it("lets a new login begin at once, which is not the old one", async () => {
    const { login, held, keys, me, stored } = await startHeld("request", "/wx/login");
    const old = errorOf(login.start());
    await held.reached;
    await login.logout();
    const fresh = login.start();
    held.open();
    expect((await old).code).to.equal("signed_out");
    expect(await fresh).to.include({ status: "signed_in" });
    expect(login.isSignedIn()).to.equal(true);
    expect(stored.size).to.equal(1);
    expect(await keys()).to.have.length(1);
    expect((await me()).user.unionid).to.equal("u1");
  });
});
