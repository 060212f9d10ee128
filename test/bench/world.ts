import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedis } from "../support/redis-server.ts";
import { moveAway, start } from "./parts.ts";

export type World = Awaited<ReturnType<typeof startWorld>>;

/** What surrounds a server under test: a Redis of the run's own and a fake WeChat, perhaps with TLS or slow to answer. */
export async function startWorld(kind?: "tls" | "slow") {
  const redis = await startRedis();
  moveAway(redis.pid);
  const tls = kind === "tls" ? certificate() : undefined;
  const wechat = {
    ...(tls && { TLS_KEY: tls.key, TLS_CERT: tls.cert }),
    ...(kind === "slow" && { DELAY: "50" }),
  };
  const { part, first } = await start<{ port: number }>("fake-wechat.mjs", [], { env: wechat });
  return {
    redis,
    env: {
      REDIS_URL: redis.url,
      WECHAT_URL: `${tls ? "https" : "http"}://localhost:${first.port}`,
      ...(tls && { NODE_EXTRA_CA_CERTS: tls.cert }),
    },
    async stop(): Promise<void> {
      await Promise.all([redis.stop(), part.stop()]);
    },
  };
}

/** A certificate for localhost, signed by itself. */
function certificate(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), "bench-tls-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const how = [
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "2",
    ...subject,
    "-keyout",
    key,
    "-out",
    cert,
  ];
  execFileSync("openssl", ["req", ...how], { stdio: "ignore" });
  return { key, cert };
}
