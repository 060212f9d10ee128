import { openDatabase } from "../../example-app/database.ts";

/**
 * A process of its own that is one app of the example's: `node … <database URL, or nothing> <folder> <appId> <people>`. It
 * says "ready", begins when it hears something, and stores each person as at a first login; then it says "done".
 */
const [url = "", folder = "", appId = "", people = "0"] = process.argv.slice(2);
const { users } = await openDatabase({ DATABASE_URL: url }, folder);
console.log("ready");
await new Promise((resolve) => process.stdin.once("data", resolve));
for (let number = 0; number < Number(people); number++) {
  await users.save({ appId, openid: `${appId}-${number}`, unionid: `u${number}` });
}
console.log("done");
process.exit();
