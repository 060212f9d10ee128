import { ownSchema } from "../databases/own-schema.ts";
import { startPostgres } from "../databases/postgres-server.ts";
import { describeUsers } from "./describe-users.ts";

let server: Awaited<ReturnType<typeof startPostgres>>;

before(async function () {
  this.timeout(180_000);
  server = await startPostgres();
});

after(() => server?.stop());

describeUsers("PostgreSQL", async () => {
  const { url, count } = await ownSchema(server.url);
  return { url, folder: "", openids: () => count("openids") };
});
