import type { ExchangeVerbs } from '../../workers/api/exchange.ts';
import { Exchange } from '../../workers/engine/exchange/exchange.ts';
import { MemoryVault } from './memory-vault.ts';

/** What import and export tests look at. */
export interface FakeExchange {
  /** Where imports go to and exports come from. */
  readonly exchanged: MemoryVault;
}

/** The verbs of moving in and out: real files, real readers and writers, a vault in memory. */
export function createFakeExchange(exchanged = new MemoryVault()): ExchangeVerbs & FakeExchange {
  const exchange = new Exchange(exchanged);
  return {
    exchanged,
    detectImport: async ({ name, bytes }) => await exchange.detect(name, bytes),
    previewImport: async (input) => await exchange.preview(input),
    runImport: async (input, onProgress = () => {}) => await exchange.run(input, onProgress),
    discardImport: async (previewUid) => exchange.discard(previewUid),
    exportVault: async (input, onChunk, onProgress = () => {}) =>
      await exchange.export(input, onChunk, onProgress),
    cancelExchange: async () => exchange.cancel(),
  };
}
