import { bad, type Check, ok } from "../check.ts";

/** The Nodes that this library runs on. */
export const nodeVersion: Check = {
  name: "Node.js",
  run({ nodeVersion: version }) {
    const [major = 0, minor = 0] = version.split(".").map(Number);
    const isGood = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
    return isGood ? ok(version) : bad(version, "Install Node.js 20.19, 22.12 or later.");
  },
};
