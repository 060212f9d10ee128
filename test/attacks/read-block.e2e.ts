import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { openUserData } from "../../lib/login/user-data.ts";
import { sign } from "../../lib/simulator/user-data.ts";
import { blocks, decryption, isHarmless, message, opensAs, xor } from "./support/messages.ts";
import {
  APP_ID,
  AT,
  FILLER,
  HOSTING,
  OPENID,
  OWN_AT,
  OWN_FILLER,
  OWN_TEXT,
  OWN_UNIONID,
  profileOf,
  STEM,
  userInfo,
  VICTIM,
} from "./support/splice-variants.ts";

/** As any text, control bytes among it, a block of garbage was believed once in 13,000 tries. */
const TRIES = 100_000;

/** A user who is signed in again and again under one session_key, and sends what they like. */
function attackersServer() {
  const key = randomBytes(16);
  const sessionKey = key.toString("base64");
  function send(sealed: Buffer, nickName: string) {
    const rawData = JSON.stringify(profileOf(nickName));
    const [iv, encryptedData] = [sealed.subarray(0, 16), sealed.subarray(16)];
    const sent = { encryptedData: encryptedData.toString("base64"), iv: iv.toString("base64") };
    const signature = sign(rawData, sessionKey);
    try {
      const owner = { appId: APP_ID, openid: OPENID, sessionKey };
      return String(openUserData({ ...sent, rawData, signature }, owner, 3600).data.unionId);
    } catch {
      return undefined;
    }
  }
  return { key, send };
}

/** A block of the attacker's own, behind which the victim's unionid opens. What it decrypts to itself is not known. */
function blockForVictim(key: Buffer) {
  const host = message(key, HOSTING);
  const opened = opensAs(host, AT - 1, STEM + VICTIM.slice(0, 16 - STEM.length));
  return { own: opened.subarray(0, 16), opened: Buffer.concat([opened, blocks(host, AT)]) };
}

/** A way, found offline, to let data go on behind that block inside the own unionId. */
function wayOn(key: Buffer) {
  const candidates = Array.from({ length: 2000 }, () => blockForVictim(key));
  for (;;) {
    const to = message(key, OWN_TEXT);
    const found = candidates.find(({ own }) => isHarmless(decryption(to, OWN_AT), own));
    if (found) return { ...found, rest: blocks(to, OWN_AT) };
  }
}

/**
 * Sends the block inside the own unionId until it is believed. What is then shown as unionId says what it decrypts to.
 *
 * @returns nothing if no try was believed
 */
function readBlock({ key, send }: ReturnType<typeof attackersServer>) {
  const { own, opened, rest } = wayOn(key);
  for (let tries = 1; tries <= TRIES; tries++) {
    const fresh = message(key, OWN_TEXT);
    const unionId = send(Buffer.concat([blocks(fresh, -1, OWN_AT), own, rest]), OWN_FILLER);
    if (unionId === undefined) continue;
    const shown = Buffer.from(unionId).subarray(0, 16);
    return { tries, opened, decrypts: xor(shown, blocks(fresh, OWN_AT - 1, OWN_AT)) };
  }
  return undefined;
}

/** Takes the garbage that a known block will open as for a nickname: WeChat then signs it. */
function signInAsVictim({ key, send }: ReturnType<typeof attackersServer>, opened: Buffer, decrypts: Buffer) {
  for (;;) {
    const fresh = message(key, userInfo(FILLER));
    const end = blocks(fresh, AT - 1, AT);
    if (!isHarmless(decrypts, end)) continue;
    return send(Buffer.concat([blocks(fresh, -1, AT), opened]), FILLER + xor(decrypts, end));
  }
}

describe("a block of the attacker's own inside their own unionId", () => {
  it("is never believed: its plaintext would be shown, and could be hidden in a signed nickname", function () {
    this.timeout(240_000);
    const server = attackersServer();
    const read = readBlock(server);
    const unionId = read && signInAsVictim(server, read.opened, read.decrypts);
    expect({ tries: read?.tries, unionId }).to.deep.equal({ tries: undefined, unionId: undefined });
    const { nickName } = JSON.parse(HOSTING);
    expect(server.send(message(server.key, HOSTING).sealed, nickName)).to.equal("undefined");
    expect(server.send(message(server.key, OWN_TEXT).sealed, OWN_FILLER)).to.equal(OWN_UNIONID);
  });
});
