import type { Check } from "./checks.ts";
import { didYouMean } from "./nearest.ts";

/** Names that are looked for among the options, and the option that they are in. */
const INSIDE: Record<string, string> = { ttl: "session", limit: "rateLimit", window: "rateLimit" };

/**
 * Checks options once, at creation, and fills in the defaults.
 *
 * @param factory whose options they are, for the sentence
 * @throws {TypeError} in a full sentence
 */
export function checkAll<Options extends object, Defaults extends object>(
  factory: string,
  options: Options,
  checks: { [Name in keyof Options]-?: Check },
  defaults: Defaults,
): Omit<Options, keyof Defaults> & Defaults {
  requireOptions(factory, options);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const unknown = given.find(([name]) => !Object.hasOwn(checks, name));
  if (unknown) {
    const [name] = unknown;
    const parent = Object.hasOwn(INSIDE, name) ? String(INSIDE[name]) : "";
    const isInside = Object.hasOwn(checks, parent);
    const end = isInside ? `: write ${parent}: { ${name} }.` : didYouMean(name, Object.keys(checks));
    throw new TypeError(`${factory}: there is no option "${name}"${end}`);
  }
  const settings: Record<string, unknown> = { ...defaults, ...Object.fromEntries(given) };
  for (const [name, check] of Object.entries<Check>(checks)) {
    const refusal = refusalOf(name, settings[name], check);
    if (refusal !== undefined) throw new TypeError(`${factory}: ${refusal}`);
  }
  if (!settings.redis && process.env.NODE_ENV === "production") {
    throw new TypeError(
      `${factory}: "redis" is needed in production; the in-process store is for trying out only.`,
    );
  }
  return settings as Omit<Options, keyof Defaults> & Defaults;
}

/** The sentence that refuses a value, and nothing for a good one. The value is not shown: it may be the secret. */
export function refusalOf(name: string, value: unknown, [isGood, mustBe, hint]: Check): string | undefined {
  if (isGood(value)) return undefined;
  const [sentence, advice] = [`"${name}" must be ${mustBe}.`, hint?.(value)];
  return advice === undefined ? sentence : `${sentence} ${advice}`;
}

/** @throws {TypeError} where the factory was called with something else, or by Express */
export function requireOptions(factory: string, options: unknown): void {
  const call = `${factory}({ … })`;
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`${factory}: it takes one object with the options: ${call}.`);
  }
  // Express calls what app.use() is given: the factory itself has then got a request.
  if ("headers" in options && "httpVersion" in options) {
    throw new TypeError(
      `${factory}: it got a request in place of the options. Call it: app.use("/wx", ${call}).`,
    );
  }
}
