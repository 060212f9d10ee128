/** A short run with a fixed seed, so that it is the same everywhere; `npm run fuzz` sets `FUZZ_RUNS` and takes any seed. */
export const RUNS = Number(process.env.FUZZ_RUNS ?? 300);

/** How often a property is tried: pure functions are cheap, and get `times` as many runs. */
export function runs(times = 1) {
  return { numRuns: Math.ceil(RUNS * times), ...(process.env.FUZZ_RUNS ? {} : { seed: 20260101 }) };
}
