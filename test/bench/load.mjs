// The load generator, in a process of its own: a closed loop of so many connections. They are opened, and used for a while,
// before anything is counted.
import { Client } from "undici";
import { flows } from "./flows.mjs";

function sender(client, times) {
  return (request) =>
    new Promise((resolve, reject) => {
      const begun = performance.now();
      const answer = { status: 0, headers: {}, text: "" };
      client.dispatch(request, {
        onRequestStart() {},
        onResponseStart(_controller, status, headers) {
          Object.assign(answer, { status, headers });
        },
        onResponseData(_controller, chunk) {
          answer.text += chunk.toString();
        },
        onResponseEnd() {
          times.push(performance.now() - begun);
          resolve(answer);
        },
        onResponseError: (_controller, error) => reject(error),
      });
    });
}

async function run({ port, flow: name, connections, count, warmUp }) {
  const flow = flows[name];
  const times = [];
  const clients = Array.from({ length: connections }, () => new Client(`http://127.0.0.1:${port}`));
  const senders = clients.map((client) => sender(client, times));
  // One after the other: Node 20 shows seconds where a thousand connections fire the moment they open.
  const once = [];
  for (const send of senders) once.push(await flow.prepareOnce?.(send));

  /** Each connection takes the next act as soon as its last one is done. */
  async function acts(total, act) {
    let left = total;
    await Promise.all(
      senders.map(async (send, index) => {
        while (left-- > 0) await act(send, index);
      }),
    );
  }

  const oneAct = async (send, index) =>
    flow.act(send, flow.prepareOnce ? once[index] : await flow.prepare?.(send));
  for (const [index, send] of senders.entries()) await oneAct(send, index);
  await acts(warmUp, oneAct);
  const prepared = [];
  if (flow.prepare) await acts(count, async (send) => prepared.push(await flow.prepare(send)));

  await tell({ ready: true });
  times.length = 0;
  const begun = performance.now();
  await acts(count, (send, index) => flow.act(send, flow.prepare ? prepared.pop() : once[index]));
  const seconds = (performance.now() - begun) / 1000;
  process.send({ seconds, ...percentiles(times) });
  await Promise.all(clients.map((client) => client.close()));
}

/** Waits for the word to go on. */
function tell(message) {
  process.send(message);
  return new Promise((resolve) => process.once("message", resolve));
}

function percentiles(times) {
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  return { requests: times.length, p50: at(0.5), p99: at(0.99) };
}

process.on("message", async (job) => {
  if (!job.flow) return;
  try {
    await run(job);
  } catch (error) {
    process.send({ error: error.message });
  }
});
process.on("disconnect", () => process.exit());
