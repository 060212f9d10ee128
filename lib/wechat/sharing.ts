/**
 * Work that callers share while it is under way: simultaneous calls with one key get one result, or one error.
 * Nothing is cached: the next call works anew. One process only.
 */
export function sharing<Result>(work: (key: string) => Promise<Result>): (key: string) => Promise<Result> {
  const underWay = new Map<string, Promise<Result>>();
  return (key) => {
    const shared = underWay.get(key);
    if (shared) return shared;
    const working = work(key).finally(() => underWay.delete(key));
    underWay.set(key, working);
    return working;
  };
}
