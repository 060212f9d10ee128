// The example in a process that tells its parent, when asked, what it holds after a garbage collection.
process.on("message", () => {
  globalThis.gc?.();
  const handles = process.getActiveResourcesInfo().filter((name) => name !== "Timeout").length;
  process.send?.({ heapMB: process.memoryUsage().heapUsed / 1e6, handles });
});
await import("../../example-app/app.ts");
