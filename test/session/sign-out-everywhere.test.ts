import { expect } from "chai";
import { Redis } from "ioredis";
import sinon from "sinon";
import type { Identity } from "../../lib/index.ts";
import { atEnd, ownPrefix, redis, startApp } from "../support/login-app.ts";
import { startRedis } from "../support/redis-server.ts";
import { twoApps } from "../support/two-apps.ts";
import { startWebApp } from "../support/web-app.ts";

const YEAR = 365 * 24 * 60 * 60;

interface Person {
  unionid?: string | undefined;
  openids: string[];
}

/** A host with one row for a person and all openids of theirs. It returns the openid that was asked for. */
function people() {
  const rows: Person[] = [];
  const find = ({ appId, openid, unionid }: Identity) =>
    rows.find(({ openids }) => openids.includes(`${appId}:${openid}`)) ??
    rows.find((row) => unionid !== undefined && row.unionid === unionid);
  return {
    rows,
    async findUser(identity: Identity) {
      const row = find(identity);
      return row && { openid: identity.openid, unionid: row.unionid ?? null };
    },
    async saveUser({ appId, openid, unionid }: Identity) {
      const row = find({ appId, openid, ...(unionid && { unionid }) }) ?? { openids: [] };
      if (!rows.includes(row)) rows.push(row);
      row.openids = [...new Set([...row.openids, `${appId}:${openid}`])];
      row.unionid = unionid ?? row.unionid;
    },
  };
}

type Apps = Awaited<ReturnType<typeof twoApps<ReturnType<typeof people>>>>;

async function start(require: [] | ["unionid"] = ["unionid"], more = {}): Promise<Apps> {
  return await twoApps({ name: "shop" }, require, ownPrefix(), { table: people(), ...more });
}

/** Puts one row for o1 of the first app and o2 of the second in the place of all rows. */
function store({ rows }: Apps, unionid?: string): void {
  rows.splice(0, rows.length, { unionid, openids: ["wxfirst:o1", "wxsecond:o2"] });
}

/** Logs o1 in to the first app, or o2 to the second. */
async function logIn({ first, second, tokenOf }: Apps, app: "first" | "second", unionid?: string) {
  const user = { openid: app === "first" ? "o1" : "o2", ...(unionid && { unionid }) };
  const { wechat } = app === "first" ? first : second;
  return await tokenOf(`/${app}`, wechat.phone(user).login());
}

const statuses = ({ me }: Apps, ...tokens: string[]) =>
  Promise.all(tokens.map(async (token) => (await me("/first", token)).status));

