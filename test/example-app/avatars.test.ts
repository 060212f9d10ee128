import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { openAvatars } from "../../example-app/avatars.ts";
import { atEnd } from "../support/login-app.ts";

describe("the example's avatars", () => {
  it("are whole at any moment, also while the same picture is saved again", async () => {
    const folder = await mkdtemp(join(tmpdir(), "avatars-"));
    atEnd(() => rm(folder, { recursive: true }));
    const avatars = openAvatars(folder, "https://example.com/avatars");
    const picture = { bytes: Buffer.alloc(2 ** 21, 1), mediaType: "image/png" } as const;
    const name = (await avatars.save(picture)).split("/").at(-1) ?? "";
    const sizes = new Set<number>();
    for (let round = 0; round < 20; round++) {
      const saved = [avatars.save(picture), avatars.save(picture)];
      for (let reads = 0; reads < 5; reads++) sizes.add((await readFile(join(folder, name))).length);
      await Promise.all(saved);
    }
    expect([...sizes]).to.deep.equal([2 ** 21]);
    expect(await readdir(folder)).to.deep.equal([name]);
  });
});
