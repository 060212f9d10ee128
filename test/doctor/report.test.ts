import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { doctor } from "../../lib/doctor/doctor.ts";
import { report } from "../../lib/doctor/report.ts";
import { settingsOf } from "../../lib/doctor/settings.ts";
import { APP_ID, atEnd, SECRET, startWechat } from "../support/login-app.ts";
import { startRedis } from "../support/redis-server.ts";
import { settingsOfTest } from "./examine.ts";

const SUFFIX = import.meta.url.slice(-3);
const CLI = new URL(`../../lib/doctor/cli${SUFFIX}`, import.meta.url).pathname;

/** The options of this process; tsx by its address, since a child may run in another folder. */
function nodeOptions(): string[] {
  const addressOfTsx = () => pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  return process.execArgv.map((option) => option.replace(/(?<=^--import=)tsx$/, addressOfTsx));
}

/** Runs the command as npx does. */
async function run(args: string[], env: NodeJS.ProcessEnv = {}, cwd = process.cwd()) {
  const clean = { REDIS_URL: "", WECHAT_APP_ID: "", WECHAT_SECRET: "" };
  const child = spawn(process.execPath, [...nodeOptions(), CLI, ...args], {
    cwd,
    env: { ...process.env, ...clean, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  atEnd(() => child.kill("SIGKILL"));
  let output = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  const [code] = await once(child, "close");
  return { output, code };
}

describe("the doctor's report", () => {
  it("aligns its columns, also with Chinese in them, and shows each cure below", () => {
    const rows = [
      { name: "clock (时钟)", level: "ok", found: "0 s" },
      { name: "Redis", level: "bad", found: "none", cure: "Start it." },
      { name: "URL", level: "warn", found: "none" },
      { name: "code", level: "skip", found: "not checked: no --code" },
    ] as const;
    expect(report([...rows], settingsOfTest({}))).to.equal(
      "✓ clock (时钟)  0 s\n✗ Redis         none\n                → Start it.\n! URL           none\n- code          not checked: no --code\n\nRed: 1. Not checked: 1 (-).\n",
    );
    expect(report(rows.slice(0, 1), settingsOfTest({}))).to.match(/\n\nNothing is red\.\n$/);
    const json = JSON.parse(report([...rows], settingsOfTest({ json: true })));
    expect(json).to.deep.equal({ ok: false, checks: rows });
  });

  it("survives a check that fails, and quotes nothing of it", async () => {
    const failing = {
      name: "failing",
      run() {
        throw new RangeError(SECRET);
      },
    };
    expect(await doctor(settingsOfTest({}), [failing])).to.deep.equal([
      {
        name: "failing",
        level: "bad",
        found: "the check itself fails: RangeError",
        cure: "Please report it.",
      },
    ]);
  });

  it("blots out whatever a row would quote", () => {
    const settings = settingsOfTest({
      code: "the-code",
      redisUrl: "redis://:pass%20word@host",
      url: "https://me:url-password@host/wx",
    });
    const found = `${SECRET} the-code pass%20word url-password redis://:pass%20word@host`;
    expect(report([{ name: "x", level: "ok", found }], settings)).to.equal(
      "✓ x  *** *** *** *** ***\n\nNothing is red.\n",
    );
  });

  it("spoils no words with secrets that are too short to be any, and hides short passwords in addresses", () => {
    const settings = settingsOfTest({
      secret: "s",
      redisUrl: "redis://:me@host",
      url: "https://u:a@host/wx",
    });
    const found = "answers in 5 s, a (me) redis://:me@host redis://b:c@d 'a' https://u:a@host";
    expect(report([{ name: "x", level: "ok", found }], settings)).to.equal(
      "✓ x  answers in 5 s, a (me) *** redis://***@d 'a' https://***@host\n\nNothing is red.\n",
    );
  });
});

describe("the doctor's command", function () {
  this.timeout(20_000);

  it("is well where all is well: 0; and nothing secret is in all that it prints", async () => {
    const wechat = await startWechat();
    const redis = await startRedis(["--requirepass", "redis-password"]);
    atEnd(redis.stop);
    const phone = wechat.phone({ openid: "oABCDEFGHIJKLMNOP", unionid: "uABCDEFGHIJKLMNOP" });
    const { code } = phone.login();
    const REDIS_URL = redis.url.replace("//", "//:redis-password@");
    const account = { WECHAT_APP_ID: APP_ID, WECHAT_SECRET: SECRET, WECHAT_BASE_URL: `${wechat.baseUrl}/` };
    const host = ["--host", "test/doctor/hosts/good.mjs"];
    const table = await run(["doctor", "--code", code, ...host], { REDIS_URL, ...account });
    expect(table.output).to.include("unionid uABC…").and.include("Nothing is red.");
    expect(table.code).to.equal(0);
    const json = await run(["doctor", "--json", "--code", phone.login().code], { REDIS_URL, ...account });
    expect(JSON.parse(json.output).ok).to.equal(true);
    const token = await fetch(`${wechat.baseUrl}/cgi-bin/stable_token`, {
      method: "POST",
      body: JSON.stringify({ grant_type: "client_credential", appid: APP_ID, secret: SECRET }),
    });
    const { access_token: accessToken } = (await token.json()) as { access_token: string };
    for (const secret of [
      SECRET,
      code,
      "redis-password",
      phone.openid,
      "session_key",
      "uABCDEFGHIJKLMNOP",
      accessToken,
    ]) {
      expect(table.output + json.output).to.not.include(secret);
    }
  });

  for (const secret of ["s", "e", "not", "WeChat", "checked"]) {
    it(`can be read where the secret is ${secret}, which none is`, async () => {
      const account = { WECHAT_APP_ID: APP_ID, WECHAT_SECRET: secret };
      const { output } = await run(["doctor"], {
        ...account,
        WECHAT_BASE_URL: (await startWechat()).baseUrl,
      });
      expect(output).to.include("WECHAT_SECRET looks wrong: an AppSecret has 32 characters");
      expect(output).to.not.include("***");
    });
  }

  it("reads the .env of the folder, but the environment wins, and says so", async () => {
    const wechat = await startWechat();
    const cwd = await mkdtemp(join(tmpdir(), "doctor-"));
    atEnd(() => rm(cwd, { recursive: true }));
    const lines = [
      `WECHAT_APP_ID="${APP_ID}" # ours`,
      `WECHAT_SECRET=${SECRET}`,
      "WECHAT_BASE_URL=http://127.0.0.1:1",
    ];
    await writeFile(join(cwd, ".env"), lines.join("\r\n"));
    const left = { WECHAT_APP_ID: undefined, WECHAT_SECRET: undefined, WECHAT_BASE_URL: wechat.baseUrl };
    const read = await run(["doctor"], left, cwd);
    expect(read.output).to.match(/^✓ \.env +read: WECHAT_APP_ID, WECHAT_SECRET; the environment wins$/m);
    expect(read.output).to.include("WeChat accepts them");
    const all = await run(["doctor"], { ...left, WECHAT_APP_ID: APP_ID, WECHAT_SECRET: SECRET }, cwd);
    expect(all.output).to.match(/^✓ \.env +read; it adds nothing to the environment, which wins$/m);
    await rm(join(cwd, ".env"));
    const none = await run(["doctor"], left, cwd);
    expect(none.output).to.match(/^- \.env +not checked: there is no \.env in this folder$/m);
    await mkdir(join(cwd, ".env"));
    const folder = await run(["doctor"], left, cwd);
    expect(folder.output).to.match(/^! \.env +cannot be read: \w+$/m);
  });

  it("exits with 1 where something is red, and in JSON says the same", async () => {
    const { output, code } = await run(["doctor", "--json"], { WECHAT_BASE_URL: "http://127.0.0.1:1" });
    expect(JSON.parse(output).ok).to.equal(false);
    expect(code).to.equal(1);
  });

  it("ends where the host's module would keep the process alive", async () => {
    const args = ["doctor", "--host", "test/doctor/hosts/open.mjs"];
    const { output, code } = await run(args, { WECHAT_BASE_URL: "http://127.0.0.1:1" });
    expect(output).to.include("findUser finds nobody where there is nobody");
    expect(code).to.equal(1);
  });

  it("says so where the host's callback never answers", async () => {
    const args = ["doctor", "--host", "test/doctor/hosts/hanging.mjs", "--timeout", "300"];
    const { output, code } = await run(args, { WECHAT_BASE_URL: "http://127.0.0.1:1" });
    expect(output).to.include("findUser does not answer");
    expect(code).to.equal(1);
  });

  it("explains itself, and what is wrong in the command line: 2", async () => {
    for (const args of [["--help"], ["doctor", "--help"], []]) {
      const { output, code } = await run(args);
      expect([code, output.split(":")[0]]).to.deep.equal([0, "express-wechat-login doctor"]);
    }
    for (const args of [
      ["nurse"],
      ["explain", "--lang", "fr"],
      ["doctor", "--secret", "x"],
      ["doctor", "--timeout", "0"],
      ["doctor", "--timeout", "Infinity"],
      ["doctor", "--url", "a"],
    ]) {
      expect((await run(args)).code).to.equal(2);
    }
    for (const args of [
      ["doctor", "--secret", "x"],
      ["explain", "--long"],
    ]) {
      const [sentence] = (await run(args)).output.split("\n");
      expect(sentence).to.equal(`Unknown option '${args[1]}'.`);
    }
  });

  it("explains an error code", async () => {
    const { output, code } = await run(["explain", "snapshot_user"]);
    expect(output).to.match(/^snapshot_user\n\nWeChat shows the page as a preview/);
    expect(code).to.equal(0);
    expect((await run(["explain", "snapshot"])).code).to.equal(1);
  });

  it("asks the real WeChat where nothing else is said, and cuts slashes at the end", () => {
    expect(settingsOf(["doctor", "--url", "https://a/wx//"], {}, "/")).to.deep.include({
      ...{ baseUrl: "https://api.weixin.qq.com", url: "https://a/wx", timeout: 5000, appId: "", secret: "" },
    });
  });
});
