import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { expect } from "chai";
import { wechatRequest } from "../../lib/wechat/request.ts";
import { atEnd } from "../support/login-app.ts";

describe("an idle connection to WeChat", () => {
  it("is closed by us after 15 s, before a gateway closes it under the next request", async () => {
    let closed = (_ms: number) => {};
    const closing = new Promise<number>((resolve) => {
      closed = resolve;
    });
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      let answered = 0;
      socket.on("data", () => {
        answered = performance.now();
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
      });
      socket.on("end", () => closed(performance.now() - answered));
    }).listen(0, "127.0.0.1");
    atEnd(() => server.close());
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const request = wechatRequest({ baseUrl: `http://127.0.0.1:${port}`, timeout: 1000 });
    for (const _time of [1, 2]) await request("/", {});
    expect(await closing).to.be.within(14_500, 17_000);
    expect(sockets).to.have.length(1);
  });
});
