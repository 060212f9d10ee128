/**
 * Several values under one key: the text of the key has one line for each, the one that was used last at the end,
 * `<name> <end, ms> <start, µs> <value>`. Both are moments on the store's own clock. A line of another form counts as no member.
 */
export interface Member {
  name: string;
  value: string;
  /** When it was kept: milliseconds on the store's clock, with fractions. */
  startedAt: number;
  /** How many milliseconds it has left. */
  ms: number;
}

/** A renewal that adds less than this share of a life is not written: reading is much cheaper. */
export const WORTH_WRITING = 0.01;

const LINE = /^(\S+) (\d+) (\d+) ([^\n]*)$/;

/** The members in a text that have not ended at `now` (milliseconds). */
export function membersIn(text: string, now: number): Member[] {
  // What stands behind the last line break is a line that was cut off.
  return text
    .split("\n")
    .slice(0, -1)
    .flatMap((line) => {
      const [, name = "", ends, start, value = ""] = LINE.exec(line) ?? [];
      const ms = Number(ends) - now;
      return ms > 0 ? [{ name, value, startedAt: Number(start) / 1000, ms }] : [];
    });
}

/** The text for members; the inverse of `membersIn`. */
export function textOf(members: Member[], now: number): string {
  const lineOf = ({ name, value, startedAt, ms }: Member) =>
    `${name} ${Math.round(now + ms)} ${Math.round(startedAt * 1000)} ${value}\n`;
  return members.map(lineOf).join("");
}
