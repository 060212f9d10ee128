import { createHash, randomUUID } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Picture } from "express-wechat-login";

/**
 * Keeps avatars in a folder, each under the hash of its bytes: nothing that a client sends becomes part of a path, and
 * what is cached under a name never changes.
 *
 * @param baseUrl where the folder is served
 */
export function openAvatars(folder: string, baseUrl: string) {
  return {
    async save({ bytes, mediaType }: Picture): Promise<string> {
      const name = `${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}.${mediaType.slice("image/".length)}`;
      await mkdir(folder, { recursive: true });
      // The picture may be being read under its name: there it is whole, or not at all. Names with a dot are not served.
      const unfinished = join(folder, `.${randomUUID()}`);
      await writeFile(unfinished, bytes);
      await rename(unfinished, join(folder, name));
      return `${baseUrl}/${name}`;
    },
  };
}