describe("signOutEverywhere takes an identity as the host's rows hold it", () => {
  const variants: Record<string, object> = {
    "unionid: null": { unionid: null },
    "unionid: undefined": { unionid: undefined },
    "an empty unionid": { unionid: "" },
    "appId: null": { appId: null },
    "appId: undefined": { appId: undefined },
    "an empty appId": { appId: "" },
    "nothing but null beside the openid": { appId: null, unionid: null },
    "a row with more in it": { id: 7, nickName: "小明", unionid: null, createdAt: new Date() },
  };
  for (const [name, variant] of Object.entries(variants)) {
    it(`${name}: in an app's own sessions`, async () => {
      const { wechat, post, me, wx } = await startApp({ session: undefined });
      const token = (await post("/wx/login", wechat.phone({ openid: "o1", unionid: "u1" }).login())).body;
      await wx.signOutEverywhere({ openid: "o1", ...variant });
      expect((await me(token.sessionToken)).status).to.equal(401);
    });

    it(`${name}: in sessions that apps share`, async () => {
      const apps = await start();
      const [here, there] = [await logIn(apps, "first", "u1"), await logIn(apps, "second", "u1")];
      const stranger = await apps.tokenOf("/second", apps.second.wechat.phone({ unionid: "u2" }).login());
      await apps.first.wx.signOutEverywhere({ openid: "o1", ...variant });
      expect(await statuses(apps, here, there, stranger)).to.deep.equal([401, 401, 200]);
    });
  }

  it("a unionid is enough in sessions that apps share", async () => {
    const apps = await start();
    const [here, there] = [await logIn(apps, "first", "u1"), await logIn(apps, "second", "u1")];
    await apps.first.wx.signOutEverywhere({ openid: null, unionid: "u1" });
    expect(await statuses(apps, here, there)).to.deep.equal([401, 401]);
  });

  it("of a website's two apps it is either, where no appId says which", async () => {
    const { browser, wechat, web } = await startWebApp({ require: [] });
    const tabs = [browser(), browser("MicroMessenger")];
    for (const tab of tabs) await tab.open(wechat.phone({ openid: "o1" }).authorize(await tab.start()));
    const statusesNow = async () => await Promise.all(tabs.map(async (tab) => (await tab.me()).status));
    expect(await statusesNow()).to.deep.equal([200, 200]);
    const openids = await Promise.all(
      tabs.map(async (tab) => ((await tab.me()).body as unknown as { identity: Identity }).identity.openid),
    );
    for (const openid of openids) await web.signOutEverywhere({ openid, unionid: null, appId: null });
    expect(await statusesNow()).to.deep.equal([401, 401]);
  });

  const NEEDS = "wechatLogin: signOutEverywhere needs the openid of a user";
  const wrong: [name: string, person: unknown, message: string, ownMessage?: string][] = [
    ["nothing", undefined, `${NEEDS}, or the unionid.`, `${NEEDS}.`],
    ["null", null, `${NEEDS}, or the unionid.`, `${NEEDS}.`],
    ["an empty object", {}, `${NEEDS}, or the unionid.`, `${NEEDS}.`],
    ["a row with other names", { open_id: "o1" }, `${NEEDS}, or the unionid.`, `${NEEDS}.`],
    ["an empty openid", { openid: "", unionid: null }, `${NEEDS}, or the unionid.`, `${NEEDS}.`],
    ["a number", { openid: 7 }, "wechatLogin: signOutEverywhere takes a string as openid."],
    [
      "a unionid that is an object",
      { openid: "o1", unionid: {} },
      "wechatLogin: signOutEverywhere takes a string as unionid.",
    ],
    [
      "an appId that is a number",
      { openid: "o1", appId: 1 },
      "wechatLogin: signOutEverywhere takes a string as appId.",
    ],
  ];
  for (const [name, person, message, ownMessage = message] of wrong) {
    it(`${name} is refused with a sentence, and nobody is signed out`, async () => {
      const apps = await start();
      const own = await startApp({ session: undefined });
      const token = await logIn(apps, "first", "u1");
      const failed = (wx: { signOutEverywhere(person: never): Promise<void> }) =>
        wx.signOutEverywhere(person as never).catch(String);
      expect(await failed(apps.first.wx)).to.equal(`TypeError: ${message}`);
      expect(await failed(own.wx)).to.equal(`TypeError: ${ownMessage}`);
      expect(await statuses(apps, token)).to.deep.equal([200]);
    });
  }

  it("a unionid alone is refused by an app whose sessions are its own", async () => {
    const { wx } = await startApp({ session: undefined });
    const failed = await wx.signOutEverywhere({ unionid: "u1" }).catch(String);
    expect(failed).to.equal("TypeError: wechatLogin: signOutEverywhere needs the openid of a user.");
  });
});

