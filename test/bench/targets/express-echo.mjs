import express from "express";

/** What a JSON body costs in Express: express.json and res.json. */
export const handler = () =>
  express()
    .use(express.json())
    .use((req, res) => res.json(req.body));
