import { createDecipheriv } from "node:crypto";
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import fetch from "node-fetch";
import { Passport } from "passport";
import { Strategy } from "passport-custom";
import { createClient } from "redis";
import { APP_ID, SECRET } from "../people.mjs";

/** passport + express-session + connect-redis: the session_key waits in the session, the cookie leads to it. */
export async function handler({ WECHAT_URL, REDIS_URL }) {
  const client = await createClient({ url: REDIS_URL }).connect();
  const passport = new Passport();
  passport.serializeUser((user, done) => done(null, user));
  passport.deserializeUser((user, done) => done(null, user));
  passport.use("code", new Strategy(byCode));
  passport.use("user-data", new Strategy(byUserData));

  async function byCode(req, done) {
    const query = `appid=${APP_ID}&secret=${SECRET}&js_code=${encodeURIComponent(req.body.code)}&grant_type=authorization_code`;
    const answer = await fetch(`${WECHAT_URL}/sns/jscode2session?${query}`);
    const { openid, session_key, unionid } = await answer.json();
    if (unionid) return done(null, { openid, unionid });
    req.session.pending = { openid, session_key };
    done(null, false);
  }

  function byUserData(req, done) {
    const { openid, session_key } = req.session.pending;
    const [secret, vector] = [Buffer.from(session_key, "base64"), Buffer.from(req.body.iv, "base64")];
    const decipher = createDecipheriv("aes-128-cbc", secret, vector);
    const text = decipher.update(req.body.encryptedData, "base64", "utf8") + decipher.final("utf8");
    done(null, { openid, unionid: JSON.parse(text).unionId });
  }

  const app = express();
  app.use(express.json());
  app.use(
    session({
      store: new RedisStore({ client, prefix: "sess:", ttl: 86_400 }),
      secret: SECRET,
      resave: false,
      saveUninitialized: false,
    }),
  );
  app.use(passport.initialize(), passport.session());
  const signIn = (strategy) => (req, res, next) => {
    passport.authenticate(strategy, (error, user) => {
      if (error) return next(error);
      if (!user) return res.json({ status: "incomplete" });
      req.logIn(user, (failure) => (failure ? next(failure) : res.json({ status: "signed_in" })));
    })(req, res, next);
  };
  app.post("/login", signIn("code"));
  app.post("/login/complete", signIn("user-data"));
  app.get("/me", (req, res) => (req.user ? res.json(req.user) : res.sendStatus(401)));
  return app;
}
