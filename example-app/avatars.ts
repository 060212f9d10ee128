import { createHash, createHmac, randomUUID } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Router } from "express";
import type { Identity, Picture } from "express-wechat-login";

/** Of a URL: the user's file, the picture in it, its media type. */
const NAME = /^\/([0-9a-f]{32})[0-9a-f]{16}\.(png|jpeg|webp|gif)$/;

/**
 * Keeps avatars in a folder: one file for each user, which the next picture replaces, so that nobody can fill the disk. Each
 * picture has a URL of its own, so that phones and caches show the new one; the URL of an earlier picture shows it, too.
 *
 * @param baseUrl where `routes` are mounted
 * @param secret nobody can guess another user's URL without it
 */
export function openAvatars(folder: string, baseUrl: string, secret: string) {
  /** Of the identity, which WeChat vouches for: nobody can replace another user's picture. */
  const fileOf = ({ appId, openid }: Identity) =>
    createHmac("sha256", secret).update(`avatar ${appId} ${openid}`).digest("hex").slice(0, 32);

  const routes = Router().get(NAME, (req, res, next) => {
    const [, file = "", type = ""] = NAME.exec(req.path) ?? [];
    // What a user has uploaded is a picture and nothing else, whatever a browser finds in it.
    res.set("X-Content-Type-Options", "nosniff").type(type);
    res.sendFile(file, { root: resolve(folder), maxAge: "1h" }, (error) => {
      if (error && !res.headersSent) next((error as { status?: number }).status === 404 ? undefined : error);
    });
  });

  return {
    routes,
    async save({ bytes, mediaType }: Picture, identity: Identity): Promise<string> {
      const file = fileOf(identity);
      const picture = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
      await mkdir(folder, { recursive: true });
      // The file may be being read: there is a whole picture in it at any moment.
      const unfinished = join(folder, `.${randomUUID()}`);
      try {
        await writeFile(unfinished, bytes);
        await rename(unfinished, join(folder, file));
      } catch (error) {
        await rm(unfinished, { force: true });
        throw error;
      }
      return `${baseUrl}/${file}${picture}.${mediaType.slice("image/".length)}`;
    },
  };
}
