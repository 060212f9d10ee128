// Draws the CPU of each target, of last.json, as chart.svg.
import { readFileSync, writeFileSync } from "node:fs";
import { parse, View } from "vega";
import { compile } from "vega-lite";

const SHOWN = {
  "sign-in": "whole sign-in",
  silent: "silent login",
  complete: "second request",
  guard: "guard",
};

const file = (name) => new URL(name, import.meta.url);
const { comparisons } = JSON.parse(readFileSync(file("last.json"), "utf8"));
const values = comparisons
  .filter(({ name }) => name in SHOWN)
  .flatMap(({ name, figures }) =>
    figures
      .filter(({ target }) => !target.includes("Node 24"))
      .map(({ target, cpu }) => ({
        what: SHOWN[name],
        target,
        ms: cpu * 1000,
        whose: target.startsWith("ours") ? "express-wechat-login" : "others",
      })),
  );
const chart = {
  title: "CPU of the server, milliseconds for 1,000 (less is better)",
  background: "white",
  data: { values },
  facet: {
    row: {
      field: "what",
      sort: Object.values(SHOWN),
      title: null,
      header: { labelAngle: 0, labelAlign: "left" },
    },
  },
  resolve: { scale: { y: "independent" } },
  spec: {
    width: 420,
    height: { step: 18 },
    layer: [
      {
        mark: "bar",
        encoding: {
          color: {
            field: "whose",
            title: null,
            scale: { domain: ["express-wechat-login", "others"], range: ["#07883f", "#b5b5b5"] },
            legend: { orient: "bottom", labelLimit: 300 },
          },
        },
      },
      { mark: { type: "text", align: "left", dx: 3 }, encoding: { text: { field: "ms", format: ".0f" } } },
    ],
    encoding: {
      y: { field: "target", sort: null, title: null, axis: { labelLimit: 400 } },
      x: { field: "ms", type: "quantitative", title: null },
    },
  },
};
const view = new View(parse(compile(chart).spec), { renderer: "none" });
writeFileSync(file("chart.svg"), `${await view.toSVG()}\n`);
