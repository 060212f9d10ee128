import { readFileSync } from "node:fs";
import { expect } from "chai";
import { AccountConflictError, type Identity, type UserToSave } from "../../lib/index.ts";

type Document = Record<string, unknown>;
interface Index {
  fields: string[];
  partial: Document;
}

/** The values of a dotted path, of every element of the arrays on the way. */
function valuesAt(value: unknown, path: string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((element) => valuesAt(element, path));
  const [name, ...rest] = path;
  if (name === undefined) return [value];
  return value !== null && typeof value === "object"
    ? valuesAt((value as Document)[name], rest)
    : [undefined];
}

/** As MongoDB compares: `$gt` with values of its own type only, and `undefined` with nothing but what is absent. */
function matches(document: unknown, filter: Document): boolean {
  return Object.entries(filter).every(([path, wanted]) => {
    if (path === "$or") return (wanted as Document[]).some((branch) => matches(document, branch));
    const { $gt, $elemMatch } = Object(wanted) as { $gt?: string; $elemMatch?: Document };
    if ($elemMatch) {
      const elements = Object(document)[path];
      return Array.isArray(elements) && elements.some((element) => matches(element, $elemMatch));
    }
    const values = valuesAt(document, path.split("."));
    if ($gt !== undefined) return values.some((value) => typeof value === "string" && value > $gt);
    return values.some((value) => (value ?? null) === (wanted ?? null));
  });
}

/** What of MongoDB the recipe uses, in memory: there is none on these machines. */
function collection() {
  const documents: Document[] = [];
  const indexes: Index[] = [];
  const keysIn = ({ fields }: Index, document: Document) => {
    const columns = fields.map((field) => valuesAt(document, field.split(".")));
    const rows = Math.max(...columns.map(({ length }) => length), 1);
    return Array.from({ length: rows }, (_row, row) =>
      JSON.stringify(columns.map((column) => column[row] ?? null)),
    );
  };
  function store(changed: Document, old?: Document): void {
    for (const index of indexes.filter(({ partial }) => matches(changed, partial))) {
      const others = documents.filter((other) => other !== old && matches(other, index.partial));
      const taken = new Set(others.flatMap((other) => keysIn(index, other)));
      if (keysIn(index, changed).some((key) => taken.has(key))) {
        throw Object.assign(new Error("E11000 duplicate key"), { code: 11000 });
      }
    }
    if (old) documents.splice(documents.indexOf(old), 1, changed);
    else documents.push({ _id: documents.length + 1, ...changed });
  }
  const users = {
    async createIndex(fields: Document, options: { unique: boolean; partialFilterExpression?: Document }) {
      indexes.push({ fields: Object.keys(fields), partial: options.partialFilterExpression ?? {} });
    },
    find: (filter: Document) => ({
      limit: (count: number) => ({
        toArray: async () => structuredClone(documents.filter((one) => matches(one, filter)).slice(0, count)),
      }),
    }),
    insertOne: async (document: Document) => store(document),
    async updateOne(filter: Document, { $set, $addToSet }: Record<"$set" | "$addToSet", Document>) {
      const old = documents.find((one) => matches(one, filter));
      if (!old) throw new Error("The recipe updates a user who is there.");
      const changed = { ...old, ...$set };
      for (const [field, value] of Object.entries($addToSet)) {
        const list = (old[field] as unknown[] | undefined) ?? [];
        const isThere = list.some((known) => JSON.stringify(known) === JSON.stringify(value));
        changed[field] = isThere ? list : [...list, value];
      }
      store(changed, old);
    },
  };
  return { users, documents, store };
}

interface Callbacks {
  findUser(identity: Identity): Promise<{ _id: number; openid: string | null } | undefined>;
  saveUser(user: UserToSave<readonly []>): Promise<void>;
}

/** The recipe of docs/databases.md as it stands there. */
async function recipe() {
  const block = /```js\n\/\/ recipe: mongodb\n([\s\S]*?)```/;
  const code = block.exec(readFileSync("docs/databases.md", "utf8"))?.[1];
  if (!code) throw new Error("docs/databases.md has no recipe mongodb");
  const { users, documents, store } = collection();
  class MongoClient {
    db = () => ({ collection: () => users });
  }
  const given = { AccountConflictError, MongoClient, process: { env: {} } };
  const body = `"use strict";${code.replaceAll(/^import .*\n/gm, "")}return { findUser, saveUser };`;
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  const run = new AsyncFunction(...Object.keys(given), body);
  const callbacks: Callbacks = await run(...Object.values(given));
  return { ...callbacks, documents, store };
}

const mini = { appId: "mini", openid: "m1", unionid: "u1" };
const web = { appId: "web", openid: "w1", unionid: "u1" };

describe("the MongoDB recipe", () => {
  it("lets many users have no openid, an empty list of them, or no unionid", async () => {
    const { documents, store, saveUser, findUser } = await recipe();
    for (const user of [{ name: "a" }, { name: "b" }, { openids: [] }, { openids: [] }, { unionid: null }])
      store(user);
    store({ unionid: null });
    store({ unionid: "u1" });
    for (const openid of ["m2", "m3"]) await saveUser({ appId: "mini", openid });
    expect(documents).to.have.length(9);
    expect(await findUser(mini)).to.include({ unionid: "u1", openid: null });
    await saveUser(mini);
    expect(await findUser({ appId: "mini", openid: "m1" })).to.deep.include({ unionid: "u1", openid: "m1" });
    expect(documents).to.have.length(9);
    expect(await findUser({ appId: "mini", openid: "nobody" })).to.equal(undefined);
  });

  it("finds a person of one app in another, gives the openid that was asked for, and an openid means nothing elsewhere", async () => {
    const { saveUser, findUser, documents } = await recipe();
    await saveUser({ ...mini, nickName: "小明" });
    expect(await findUser(web)).to.deep.include({ nickName: "小明", openid: null });
    await saveUser(web);
    expect(await findUser(web)).to.deep.include({ openid: "w1" });
    expect(await findUser({ appId: "mini", openid: "m1" })).to.deep.include({ openid: "m1" });
    for (const [appId, openid] of [
      ["mini", "w1"],
      ["web", "m1"],
    ] as const) {
      expect(await findUser({ appId, openid })).to.equal(undefined);
    }
    expect(documents).to.have.length(1);
  });

  it("gives a user who was known by the openid alone the unionid, and tells a conflict", async () => {
    const { saveUser, findUser, documents } = await recipe();
    await saveUser({ appId: "mini", openid: "m1" });
    await saveUser(mini);
    expect(documents).to.have.length(1);
    await saveUser({ appId: "web", openid: "w9" });
    for (const step of [findUser, saveUser]) {
      expect(await step({ ...web, openid: "w9" }).catch((error: unknown) => error)).to.be.instanceOf(
        AccountConflictError,
      );
    }
  });

  it("stores one user where first logins come at the same time", async () => {
    const { saveUser, documents } = await recipe();
    await Promise.all([mini, web, mini, web].map((user) => saveUser(user)));
    const alone = { appId: "mini", openid: "m2" };
    await Promise.all([alone, alone].map((user) => saveUser(user)));
    expect(documents).to.have.length(2);
    expect(documents[0]?.openids).to.have.deep.members([
      { appId: "mini", openid: "m1" },
      { appId: "web", openid: "w1" },
    ]);
  });
});
