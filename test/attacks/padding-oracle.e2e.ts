import { randomBytes, randomInt } from "node:crypto";
import { expect } from "chai";
import type { PendingLogin } from "../../lib/login/login-flow.ts";
import { seal } from "../../lib/simulator/user-data.ts";
import { oneTimeTokens } from "../../lib/storage/one-time-tokens.ts";
import { redisStore } from "../../lib/storage/redis-store.ts";
import { APP_ID, redis, startApp } from "../support/login-app.ts";

const TRIES = 10_000;
const OPENID = "oGZUI0egBJY1zhBYw2KhdUfwVJJE";
/**
 * How far the share of longer answers may be from one half, which is chance. On one machine some microseconds of OpenSSL show;
 * but a token and its session_key are good for one try, so that no guess can be repeated.
 */
const MAX_ADVANTAGE = 0.15;

/** The ways to fail that an oracle would tell apart: the padding is wrong, or it is right and what is inside is not. */
const WAYS = {
  padding(sessionKey: string) {
    const { encryptedData, iv } = seal({ openId: OPENID, text: "x".repeat(100) }, sessionKey);
    const bytes = Buffer.from(encryptedData, "base64");
    // The last byte of the plaintext is the padding's; this makes it 0 or more than 16.
    const at = bytes.length - 17;
    bytes[at] = Number(bytes[at]) ^ 0x80;
    return { encryptedData: bytes.toString("base64"), iv };
  },
  content: (sessionKey: string) => seal({ openId: "other", text: "x".repeat(100) }, sessionKey),
};

/** The share of pairs in which the one took longer than the other (Mann-Whitney). */
function shareOfLonger(ones: number[], others: number[]): number {
  const all = [...ones.map((ms) => ({ ms, mine: 1 })), ...others.map((ms) => ({ ms, mine: 0 }))];
  all.sort((a, b) => a.ms - b.ms);
  let ranks = 0;
  for (const [index, { mine }] of all.entries()) if (mine) ranks += index + 1;
  return (ranks - (ones.length * (ones.length + 1)) / 2) / (ones.length * others.length);
}

describe("a padding oracle", () => {
  it("is not there: 10,000 tampered ciphertexts get one answer, in times that tell nothing", async function () {
    this.timeout(240_000);
    const { post, keyPrefix } = await startApp();
    const store = redisStore(redis());
    const tokens = oneTimeTokens<PendingLogin>(store, `${keyPrefix}${APP_ID}:pending:`, 300);
    const times: Record<keyof typeof WAYS, number[]> = { padding: [], content: [] };
    const answers = new Set<string>();
    for (let count = 0; count < TRIES; count++) {
      const way = randomInt(2) === 0 ? "padding" : "content";
      const sessionKey = randomBytes(16).toString("base64");
      // A user each: after twenty failures of one the answer would be another.
      const openid = `o${String(count).padStart(27, "0")}`;
      const { token: temporaryToken } = await tokens.issue({ openid, sessionKey, known: {} });
      const signed = { rawData: "{}", signature: "0".repeat(40) };
      const body = { temporaryToken, ...WAYS[way](sessionKey), ...signed };
      const begun = performance.now();
      const answer = await post("/wx/login/complete", body);
      times[way].push(performance.now() - begun);
      const { date: _date, ...headers } = Object.fromEntries(answer.headers);
      answers.add(JSON.stringify([answer.status, headers, answer.body]));
    }
    expect([...answers]).to.have.length(1);
    expect([...answers][0]).to.include("invalid_user_data");
    const share = shareOfLonger(times.padding, times.content);
    console.log(`      wrong padding took longer in ${(share * 100).toFixed(1)} % of the pairs`);
    expect(Math.abs(share - 0.5)).to.be.below(MAX_ADVANTAGE);
  });
});
