import "reflect-metadata";
import { NestFactory } from "@nestjs/core";
import { AppModule } from "./app.module.js";
import { WEB, WX } from "./wechat.module.js";

const { PORT = "3000" } = process.env;
const PREFIX = "api";

const app = await NestFactory.create(AppModule);
app.setGlobalPrefix(PREFIX);
// Express routers stand beside Nest's own routes: the prefix has to be written out.
app.use(`/${PREFIX}/wx`, app.get(WX));
app.use(`/${PREFIX}/web`, app.get(WEB));
await app.listen(PORT);
console.log(
  `Serving http://localhost:${PORT}: GET /api/web in a browser, POST /api/wx/login, GET /api/me (Ctrl+C ends)`,
);
