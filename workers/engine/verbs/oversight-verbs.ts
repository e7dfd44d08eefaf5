import type { OversightVerbs } from '../../api.ts';
import type { EngineCore } from '../core.ts';

/** What administrators do about live sessions, of the unlocked vault. */
export function oversightVerbs(core: EngineCore): OversightVerbs {
  const policies = () => core.unlocked().oversight.policies;
  const live = () => core.unlocked().oversight.live;
  return {
    readSessionPolicy: async (gatewayUid) => await policies().read(gatewayUid),
    setSessionPolicy: async (input) => await policies().set(input),
    listLiveSessions: async () => await live().list(),
    watchSession: async (input) => await live().watch(input),
    endLiveSession: async (input) => await live().end(input),
  };
}
