import type { ExchangeVerbs } from '../../api/exchange.ts';
import type { EngineCore } from '../core.ts';
import { Exchange } from '../exchange/exchange.ts';
import { exchangeVaultOf } from '../exchange/unlocked-exchange.ts';
import type { UnlockedVault } from '../unlocked-vault.ts';

/** Moving in and out of the unlocked vault. */
export function exchangeVerbs(core: EngineCore): ExchangeVerbs {
  // One for each unlock, and gone with it.
  const exchanges = new WeakMap<UnlockedVault, Exchange>();
  const exchange = () => {
    const vault = core.unlocked();
    const known = exchanges.get(vault) ?? new Exchange(exchangeVaultOf(vault));
    exchanges.set(vault, known);
    return known;
  };
  return {
    detectImport: async ({ name, bytes }) => await exchange().detect(name, bytes),
    previewImport: async (input) => await exchange().preview(input),
    runImport: async (input, onProgress = () => {}) => await exchange().run(input, onProgress),
    discardImport: async (previewUid) => exchange().discard(previewUid),
    exportVault: async (input, onChunk, onProgress = () => {}) =>
      await exchange().export(input, onChunk, onProgress),
    cancelExchange: async () => exchange().cancel(),
  };
}
