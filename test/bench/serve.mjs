// The server under test, in a process of its own: serve.mjs <target>. Tells what it has used when it is asked.
import cluster from "node:cluster";
import { createServer } from "node:http";

const workers = Number(process.env.WORKERS ?? 0);

if (workers > 0 && cluster.isPrimary) {
  const used = new Map();
  for (let count = 0; count < workers; count++) cluster.fork();
  let listening = 0;
  cluster.on("listening", (_worker, { port }) => {
    listening += 1;
    if (listening === workers) process.send({ port });
  });
  process.on("message", () => {
    used.clear();
    for (const worker of Object.values(cluster.workers)) worker.send("usage");
  });
  cluster.on("message", (worker, usage) => {
    used.set(worker.id, usage);
    if (used.size < workers) return;
    const all = [...used.values()];
    process.send({
      cpu: all.reduce((sum, { cpu }) => sum + cpu, 0),
      rss: all.reduce((sum, { rss }) => sum + rss, 0),
    });
  });
} else {
  const { handler } = await import(`./targets/${process.argv[2]}.mjs`);
  const server = createServer(await handler(process.env)).listen(0, "127.0.0.1", 4096);
  server.keepAliveTimeout = 120_000;
  if (!cluster.isWorker) server.once("listening", () => process.send({ port: server.address().port }));
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    // Microseconds and bytes.
    process.send({ cpu: user + system, rss: process.memoryUsage.rss() });
  });
}
process.on("disconnect", () => process.exit());
