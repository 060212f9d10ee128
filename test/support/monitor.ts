import { connect } from "node:net";
import { atEnd, redis } from "./login-app.ts";

/**
 * Listens to every command that Redis gets; the function returned gives them. By a plain socket: ioredis loses the answer
 * to MONITOR where someone else writes to this Redis at the same moment.
 */
export async function monitor(): Promise<() => Promise<string[][]>> {
  const { hostname, port, username, password } = new URL(String(process.env.REDIS_URL));
  const socket = connect(Number(port || 6379), hostname).setEncoding("utf8");
  atEnd(() => socket.destroy());
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  if (password) socket.write(`AUTH ${username || "default"} ${password}\r\n`);
  socket.write("MONITOR\r\n");
  // A command that is seen says that all before it have been seen, too.
  async function sees(command: string): Promise<void> {
    do await redis().exists(command);
    while (!text.includes(command) && (await new Promise((resolve) => setTimeout(resolve, 5, true))));
  }
  await sees(`begin-${Math.random()}`);
  return async () => {
    await sees(`end-${Math.random()}`);
    const quoted = (line: string) => line.match(/"(?:[^"\\]|\\.)*"/g) ?? [];
    return text
      .split("\r\n")
      .map((line) => quoted(line).map((word) => word.slice(1, -1).replaceAll('\\"', '"')));
  };
}
