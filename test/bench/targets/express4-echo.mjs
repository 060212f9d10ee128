import express from "express4";

export const handler = () =>
  express()
    .use(express.json())
    .use((req, res) => res.json(req.body));
