import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { bad, type Finding } from "./check.ts";
import type { Settings } from "./settings.ts";

/** What Node's loader says about a module that cannot be loaded; the messages of all other errors are the host's. */
const NOT_FOUND = ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND", "ERR_PACKAGE_PATH_NOT_EXPORTED"];
const NO_MODULE = [
  "ERR_UNKNOWN_FILE_EXTENSION",
  "ERR_UNSUPPORTED_DIR_IMPORT",
  "ERR_IMPORT_ATTRIBUTE_MISSING",
];
const TYPESCRIPT = ["ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX", "ERR_INVALID_TYPESCRIPT_SYNTAX"];
const LATE = Symbol("late");

/** Imports the host's module, or finds out why that fails. */
export async function loadHost(
  file: string,
  { folder, timeout }: Pick<Settings, "folder" | "timeout">,
): Promise<{ module: Record<string, unknown> } | { finding: Finding }> {
  const path = resolve(folder, file);
  if (!existsSync(path)) {
    return { finding: bad(`there is no file ${file}`, "--host takes a path from this folder.") };
  }
  const loading = import(pathToFileURL(path).href).then(
    (module: Record<string, unknown>) => ({ module }),
    (error: unknown) => ({ finding: failureOf(error, file, folder) }),
  );
  const loaded = await Promise.race([loading, pause(timeout, LATE)]);
  if (loaded !== LATE) return loaded;
  return { finding: bad(`${file} does not finish loading`, "Look for an await outside of functions.") };
}

/** The message of an error of the host's own may hold an address and a password: its name and place must do. */
export function failureOf(error: unknown, file: string, folder: string): Finding {
  if (!(error instanceof Error))
    return bad(`${file} throws while it loads: no Error`, `Run node ${file}, to see why.`);
  if (!isLoaders(error)) {
    const place = placeOf(error);
    const at = place === undefined ? "" : ` at ${short(place, folder)}`;
    return bad(`${file} throws while it loads: ${nameOf(error)}${at}`, `Run node ${file}, to see why.`);
  }
  const [message = ""] = error.message.split("\n");
  return bad(`${file} cannot be loaded: ${short(message, folder)}`, cureOf(error, file));
}

/** The name of an error and its code; the message may hold the database's address and password. */
export function nameOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === "string" ? `${error.name} ${code}` : error.name;
}

function isLoaders(error: Error): boolean {
  const code = String((error as NodeJS.ErrnoException).code);
  if ([...NOT_FOUND, ...NO_MODULE, ...TYPESCRIPT].includes(code)) return true;
  // A SyntaxError of JSON.parse, say, quotes what it was given; its stack begins elsewhere.
  return error instanceof SyntaxError && /node:internal\/modules\//.test(String(framesOf(error)[0]));
}

function cureOf(error: Error, file: string): string {
  const code = String((error as NodeJS.ErrnoException).code);
  if (TYPESCRIPT.includes(code) || /"\.[cm]?tsx?"/.test(error.message)) {
    const command = 'NODE_OPTIONS="--import tsx" npx express-wechat-login doctor …';
    return `Node.js ${process.versions.node} does not run it: compile it and give the .js file, or: npm install tsx, then ${command}`;
  }
  if (NOT_FOUND.includes(code))
    return "npm install what is missing; give the compiled file if it is TypeScript.";
  if (error instanceof SyntaxError) return `Run node ${file}: it shows the line.`;
  return "Give a JavaScript module that node can run: .js, .mjs or .cjs.";
}

function placeOf(error: Error): string | undefined {
  return framesOf(error).flatMap(
    (frame) => /((?:file:\/\/|\/|\w:\\)[^()]+):\d+\)?$/.exec(frame)?.[1] ?? [],
  )[0];
}

function framesOf({ stack = "" }: Error): string[] {
  return stack.match(/^ {4}at .*$/gm) ?? [];
}

/** Paths from the host's folder: where that is, is nobody's business in an issue. */
function short(text: string, folder: string): string {
  return text.replaceAll("file://", "").replaceAll(`${folder}/`, "");
}
