import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "../support/commands.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const ON_MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
const HOW_TO =
  "The browser tests need Chromium or Chrome: install it (apt-get install chromium, brew install --cask chromium), or set CHROMIUM_PATH.";

/**
 * Finds a Chromium, or installs the distribution's package where that is possible: as root on Debian, as in a container.
 *
 * @throws {Error} one sentence on how to get it
 */
export async function findChromium(): Promise<string> {
  const found = process.env.CHROMIUM_PATH ?? installed();
  if (found) return found;
  const install = ["install", "--yes", "--no-install-recommends", "chromium"];
  try {
    await run("apt-get", ["update"]);
    await run("apt-get", install, { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  } catch (cause) {
    throw new Error(HOW_TO, { cause });
  }
  const fetched = installed();
  if (fetched) return fetched;
  throw new Error(HOW_TO);
}

function installed(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const places = [...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))), ON_MACOS];
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