describe("signOutEverywhere misses no session of a person in apps that share them", () => {
  it("not those that were begun under an older unionid, in this app and in others", async () => {
    const apps = await start();
    const [here, there] = [await logIn(apps, "first", "old"), await logIn(apps, "second", "old")];
    store(apps, "new");
    expect(await statuses(apps, here, there)).to.deep.equal([200, 200]);
    await apps.first.wx.signOutEverywhere({ openid: "o1", unionid: "new" });
    expect(await statuses(apps, here, there)).to.deep.equal([401, 401]);
  });

  it("not those under an older unionid that this app has never seen", async () => {
    const apps = await start();
    const there = await logIn(apps, "second", "old");
    store(apps, "new");
    await apps.first.wx.signOutEverywhere({ openid: "o1" });
    expect(await statuses(apps, there)).to.deep.equal([401]);
    // The session is gone, and not only refused.
    store(apps, "old");
    expect(await statuses(apps, there)).to.deep.equal([401]);
  });

  it("not those of the newer unionid, where the caller still has the older one", async () => {
    const apps = await start();
    await logIn(apps, "first", "old");
    store(apps, "new");
    const there = await logIn(apps, "second", "new");
    await apps.first.wx.signOutEverywhere({ openid: "o1", unionid: "old" });
    expect(await statuses(apps, there)).to.deep.equal([401]);
  });

  it("not those that were begun in another app before its unionid was known", async () => {
    const apps = await start([]);
    const there = await logIn(apps, "second");
    store(apps, "u1");
    const here = await logIn(apps, "first", "u1");
    await apps.first.wx.signOutEverywhere({ openid: "o1" });
    expect(await statuses(apps, here, there)).to.deep.equal([401, 401]);
    const again = [await logIn(apps, "first", "u1"), await logIn(apps, "second")];
    expect(await statuses(apps, there, ...again)).to.deep.equal([401, 200, 200]);
  });

  it("not those without a unionid of somebody who logged in with one later", async () => {
    const apps = await start([]);
    const [before, after] = [await logIn(apps, "second"), await logIn(apps, "second", "u1")];
    apps.rows.length = 0;
    await apps.first.wx.signOutEverywhere({ openid: "o1", unionid: "u1" });
    store(apps);
    expect(await statuses(apps, before, after)).to.deep.equal([401, 401]);
  });

  it("not those of a user whose row is deleted already, and who then registers again", async () => {
    const apps = await start();
    const [here, there] = [await logIn(apps, "first", "u1"), await logIn(apps, "second", "u1")];
    apps.rows.length = 0;
    await apps.first.wx.signOutEverywhere({ openid: "o1" });
    const again = [await logIn(apps, "first", "u1"), await logIn(apps, "second", "u1")];
    expect(await statuses(apps, here, there, ...again)).to.deep.equal([401, 401, 200, 200]);
  });

  it("not those that are known without the host, where findUser fails, which is told", async () => {
    const fault = new Error("database");
    let isDown = false;
    const { findUser, ...table } = people();
    const failing = async (identity: Identity) => (isDown ? Promise.reject(fault) : findUser(identity));
    const apps = await start(["unionid"], { table: { ...table, findUser: failing } });
    const [here, there] = [await logIn(apps, "first", "u1"), await logIn(apps, "second", "u1")];
    isDown = true;
    expect(await apps.first.wx.signOutEverywhere({ openid: "o1" }).catch((error) => error)).to.equal(fault);
    isDown = false;
    expect(await statuses(apps, here, there)).to.deep.equal([401, 401]);
  });

  it("not those of a login whose sessions live longer than those of another one in the pool", async () => {
    const apps = await start(["unionid"], { secondTtl: 60 });
    const longer = await twoApps({ name: "shop", ttl: YEAR }, ["unionid"], apps.keyPrefix, { table: apps });
    await logIn(longer, "second", "u1");
    await logIn(apps, "second", "u1");
    for (const key of await redis().keys(`${apps.keyPrefix}*:links:*`)) {
      const [, end] = String(await redis().get(key)).split(" ");
      expect(Number(end) - Date.now()).to.be.above(1.9 * YEAR * 1000);
    }
  });

  it("also where the openid's own sessions have ended before, and where it is done twice", async () => {
    const apps = await start();
    const [here, there] = [await logIn(apps, "first", "u1"), await logIn(apps, "second", "u1")];
    apps.rows.length = 0;
    await redis().del(...(await redis().keys(`${apps.keyPrefix}*:sessions:*`)));
    store(apps, "u1");
    const later = await logIn(apps, "second", "u1");
    apps.rows.length = 0;
    for (let times = 0; times < 2; times++) await apps.first.wx.signOutEverywhere({ openid: "o1" });
    store(apps, "u1");
    expect(await statuses(apps, here, there, later)).to.deep.equal([401, 401, 401]);
  });

  it("not those that the guard has seen to be the same person's, once their row is deleted", async () => {
    const apps = await start([]);
    const there = await logIn(apps, "second");
    store(apps, "u1");
    expect(await statuses(apps, there)).to.deep.equal([200]);
    apps.rows.length = 0;
    await apps.first.wx.signOutEverywhere({ openid: null, unionid: "u1" });
    store(apps);
    expect(await statuses(apps, there)).to.deep.equal([401]);
  });

  it("nor in the store of this process", async () => {
    const apps = await start([], { client: undefined });
    const there = await logIn(apps, "second");
    store(apps, "u1");
    const here = await logIn(apps, "first", "u1");
    await apps.first.wx.signOutEverywhere({ openid: "o1" });
    expect(await statuses(apps, here, there, await logIn(apps, "second"))).to.deep.equal([401, 401, 200]);
  });

  it("remembers it for a year, however short this app's own sessions are", async () => {
    const apps = await start([], { secondTtl: YEAR * 3 });
    await apps.first.wx.signOutEverywhere({ openid: "o1", unionid: "u1" });
    await apps.second.wx.signOutEverywhere({ openid: "o2", unionid: "u2" });
    const lives = await Promise.all(
      (await redis().keys(`${apps.keyPrefix}*`)).map(async (key) => await redis().ttl(key)),
    );
    expect(lives).to.have.length(4);
    for (const life of lives) expect(life).to.be.above(YEAR);
    expect(lives.filter((life) => life > 2 * YEAR)).to.have.length(2);
  });

  it("ends what it finds where Redis is full, and says that it could not remember it", async () => {
    const server = await startRedis();
    atEnd(() => server.stop());
    const client = new Redis(server.url);
    atEnd(() => client.disconnect());
    const apps = await start([], { client });
    const [here, there] = [await logIn(apps, "first", "u1"), await logIn(apps, "second", "u1")];
    const before = await logIn(apps, "second");
    store(apps, "u1");
    await client.config("SET", "maxmemory", "1");
    // What the guard would like to remember has no room: the session stays good.
    expect(await statuses(apps, here, there, before)).to.deep.equal([200, 200, 200]);
    expect(await apps.first.wx.signOutEverywhere({ openid: "o1" }).catch(String)).to.match(/OOM/);
    await client.config("SET", "maxmemory", "0");
    expect(await statuses(apps, here, there)).to.deep.equal([401, 401]);
    await apps.first.wx.signOutEverywhere({ openid: "o1" });
    expect(await statuses(apps, before)).to.deep.equal([401]);
  });
});

