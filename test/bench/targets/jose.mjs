import express from "express";
import { jwtVerify, SignJWT } from "jose";
import { SECRET } from "../people.mjs";

/** A JWT: nothing to look up, and nothing that a sign-out could end. */
export function handler() {
  const key = new TextEncoder().encode(SECRET);
  const app = express();
  app.post("/login", express.json(), async (_req, res) => {
    const jwt = new SignJWT({
      openid: "oGZUI0egBJY1zhBYw2KhdUfwVJJE",
      unionid: "ocMvos6NjeKLIBqg5Mr9QjxrP1FA",
    });
    const sessionToken = await jwt.setProtectedHeader({ alg: "HS256" }).setExpirationTime("30d").sign(key);
    res.json({ status: "signed_in", sessionToken });
  });
  app.get("/me", async (req, res) => {
    const { payload } = await jwtVerify(req.headers.authorization.slice("Bearer ".length), key);
    res.json({ openid: payload.openid, unionid: payload.unionid });
  });
  return app;
}
