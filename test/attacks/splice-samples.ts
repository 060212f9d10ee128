import { randomBytes } from "node:crypto";
import { openUserData } from "../../lib/login/user-data.ts";
import { decrypted } from "./support/messages.ts";
import { APP_ID, type Forged, OPENID, VARIANTS, type Variant } from "./support/splice-variants.ts";
import { WEAK_FORMS } from "./support/weak-forms.ts";

const SAMPLES = Number(process.argv[2] ?? 1_000_000);
/** Samples under one session_key. */
const BATCH = 20_000;
const MAX_AGE = 86_400;
const READERS = [...new Set(WEAK_FORMS.map(({ reader }) => reader))];

// Nearly every sample ends in an error; its stack would cost more than all the rest.
Error.stackTraceLimit = 0;

/** The product itself. */
function isOpened({ sealed, rawData, signature }: Forged, sessionKey: string): boolean {
  const [iv, encryptedData] = [sealed.subarray(0, 16), sealed.subarray(16)];
  const sent = { encryptedData: encryptedData.toString("base64"), iv: iv.toString("base64") };
  try {
    openUserData({ ...sent, rawData, signature }, { appId: APP_ID, openid: OPENID, sessionKey }, MAX_AGE);
    return true;
  } catch {
    return false;
  }
}

/** How many samples of an attack are believed: by the closed form, and by each weaker one. */
function sample({ prepare, isForged }: Variant) {
  const counts = { closed: 0, weak: WEAK_FORMS.map(() => 0) };
  for (let done = 0; done < SAMPLES; ) {
    const key = randomBytes(16);
    const sessionKey = key.toString("base64");
    const forge = prepare(key, sessionKey);
    for (const end = Math.min(done + BATCH, SAMPLES); done < end; done++) {
      const forged = forge();
      // Whatever it is that the closed form believes: WeChat has not sealed it.
      if (isOpened(forged, sessionKey)) counts.closed++;
      const plaintext = decrypted(key, forged.sealed);
      if (!plaintext) continue;
      const owner = { appId: APP_ID, openid: OPENID, rawData: JSON.parse(forged.rawData) };
      const read = new Map(READERS.map((reader) => [reader, reader(plaintext)]));
      for (const [index, { reader, believe }] of WEAK_FORMS.entries()) {
        const data = read.get(reader);
        const believed = data && believe(data, owner);
        if (believed && isForged(believed)) counts.weak[index] = Number(counts.weak[index]) + 1;
      }
    }
  }
  return counts;
}

console.log(`${SAMPLES} samples of each attack\n`);
console.log(`| attack | ${WEAK_FORMS.map(({ name }) => name).join(" | ")} | closed form |`);
console.log(`|---|${"--:|".repeat(WEAK_FORMS.length + 1)}`);
const begun = Date.now();
let believed = 0;
for (const variant of VARIANTS) {
  const { closed, weak } = sample(variant);
  believed += closed;
  console.log(`| ${variant.name} | ${weak.join(" | ")} | ${closed} |`);
}
console.log(`\n${Math.round((Date.now() - begun) / 1000)} s`);
if (believed > 0) {
  console.error(`The closed form believed ${believed} forged messages.`);
  process.exitCode = 1;
}
