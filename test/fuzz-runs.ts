/** How many times the usual runs: FUZZ_RUNS=100 (with --testTimeout=0) for a long night. */
const factor = Number(process.env['FUZZ_RUNS'] ?? 1);

/** The runs of a property test that usually makes so many. */
export const runs = (usual: number): number => Math.ceil(usual * factor);
