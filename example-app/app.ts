import cluster from "node:cluster";
import { createServer, STATUS_CODES } from "node:http";
import express, { type ErrorRequestHandler } from "express";
import { wechatLogin, wechatWebLogin } from "express-wechat-login";
import { Redis } from "ioredis";
import { openAccounts } from "./accounts.ts";
import { openAvatars } from "./avatars.ts";
import { openDatabase } from "./database.ts";
import { healthOf } from "./health.ts";
import { walkThrough } from "./phone.ts";
import { orRefuse, placeOf, refuse } from "./settings.ts";
import { openStage } from "./stage/stage.ts";

const { REDIS_URL, DATA = "example-app/data", DRAIN_MS = "0" } = process.env;

const NO_WEBSITE =
  "Serving POST /wx/login. For the web login set WECHAT_WEBSITE_APP_ID and WECHAT_WEBSITE_SECRET, or those of WECHAT_OFFICIAL.";

const accounts = await openAccounts(process.env).catch(refuse);
const { miniProgram, officialAccount, website, baseUrl, authorizeBaseUrl, simulator } = accounts;
const { port, listenHost, publicUrl } = orRefuse(() => placeOf(process.env, simulator !== undefined));
const { users, place } = await openDatabase(process.env, DATA);
const avatars = openAvatars(`${DATA}/avatars`, `${publicUrl}/avatars`, miniProgram.secret);

// Fails fast where Redis is away, and comes back by itself.
const redis = REDIS_URL
  ? new Redis(REDIS_URL, { maxRetriesPerRequest: 1, commandTimeout: 1000, connectTimeout: 1000 })
  : undefined;
redis?.on("error", (error) => console.error(`Redis: ${error.message}`));

const host = {
  baseUrl,
  redis,
  findUser: users.find,
  saveUser: users.save,
  // The Mini Program and the website accept each other's sessions.
  session: { name: "example" },
};
const options = {
  ...miniProgram,
  ...host,
  saveAvatar: avatars.save,
  onLogin: (user: { id: number }) => ({ userId: user.id }),
};

const app = express();
// How many proxies stand in front: the rate limit counts by the address that they tell.
app.set("trust proxy", Number(process.env.TRUST_PROXY ?? 0));
const health = healthOf({ ...(redis && { redis: () => redis.ping() }), database: users.ping });
app.use(health.routes);
const wx = wechatLogin(options);
app.use("/wx", wx);
app.use("/wx-profile", wechatLogin({ ...options, require: ["unionid", "nickName", "avatarUrl"] }));
app.use("/wx-phone", wechatLogin({ ...options, require: ["unionid", "phoneNumber"] }));

const callbackUrl = `${publicUrl}/web/callback`;
const hasWeb = officialAccount ?? website;
const returnTo = "/web.html";
const web =
  hasWeb && wechatWebLogin({ ...host, officialAccount, website, callbackUrl, authorizeBaseUrl, returnTo });
if (web) app.use("/web", web);

// One guard for both: a session token of the Mini Program, or the website's cookie.
const { requireLogin, userOf } = web ?? wx;
app.get("/me", requireLogin, (req, res) => {
  res.json(userOf(req));
});
app.use("/avatars", avatars.routes);
// The phone page, where there is a simulated WeChat.
const stage =
  simulator &&
  (await openStage({
    accounts: { ...accounts, simulator },
    avatars,
    publicUrl,
    redisUrl: REDIS_URL,
  }));
if (stage) app.use(stage.router);
if (web) app.use(express.static(`${import.meta.dirname}/public`, { index: "web.html" }));
else app.get("/", (_req, res) => res.type("text").send(NO_WEBSITE));

// Without it Express answers HTML, and the stack where NODE_ENV is not production.
const onError: ErrorRequestHandler = (error, _req, res, next) => {
  console.error(error);
  if (res.headersSent) return next(error);
  const status = error.status ?? 500;
  res.status(status).json({ error: { message: STATUS_CODES[status] } });
};
app.use(onError);

const server = createServer(app);
server.once("error", ({ message }) => {
  refuse(new Error(`Port ${port} cannot be used (${message}); try PORT=3001 npm start`));
});
server.listen({ port, host: listenHost }, async () => {
  const address = server.address();
  const url = `http://localhost:${typeof address === "object" ? address?.port : port}`;
  console.log(
    `WeChat:   ${simulator ? `simulated, at ${simulator.baseUrl}` : (baseUrl ?? "api.weixin.qq.com")}`,
  );
  console.log(`Tokens:   ${REDIS_URL ? "in Redis" : "in this process (set REDIS_URL for Redis)"}`);
  console.log(`Database: ${place}, avatars in ${DATA}/avatars`);
  if (simulator) await walkThrough(url, simulator, users.all);
  console.log(
    simulator
      ? `\nThe phone page: ${url} (the website: ${url}/web.html; Ctrl+C ends)`
      : `\nServing ${url}: open it in a browser, or POST /wx/login, … (Ctrl+C ends)`,
  );
});

let isEnding = false;
async function end(): Promise<void> {
  isEnding = true;
  // Its stream of messages would never end by itself.
  void stage?.close();
  await health.drain(server, Number(DRAIN_MS));
  // A Redis that is away cannot be told.
  await redis?.quit().catch(() => redis.disconnect());
  await simulator?.close();
  await users.close();
  cluster.worker?.disconnect();
}
// Perhaps twice: a supervisor may signal the workers, and their primary does.
process.on("SIGTERM", () => {
  if (!isEnding) void end();
});
