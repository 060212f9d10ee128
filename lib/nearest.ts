/** The end of a sentence about a name that does not exist. */
export function didYouMean(name: string, names: readonly string[]): string {
  const word = nearest(name, names);
  return word === undefined ? "." : `: did you mean "${word}"?`;
}

/** The name that was probably meant: the same in other letters, a part of it, or at most two typing errors away. */
export function nearest(given: string, names: readonly string[]): string | undefined {
  const low = given.toLowerCase();
  const same = names.find((name) => name.toLowerCase() === low);
  if (same !== undefined) return same;
  const [close] = names
    .map((name) => ({ name, errors: distance(low, name.toLowerCase()) }))
    .filter(({ name, errors }) => errors <= (name.length < 5 ? 1 : 2))
    .sort((a, b) => a.errors - b.errors);
  return close?.name ?? names.find((name) => name.length > 2 && low.includes(name.toLowerCase()));
}

/** Letters to add, drop or replace to make one word of the other (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (const [at, wanted] of [...to].entries()) {
      const replaced = Number(row[at]) + (letter === wanted ? 0 : 1);
      next.push(Math.min(replaced, Number(row[at + 1]) + 1, Number(next[at]) + 1));
    }
    row = next;
  }
  return Number(row[to.length]);
}
