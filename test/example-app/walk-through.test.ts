import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ask, atEnd, send } from "../support/login-app.ts";
import { freePort } from "../support/redis-server.ts";

describe("the example", function () {
  this.timeout(30_000);

  /** Starts it in an empty data folder; gives what it has printed once it serves. */
  async function start(env: Record<string, string | undefined>): Promise<{ url: string; output: string }> {
    const data = await mkdtemp(join(tmpdir(), "example-"));
    const port = await freePort();
    const child = spawn(process.execPath, ["--import=tsx", "example-app/app.ts"], {
      env: {
        ...process.env,
        NODE_V8_COVERAGE: undefined,
        WECHAT_APP_ID: undefined,
        PORT: String(port),
        DATA: data,
        ...env,
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    atEnd(() => rm(data, { recursive: true }));
    atEnd(() => child.kill("SIGKILL"));
    let output = "";
    for await (const chunk of child.stdout) {
      output += chunk;
      if (output.includes("Ctrl+C")) return { url: `http://localhost:${port}`, output };
    }
    throw new Error(`the example ended:\n${output}`);
  }

  for (const place of ["in this process", "in Redis"]) {
    it(`walks through every scenario with tokens ${place}, and keeps serving`, async () => {
      // REDIS_URL is there once the tests run, not when they are described.
      const { url, output } = await start(place === "in Redis" ? {} : { REDIS_URL: undefined });
      expect(output).to.include(`Tokens:   ${place}`);
      const statuses = [...output.matchAll(/^← (\d+) (?:\{"(status":"\w+|error":\{"code":"\w+|id))?/gm)];
      const told = statuses.map(([, status, what = ""]) => `${status} ${what.replace(/.*:"/, "")}`.trim());
      expect(told).to.deep.equal([
        ...["200 signed_in", "200 incomplete", "400 authorization_denied", "200 signed_in", "200 signed_in"],
        ...["200 incomplete", "200 signed_in", "200 incomplete", "200 signed_in", "200 signed_in"],
        ...["200 id", "200 saved", "200", "200 incomplete", "200 signed_in"],
        ...["302", "302", "200 id", "200 signed_out", "401 login_required"],
      ]);
      for (const stored of ["'老周'", "'林林'", "/avatars/", "'10012345678'"])
        expect(output).to.include(stored);
      const avatar = await fetch(`${url}${/\/avatars\/\w+\.png/.exec(output)?.[0]}`);
      expect(avatar.headers.get("content-type")).to.equal("image/png");
      expect(avatar.headers.get("x-content-type-options")).to.equal("nosniff");
      expect((await ask(`${url}/me`)).status).to.equal(401);
      expect(await (await fetch(url)).text()).to.include("微信登录");
    });
  }

  it("answers JSON where Redis is away, and shows nobody why", async () => {
    const account = { WECHAT_APP_ID: "wx1", WECHAT_SECRET: "s", WECHAT_BASE_URL: "http://127.0.0.1:1" };
    const { url } = await start({ ...account, REDIS_URL: "redis://127.0.0.1:1" });
    const answer = await send(`${url}/wx/login`, JSON.stringify({ code: "0" }));
    const body = { error: { message: "Internal Server Error" } };
    expect([answer.status, answer.body]).to.deep.equal([500, body]);
  });
});
