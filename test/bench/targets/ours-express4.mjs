import express from "express4";
import { login } from "../our-login.mjs";

export function handler(env) {
  const app = express();
  const wx = login(env);
  app.use(wx);
  app.get("/me", wx.requireLogin, (req, res) => res.json(wx.identityOf(req)));
  return app;
}