describe("what links the openids of a person", () => {
  const linksIn = ({ keyPrefix }: Apps) => redis().keys(`${keyPrefix}*:links:*`);

  it("is kept where apps share sessions only, for twice the life of a session", async () => {
    const own = await startApp({ session: undefined });
    await own.post("/wx/login", own.wechat.phone({ unionid: "u1" }).login());
    expect(await redis().keys(`${own.keyPrefix}*:links:*`)).to.deep.equal([]);
    const apps = await start();
    await logIn(apps, "first", "u1");
    const keys = await linksIn(apps);
    expect(keys).to.have.length(2);
    for (const key of keys) {
      expect(await redis().ttl(key)).to.be.within(60 * 86_400 - 5, 60 * 86_400);
      expect(await redis().get(key)).to.not.match(/o1|u1/);
    }
  });

  it("lives on with the sessions", async () => {
    const apps = await start();
    const token = await logIn(apps, "first", "u1");
    await redis().del(...(await linksIn(apps)));
    await statuses(apps, token);
    expect(await linksIn(apps)).to.deep.equal([]);
    const [session = ""] = await redis().keys(`${apps.keyPrefix}*:sessions:*`);
    await redis().expire(session, 1000);
    await statuses(apps, token);
    expect(await linksIn(apps)).to.have.length(2);
  });

  it("costs the guard a second command only where the host's user has another unionid", async () => {
    const client = redis().duplicate();
    atEnd(() => client.disconnect());
    const apps = await start([], { client });
    const [plain, other] = [await logIn(apps, "first", "u1"), await logIn(apps, "second")];
    store(apps, "u1");
    const sendCommand = sinon.spy(client, "sendCommand");
    const commands = async (token: string) => {
      sendCommand.resetHistory();
      expect(await statuses(apps, token)).to.deep.equal([200]);
      return sendCommand.args.map(([command]) => command.name);
    };
    expect(await commands(plain)).to.deep.equal(["evalsha"]);
    await commands(other);
    expect(await commands(other)).to.deep.equal(["evalsha", "evalsha"]);
    await redis().del(...(await linksIn(apps)));
    await commands(other);
    expect(await linksIn(apps)).to.have.length(2);
  });
});
