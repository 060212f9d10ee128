import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import express from "express";
import { openAvatars } from "../../example-app/avatars.ts";
import { APP_ID, atEnd, listen, startApp } from "../support/login-app.ts";
import { PICTURES } from "../support/pictures.ts";

const ONE = { appId: APP_ID, openid: "o1" };

async function start() {
  const folder = await mkdtemp(join(tmpdir(), "avatars-"));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const app = express();
  const url = await listen(createServer(app));
  const avatars = openAvatars(folder, `${url}/avatars`, "secret");
  app.use("/avatars", avatars.routes);
  const files = () => readdir(folder);
  return { folder, url, avatars, files };
}

const pictureOf = (fill: number, size = 1000) =>
  ({ bytes: Buffer.alloc(size, fill), mediaType: "image/png" }) as const;

describe("the example's avatars", () => {
  it("are one file for each user, however many pictures come: the next one replaces it", async () => {
    const { avatars, folder, files } = await start();
    for (let round = 0; round < 50; round++) await avatars.save(pictureOf(round), ONE);
    await avatars.save({ ...pictureOf(51), mediaType: "image/jpeg" }, { ...ONE, unionid: "u1" });
    const [file = ""] = await files();
    expect([await files(), (await stat(join(folder, file))).size]).to.deep.equal([[file], 1000]);
    await avatars.save(pictureOf(1), { ...ONE, openid: "o2" });
    await avatars.save(pictureOf(1), { ...ONE, appId: "wxother" });
    expect(await files()).to.have.length(3);
  });

  it("stay one file where logins are never completed", async () => {
    const { avatars, files } = await start();
    const { post, upload, wechat } = await startApp({
      require: ["unionid", "nickName", "avatarUrl"],
      saveAvatar: avatars.save,
    });
    const phone = wechat.phone({ unionid: "u1" });
    for (let round = 0; round < 10; round++) {
      let { temporaryToken } = (await post("/wx/login", phone.login())).body;
      for (let tries = 0; tries < 5; tries++) {
        const form = new FormData();
        form.append("temporaryToken", temporaryToken);
        const bytes = Buffer.concat([PICTURES.png, Buffer.from([round, tries])]);
        form.append("avatar", new Blob([bytes]));
        const { body } = await upload("/wx/login/complete", form);
        expect(body).to.deep.include({ status: "incomplete", missing: ["nickName"] });
        temporaryToken = body.temporaryToken;
      }
    }
    expect(await files()).to.have.length(1);
  });

  it("have another URL for another picture, the same for the same, and the old one shows the new picture", async () => {
    const { avatars } = await start();
    const old = await avatars.save(pictureOf(1), ONE);
    expect(await avatars.save(pictureOf(1), ONE)).to.equal(old);
    const now = await avatars.save({ ...pictureOf(2), mediaType: "image/webp" }, ONE);
    expect(now).to.not.equal(old);
    for (const [url, type] of [
      [old, "image/png"],
      [now, "image/webp"],
    ] as const) {
      const response = await fetch(url);
      expect(Buffer.from(await response.arrayBuffer())).to.deep.equal(pictureOf(2).bytes);
      expect(response.headers.get("content-type")).to.equal(type);
      expect(response.headers.get("x-content-type-options")).to.equal("nosniff");
      expect(response.headers.get("cache-control")).to.equal("public, max-age=3600");
    }
  });

  it("are found by nobody who knows the openid, but not the secret, and nothing else of the folder is served", async () => {
    const { avatars, folder, url } = await start();
    const name = (await avatars.save(pictureOf(1), ONE)).split("/").at(-1) ?? "";
    const other = openAvatars(folder, `${url}/avatars`, "another secret");
    expect((await other.save(pictureOf(1), ONE)).endsWith(name)).to.equal(false);
    await writeFile(join(folder, ".unfinished"), "x");
    const [file = ""] = (await readdir(folder)).filter((entry) => name.startsWith(entry));
    const paths = [
      "",
      ".unfinished",
      file,
      `${file}.png`,
      `../${file}`,
      `${name}/..`,
      `${"0".repeat(48)}.png`,
    ];
    for (const path of paths) expect((await fetch(`${url}/avatars/${path}`)).status, path).to.equal(404);
  });

  it("are whole at any moment, also while pictures are saved", async () => {
    const { avatars, folder, files } = await start();
    await avatars.save(pictureOf(1, 2 ** 21), ONE);
    const [file = ""] = await files();
    const sizes = new Set<number>();
    for (let round = 0; round < 20; round++) {
      const saved = [1, 2].map((fill) => avatars.save(pictureOf(fill, 2 ** 21), ONE));
      for (let reads = 0; reads < 5; reads++) sizes.add((await readFile(join(folder, file))).length);
      await Promise.all(saved);
    }
    expect([...sizes]).to.deep.equal([2 ** 21]);
    expect(await files()).to.deep.equal([file]);
  });

  it("leave nothing behind where a picture cannot be written", async () => {
    const { avatars, folder, files } = await start();
    await avatars.save(pictureOf(1), ONE);
    const [file = ""] = await files();
    await rm(join(folder, file));
    // A folder in the file's place: it cannot be replaced.
    await mkdir(join(folder, file, "inside"), { recursive: true });
    expect(await avatars.save(pictureOf(2), ONE).catch((error) => error)).to.be.instanceOf(Error);
    expect(await files()).to.deep.equal([file]);
  });
});
