import express from "express";

const USER = { openid: "oGZUI0egBJY1zhBYw2KhdUfwVJJE", unionid: "ocMvos6NjeKLIBqg5Mr9QjxrP1FA" };

/** What a route that nobody guards costs in Express. */
export function handler() {
  const app = express();
  app.post("/login", (_req, res) => res.json({ status: "signed_in" }));
  app.get("/me", (_req, res) => res.json(USER));
  return app;
}
