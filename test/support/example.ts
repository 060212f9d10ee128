import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd, type TestBody } from "./login-app.ts";
import { freePort } from "./redis-server.ts";

/** The example in a process of its own, or in several. */
export interface Example {
  child: ChildProcess;
  port: number;
  /** What it has printed so far. */
  output(): string;
  /** Waits until it has printed something that matches; fails where it ends before. */
  printed(pattern: RegExp): Promise<void>;
  /** A request on a connection of its own. */
  send(path: string, body?: object, headers?: Record<string, string>): Promise<OwnAnswer>;
}

/** An answer that came on a connection of its own. */
export interface OwnAnswer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: TestBody;
}

/** Starts the example on a free port, in an empty data folder, against the simulated WeChat where `env` names no other. */
export async function startExample(
  args: string[],
  env: Record<string, string | undefined>,
): Promise<Example> {
  const data = await mkdtemp(join(tmpdir(), "example-"));
  atEnd(() => rm(data, { recursive: true }));
  const port = await freePort();
  const child = spawn(process.execPath, ["--import=tsx", "example-app/workers.ts", ...args], {
    env: {
      ...process.env,
      // tsx compiles lib otherwise than the tests do: coverage of both would not add up.
      NODE_V8_COVERAGE: undefined,
      ...{ WECHAT_APP_ID: undefined, DATABASE_URL: undefined, PORT: String(port), DATA: data, ...env },
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  atEnd(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text) => {
      output += text;
    });
  }
  async function printed(pattern: RegExp): Promise<void> {
    while (!pattern.test(output)) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the example ended:\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  return {
    child,
    port,
    output: () => output,
    printed,
    send: (path, body, headers) => sendAlone(`http://127.0.0.1:${port}${path}`, body, headers),
  };
}

/** The global fetch would come back on the connection that it has, and so to the same worker. */
async function sendAlone(
  url: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<OwnAnswer> {
  const method = body ? "POST" : "GET";
  const req = request(url, { method, headers, agent: new Agent({ keepAlive: false }) });
  req.end(body && JSON.stringify(body));
  const [res] = await once(req, "response");
  let text = "";
  for await (const chunk of res.setEncoding("utf8")) text += chunk;
  return { status: res.statusCode, headers: res.headers, body: JSON.parse(text) as TestBody };
}
