import { runs } from '../../../fuzz-runs.ts';
import { fuzzDecoders } from './run.ts';

fuzzDecoders(runs(300));
