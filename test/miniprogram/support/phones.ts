import { type Browser, chromium } from "playwright-core";
import type { PhoneUser } from "../../../lib/simulator/index.ts";
import { findChromium } from "../../browser/find-chromium.ts";
import { type Example, openPhone, startExample } from "./phone-page.ts";

/** A browser and the example for the tests of a file; each test opens phones of its own. */
export function phones() {
  let browser: Browser;
  let running: Example;

  before(async () => {
    const executablePath = await findChromium();
    // The page comes from the test and asks a server on this machine, which Chromium would first ask the user about.
    const args = ["--no-sandbox", "--disable-features=LocalNetworkAccessChecks"];
    browser = await chromium.launch({ executablePath, args });
    running = await startExample();
  });

  after(async () => {
    await browser.close();
    await running.close();
  });

  return {
    newPhone: (user: PhoneUser) => openPhone(browser, running, user),
    example: () => running,
  };
}
