import { expose } from 'comlink';
import { readVault } from '../../workers/exchange/formats.ts';

// Import and export where they run: in a worker, which has no DOM parser.
expose({ readVault });
