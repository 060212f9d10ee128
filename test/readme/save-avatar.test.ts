import { createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect } from "chai";
import type { Identity, Picture } from "../../lib/index.ts";
import { APP_ID, startApp } from "../support/login-app.ts";
import { PICTURES } from "../support/pictures.ts";

type SaveAvatar = (picture: Picture, identity: Identity) => Promise<string>;

/** The README's callback as it stands there, and what is in its bucket. */
function callback() {
  const code = /```js\n(saveAvatar: [\s\S]*?)```/.exec(readFileSync("README.md", "utf8"))?.[1];
  if (!code) throw new Error("README.md has no saveAvatar");
  const stored = new Map<string, { bytes: Uint8Array; contentType: string }>();
  const bucket = {
    put: async (name: string, bytes: Uint8Array, { contentType }: { contentType: string }) =>
      void stored.set(name, { bytes, contentType }),
  };
  const given = { bucket, createHash, createHmac, crypto, secret: "secret" };
  const run = new Function(...Object.keys(given), `"use strict"; return { ${code} };`);
  const { saveAvatar } = run(...Object.values(given)) as { saveAvatar: SaveAvatar };
  return { saveAvatar, stored };
}

describe("the README's saveAvatar", () => {
  it("keeps one file for each user, with another URL for another picture", async () => {
    const { saveAvatar, stored } = callback();
    const one = { appId: APP_ID, openid: "o1" };
    const urls = new Set<string>();
    for (let round = 0; round < 10; round++) {
      const picture = { bytes: Buffer.from([round]), mediaType: "image/png" } as const;
      const url = await saveAvatar(picture, one);
      expect(await saveAvatar(picture, one), "again for the same picture").to.equal(url);
      urls.add(url);
    }
    expect(urls.size).to.equal(10);
    const [[name, file] = ["", undefined]] = [...stored];
    expect([stored.size, [...(file?.bytes ?? [])]]).to.deep.equal([1, [9]]);
    for (const url of urls) expect(url.startsWith(`https://cdn.example.com/${name}`)).to.equal(true);
    await saveAvatar({ bytes: Buffer.from("x"), mediaType: "image/webp" }, { ...one, openid: "o2" });
    await saveAvatar({ bytes: Buffer.from("x"), mediaType: "image/webp" }, { ...one, appId: "wxother" });
    expect(stored.size).to.equal(3);
  });

  it("is a callback of the login", async () => {
    const { saveAvatar, stored } = callback();
    const { post, upload, wechat, users } = await startApp({ require: ["avatarUrl"], saveAvatar });
    const { temporaryToken } = (await post("/wx/login", wechat.phone({ unionid: "u1" }).login())).body;
    const form = new FormData();
    form.append("temporaryToken", temporaryToken);
    form.append("avatar", new Blob([new Uint8Array(PICTURES.png)]));
    expect((await upload("/wx/login/complete", form)).body.status).to.equal("signed_in");
    const [name] = [...stored.keys()];
    expect(users[0]?.avatarUrl).to.match(new RegExp(`^https://cdn\\.example\\.com/${name}\\?[0-9a-f]{16}$`));
  });
});
