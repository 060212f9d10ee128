import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { AccountConflictError, type Identity } from "../../lib/index.ts";

const DUPLICATE = Object.assign(new Error("Duplicate entry"), { code: "ER_DUP_ENTRY" });

/** The recipe of docs/databases.md as it stands there, on a pool of one connection: there is no MySQL on these machines. */
function recipe({ canRollBack }: { canRollBack: boolean }) {
  const block = /```js\n\/\/ recipe: mysql\n([\s\S]*?)```/;
  const code = block.exec(readFileSync("docs/databases.md", "utf8"))?.[1];
  if (!code) throw new Error("docs/databases.md has no recipe mysql");
  const steps: string[] = [];
  const state = { isFree: true, stored: false };
  const end = (step: string) => () => {
    steps.push(step);
    state.isFree = true;
  };
  const execute = async (sql: string) => {
    if (sql.includes("SELECT id")) return [state.stored ? [{ id: 1, openid: "o1" }] : []];
    if (!sql.includes("openids")) return [{ insertId: 1 }];
    // Another process has stored this person between the two.
    state.stored = true;
    throw DUPLICATE;
  };
  const connection = {
    ...{ execute, query: async () => {}, beginTransaction: async () => {}, commit: async () => {} },
    async rollback() {
      if (!canRollBack) throw new Error("Connection lost");
    },
    ...{ release: end("release"), destroy: end("destroy") },
  };
  const pool = {
    async getConnection() {
      if (!state.isFree) await new Promise(() => {});
      state.isFree = false;
      return connection;
    },
  };
  const given = { AccountConflictError, mysql: { createPool: () => pool }, process: { env: {} } };
  const body = `"use strict";${code.replaceAll(/^import .*\n/gm, "")}return saveUser;`;
  const saveUser: (user: Identity) => Promise<void> = new Function(...Object.keys(given), body)(
    ...Object.values(given),
  );
  return { saveUser, steps };
}

describe("the MySQL recipe", () => {
  for (const canRollBack of [true, false]) {
    it(`${canRollBack ? "gives back" : "ends"} its connection before it takes one to try again`, async () => {
      const { saveUser, steps } = recipe({ canRollBack });
      const saved = saveUser({ appId: "mini", openid: "o1" }).then(() => "saved");
      expect(await Promise.race([saved, pause(500, "waits for ever")])).to.equal("saved");
      expect(steps).to.deep.equal([canRollBack ? "release" : "destroy", "release"]);
    });
  }
});
