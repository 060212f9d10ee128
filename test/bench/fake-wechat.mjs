// A WeChat that answers at once, in a process of its own: the simulator checks too much to be out of the way. The user is in
// the code, `<name>.<anything>`; who is called `bound-…` has a unionid. With DELAY it takes that many milliseconds.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { openidOf, sessionKeyOf } from "./people.mjs";

const { DELAY = 0, TLS_KEY, TLS_CERT } = process.env;

function answer(req, res) {
  const name = new URLSearchParams(req.url.slice(req.url.indexOf("?"))).get("js_code").split(".")[0];
  const unionid = name.startsWith("bound-") ? { unionid: openidOf(`union-${name}`) } : {};
  const body = JSON.stringify({ session_key: sessionKeyOf(name), openid: openidOf(name), ...unionid });
  res.writeHead(200, { "Content-Type": "text/plain", "Content-Length": Buffer.byteLength(body) }).end(body);
}

const later = Number(DELAY) > 0 ? (req, res) => setTimeout(answer, Number(DELAY), req, res) : answer;
const options = TLS_KEY && { key: readFileSync(TLS_KEY), cert: readFileSync(TLS_CERT) };
const server = options ? https.createServer(options, later) : http.createServer(later);
server.keepAliveTimeout = 60_000;
server.listen(0, "localhost", () => process.send({ port: server.address().port }));
process.on("disconnect", () => process.exit());
