import { once } from "node:events";
import { createServer, request } from "node:http";
import { expect } from "chai";
import express from "express";
import { ownPageOnly } from "../../example-app/stage/own-page.ts";
import { listen } from "../support/login-app.ts";

/** Asks with these headers, as browsers send them: fetch would not let us set Host. */
async function ask(
  url: string,
  method: string,
  headers: Record<string, string>,
): Promise<number | undefined> {
  const req = request(url, { method, headers });
  req.end();
  const [res] = await once(req, "response");
  res.resume();
  return res.statusCode;
}

async function start() {
  const app = express();
  app.use("/stage", ownPageOnly("https://demo.example:8443"));
  app.use((_req, res) => void res.sendStatus(200));
  const url = await listen(createServer(app));
  return (method: string, headers: Record<string, string>) => ask(`${url}/stage/forget`, method, headers);
}

describe("the stage of the phone page, for others than its page,", () => {
  for (const [what, headers] of Object.entries({
    "another website": { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" },
    "another port of this machine": { "Sec-Fetch-Site": "same-site", Origin: "http://localhost:8080" },
    "an old browser's other website": { Origin: "https://evil.example" },
    "a frame without an origin": { Origin: "null" },
    "a name that begins as ours": { Origin: "http://localhost:3000.evil.example" },
    "no site at all": { "Sec-Fetch-Site": "" },
  })) {
    it(`takes no POST of ${what}`, async () => {
      const send = await start();
      expect(await send("POST", { Host: "localhost:3000", ...headers })).to.equal(403);
      expect(await send("DELETE", { Host: "localhost:3000", ...headers })).to.equal(403);
    });
  }

  for (const host of [
    "evil.example",
    "evil.example:3000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "@",
    "localhost@evil.example",
  ]) {
    it(`is not there under the name ${JSON.stringify(host)}, not even to read`, async () => {
      const send = await start();
      const own = { "Sec-Fetch-Site": "same-origin", Origin: `http://${host}` };
      for (const method of ["GET", "HEAD", "POST"]) {
        expect(await send(method, { Host: host, ...own })).to.equal(403);
      }
    });
  }

  for (const [what, headers] of Object.entries({
    "its page": { Host: "localhost:3000", "Sec-Fetch-Site": "same-origin", Origin: "http://localhost:3000" },
    "its page by number": { Host: "127.0.0.1:3000", "Sec-Fetch-Site": "same-origin" },
    "its page by IPv6": { Host: "[::1]:3000", "Sec-Fetch-Site": "same-origin" },
    "its page on a network": { Host: "192.168.1.7:3000", Origin: "http://192.168.1.7:3000" },
    "its page by its public name": { Host: "demo.example", Origin: "https://demo.example:8443" },
    "an old browser": { Host: "localhost:3000", Origin: "http://localhost:3000" },
    "a user who types the address": { Host: "LOCALHOST:3000", "Sec-Fetch-Site": "none" },
    "a program": { Host: "localhost:3000" },
  })) {
    it(`serves ${what}`, async () => {
      const send = await start();
      for (const method of ["GET", "POST"]) expect(await send(method, headers)).to.equal(200);
    });
  }

  it("may be linked to and read across sites by navigation", async () => {
    const send = await start();
    expect(await send("GET", { Host: "localhost:3000", "Sec-Fetch-Site": "cross-site" })).to.equal(200);
  });
});
