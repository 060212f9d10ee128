import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "chai";
import Database from "libsql";
import { wechatSimulator } from "../../lib/simulator/index.ts";
import { APP_ID, atEnd, ownPrefix, redis, SECRET, send } from "../support/login-app.ts";
import { freePort } from "../support/redis-server.ts";

async function folderOfOwn(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "process-"));
  atEnd(() => rm(folder, { recursive: true }));
  return folder;
}

async function wechatOfOwn() {
  const wechat = await wechatSimulator({ appId: APP_ID, secret: SECRET });
  atEnd(() => wechat.close());
  return wechat;
}

function linesOf(child: ChildProcess): AsyncIterator<string> {
  atEnd(() => child.kill("SIGKILL"));
  return createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
}

function usersIn(file: string): number {
  const db = new Database(file);
  const { count } = db.prepare("SELECT count(*) AS count FROM users").get() as { count: number };
  db.close();
  return count;
}

describe("where the host's process ends", function () {
  this.timeout(60_000);

  it("by SIGTERM during 200 open logins: all are answered, and then it is gone", async () => {
    const [wechat, data, port] = [await wechatOfOwn(), await folderOfOwn(), await freePort()];
    const child = spawn(process.execPath, ["--import=tsx", "example-app/app.ts"], {
      env: {
        ...process.env,
        ...{ WECHAT_APP_ID: APP_ID, WECHAT_SECRET: SECRET, WECHAT_BASE_URL: wechat.baseUrl },
        ...{ PORT: String(port), DATA: data, DATABASE_URL: undefined },
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = linesOf(child);
    while (!String((await lines.next()).value).includes("Ctrl+C"));
    const logins = Array.from({ length: 200 }, (_value, number) => {
      wechat.bendNext({ delay: 1000 });
      const { code } = wechat.phone({ unionid: `u${number}` }).login();
      return send(`http://localhost:${port}/wx/login`, JSON.stringify({ code }));
    });
    while (wechat.requests.length < 200) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill("SIGTERM");
    const exit = once(child, "exit");
    const answers = await Promise.all(logins);
    expect(new Set(answers.map(({ body }) => body.status))).to.deep.equal(new Set(["signed_in"]));
    expect(await exit).to.deep.equal([0, null]);
    expect(usersIn(join(data, "users.db"))).to.equal(200);
    const after = await send(`http://localhost:${port}/wx/login`, "{}").catch(() => "gone");
    expect(after).to.equal("gone");
  });

  it("by SIGKILL between redeem and save: that attempt is lost and no more, and the user signs in again without help", async () => {
    const [wechat, folder] = [await wechatOfOwn(), await folderOfOwn()];
    const file = join(folder, "users.db");
    const options = {
      ...{ appId: APP_ID, secret: SECRET, baseUrl: wechat.baseUrl, file },
      ...{ redisUrl: process.env.REDIS_URL, keyPrefix: ownPrefix() },
    };
    const start = async (saveMs: number) => {
      const args = ["--import=tsx", "test/support/host-process.ts", JSON.stringify({ ...options, saveMs })];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      const lines = linesOf(child);
      const { value: port } = await lines.next();
      const post = (path: string, body: object) =>
        send(`http://127.0.0.1:${port}${path}`, JSON.stringify(body));
      return { child, lines, post };
    };
    const phone = wechat.phone({ unionid: "u1", unionidAtLogin: false });
    const victim = await start(60_000);
    const { temporaryToken } = (await victim.post("/wx/login", phone.login())).body;
    const body = { temporaryToken, ...phone.getUserInfo() };
    const lost = victim.post("/wx/login/complete", body).catch(() => "lost");
    expect((await victim.lines.next()).value).to.equal("saving");
    victim.child.kill("SIGKILL");
    expect([await lost, usersIn(file)]).to.deep.equal(["lost", 0]);

    // The client does what the contract says: invalid_temporary_token, so wx.login again.
    const { post } = await start(0);
    const refused = await post("/wx/login/complete", body);
    expect([refused.status, refused.body.error.code]).to.deep.equal([401, "invalid_temporary_token"]);
    const again = await post("/wx/login", phone.login());
    const done = await post("/wx/login/complete", {
      temporaryToken: again.body.temporaryToken,
      ...phone.getUserInfo(),
    });
    expect([done.body.status, usersIn(file)]).to.deep.equal(["signed_in", 1]);
    const pending = await redis().keys(`${options.keyPrefix}*pending*`);
    expect(pending).to.deep.equal([]);
  });
});
