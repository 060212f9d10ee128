import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import express from "express";
import { healthOf } from "../../example-app/health.ts";
import { ask, listen } from "../support/login-app.ts";

async function start(needs: Record<string, () => Promise<unknown>>) {
  const { routes, drain } = healthOf(needs);
  const app = express().use(routes);
  app.get("/slow", async (_req, res) => {
    await pause(300);
    res.json({ slow: true });
  });
  const server = createServer(app);
  const url = await listen(server);
  const look = async (path: string) => {
    const { status, body } = await ask(url + path);
    return [status, body];
  };
  return { look, url, drain: (ms: number, lastAnswerMs?: number) => drain(server, ms, lastAnswerMs) };
}

const good = async () => "PONG";

describe("the example's health", () => {
  it("is ready where everything answers that it needs", async () => {
    const { look, url } = await start({ redis: good, database: good });
    expect(await look("/healthz")).to.deep.equal([200, { status: "up" }]);
    expect(await look("/readyz")).to.deep.equal([200, { status: "ready", redis: "ok", database: "ok" }]);
    expect((await ask(`${url}/readyz`)).headers.get("cache-control")).to.equal("no-store");
  });

  it("is up, but not ready, where something fails or hangs; nobody waits for long, and no error is shown", async () => {
    const failing = async () => {
      throw new Error("password authentication failed for user shop");
    };
    const { look } = await start({ redis: () => new Promise(() => {}), database: failing });
    const began = Date.now();
    const failed = { status: "failed", redis: "failed", database: "failed" };
    expect(await look("/readyz")).to.deep.equal([503, failed]);
    expect(Date.now() - began).to.be.within(900, 3000);
    expect(await look("/healthz")).to.deep.equal([200, { status: "up" }]);
  });

  it("drains: says so for a while and still answers, then answers what is under way, and ends", async () => {
    const { look, url, drain } = await start({ database: good });
    const ended = drain(400);
    expect(await look("/readyz")).to.deep.equal([503, { status: "draining" }]);
    expect(await look("/healthz")).to.deep.equal([200, { status: "up" }]);
    expect((await ask(`${url}/healthz`)).headers.get("connection")).to.equal("close");
    await pause(200);
    const began = Date.now();
    expect(await look("/slow")).to.deep.equal([200, { slow: true }]);
    await ended;
    expect(Date.now() - began).to.be.below(2000);
    expect(await look("/healthz").catch(() => "gone")).to.equal("gone");
  });

  it("does not wait for ever for a request that is half sent", async () => {
    const { url, drain } = await start({ database: good });
    const socket = connect(Number(new URL(url).port), "127.0.0.1").on("error", () => {});
    await once(socket, "connect");
    socket.write("POST /wx/login HTTP/1.1\r\nHost: example.com\r\nContent-Le");
    await pause(50);
    const began = Date.now();
    await drain(0, 300);
    expect(Date.now() - began).to.be.within(250, 2000);
  });
});
