import { fuzzDecoders } from './run.ts';

// FUZZ_RUNS=100000 for a long night.
fuzzDecoders(Number(process.env['FUZZ_RUNS'] ?? 300));
