import { type Check, ok, skip, warn } from "../check.ts";

/** Which settings came from the file `.env`: a host without `--env-file` or dotenv does not have them. */
export const envFile: Check = {
  name: ".env",
  run({ settings: { envFile: file } }) {
    if (file === undefined) return skip("there is no .env in this folder");
    if ("problem" in file)
      return warn(`cannot be read: ${file.problem}`, "Set the variables in the environment.");
    if (file.names.length === 0) return ok("read; it adds nothing to the environment, which wins");
    return ok(`read: ${file.names.join(", ")}; the environment wins`);
  },
};
