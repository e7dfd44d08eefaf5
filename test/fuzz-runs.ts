/** How many times the usual runs: FUZZ_RUNS=100 (with --testTimeout=0) for a long night. */
const factor = Number(process.env['FUZZ_RUNS'] ?? 1);
if (!(factor > 0)) throw new Error('FUZZ_RUNS is how many times as often, as a number'); // else nothing runs, and nothing fails

/** The runs of a property test that usually makes so many. */
export const runs = (usual: number): number => Math.ceil(usual * factor);
