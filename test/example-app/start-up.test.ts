import { once } from "node:events";
import { createServer } from "node:http";
import { networkInterfaces } from "node:os";
import { expect } from "chai";
import { startExample } from "../support/example.ts";
import { listen } from "../support/login-app.ts";

const ACCOUNT = { WECHAT_APP_ID: "wx1", WECHAT_SECRET: "s" };

/** Starts the example, which cannot begin; gives how it ended and what it said. */
async function fails(env: Record<string, string>, args: string[] = []) {
  const { child, output } = await startExample(args, { REDIS_URL: process.env.REDIS_URL, ...env });
  const [code] = await once(child, "close");
  return { code, output: output() };
}

describe("the start of the example", function () {
  this.timeout(60_000);

  for (const [where, env] of [
    ["against the simulator", {}],
    ["with accounts of its own", ACCOUNT],
  ] as const) {
    it(`on a port that is taken ends with 1 and a sentence, ${where}`, async () => {
      const taken = Number(new URL(await listen(createServer())).port);
      const { code, output } = await fails({ PORT: String(taken), ...env });
      expect(code).to.equal(1);
      expect(output).to.match(
        new RegExp(`^Port ${taken} cannot be used \\(.*EADDRINUSE.*; try PORT=3001 npm start$`, "m"),
      );
      expect(output, "no stack").to.not.match(/^ +at /m);
    });
  }

  for (const args of [[], ["--workers", "2"]]) {
    it(`in production without PUBLIC_URL ends with 1 and a sentence ${args.join(" ")}`, async () => {
      const { code, output } = await fails({ ...ACCOUNT, NODE_ENV: "production" }, args);
      expect([code, output.trim().split("\n")]).to.deep.equal([
        1,
        [
          "Set PUBLIC_URL to the address that browsers see, such as https://example.com: in production avatars, cookies and WeChat's redirects need it",
        ],
      ]);
    });
  }

  it("in production without accounts ends with 1 and a sentence", async () => {
    const { code, output } = await fails({ NODE_ENV: "production" });
    expect([code, output.trim()]).to.deep.equal([
      1,
      "Set WECHAT_APP_ID and WECHAT_SECRET: the simulated WeChat is not for production",
    ]);
  });

  it("serves this machine alone where WeChat is simulated, and all interfaces where it is real", async () => {
    const address = Object.values(networkInterfaces())
      .flat()
      .find((known) => known?.family === "IPv4" && !known.internal)?.address;
    const reach = async (env: Record<string, string>) => {
      const { port, printed } = await startExample([], env);
      await printed(/Ctrl\+C/);
      const look = (host: string | undefined) =>
        fetch(`http://${host}:${port}/healthz`).then(
          ({ status }) => status,
          () => "nobody",
        );
      return [await look("127.0.0.1"), address && (await look(address))];
    };
    expect(await reach({})).to.deep.equal([200, address && "nobody"]);
    expect(await reach(ACCOUNT)).to.deep.equal([200, address && 200]);
    expect(await reach({ LISTEN_HOST: "0.0.0.0" })).to.deep.equal([200, address && 200]);
  });
});
