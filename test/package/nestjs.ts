// Runs the NestJS example's own test with the packed tarball, on the current major of Nest and on the one before.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { install, run } from "../support/commands.ts";

const EXAMPLE = "example-app/nestjs";
const folder = await mkdtemp(join(tmpdir(), "nestjs-"));
try {
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const [{ filename }] = JSON.parse(await run("npm", pack));
  const manifest = JSON.parse(await readFile(join(EXAMPLE, "package.json"), "utf8"));
  const { "express-wechat-login": _ours, ...others } = manifest.dependencies;
  const current = Number(/\d+/.exec(others["@nestjs/core"])?.[0]);
  for (const major of [current, current - 1]) {
    const app = join(folder, String(major));
    for (const part of ["src", "test", "tsconfig.json"]) {
      await cp(join(EXAMPLE, part), join(app, part), { recursive: true });
    }
    await writeFile(
      join(app, "package.json"),
      JSON.stringify({ ...manifest, dependencies: {}, devDependencies: {} }),
    );
    const versions = Object.entries({ ...others, ...manifest.devDependencies }).map(([name, version]) =>
      name.startsWith("@nestjs/") ? `${name}@${major}` : `${name}@${version}`,
    );
    await install(app, [join(folder, filename), ...versions]);
    const output = await run("npm", ["test"], { cwd: app });
    console.log(`NestJS ${major}: ${/pass (\d+)/.exec(output)?.[1]} passing`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
