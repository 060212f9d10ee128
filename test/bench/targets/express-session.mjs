import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { createClient } from "redis";
import { SECRET } from "../people.mjs";

/** The guard that most hosts have: the session is read, and its life prolonged (touch). */
export async function handler({ REDIS_URL }) {
  const client = await createClient({ url: REDIS_URL }).connect();
  const app = express();
  app.use(
    session({
      store: new RedisStore({ client, prefix: "sess:" }),
      secret: SECRET,
      resave: false,
      saveUninitialized: false,
    }),
  );
  app.post("/login", express.json(), (req, res) => {
    req.session.user = { openid: "oGZUI0egBJY1zhBYw2KhdUfwVJJE", unionid: "ocMvos6NjeKLIBqg5Mr9QjxrP1FA" };
    res.json({ status: "signed_in" });
  });
  app.get("/me", (req, res) => (req.session.user ? res.json(req.session.user) : res.sendStatus(401)));
  return app;
}
