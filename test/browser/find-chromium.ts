import { aptInstall, findProgram, isProgram } from "../support/commands.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const ON_MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
const HOW_TO =
  "The browser tests need Chromium or Chrome: install it (apt-get install chromium, brew install --cask chromium), or set CHROMIUM_PATH.";

/**
 * Finds a Chromium, or installs the distribution's package where that is possible.
 *
 * @throws {Error} one sentence on how to get it
 */
export async function findChromium(): Promise<string> {
  const found = process.env.CHROMIUM_PATH ?? installed();
  if (found) return found;
  await aptInstall("chromium").catch((cause) => {
    throw new Error(HOW_TO, { cause });
  });
  const fetched = installed();
  if (fetched) return fetched;
  throw new Error(HOW_TO);
}

function installed(): string | undefined {
  for (const name of NAMES) {
    const path = findProgram(name, ["/usr/bin"]);
    if (path !== undefined) return path;
  }
  return isProgram(ON_MACOS) ? ON_MACOS : undefined;
}
