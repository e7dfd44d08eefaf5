import type { SessionVerbs } from '../../api.ts';
import type { EngineCore } from '../core.ts';

/** Remote sessions of the unlocked vault. */
export function sessionVerbs(core: EngineCore): SessionVerbs {
  const sessions = () => core.unlocked().sessions;
  return {
    watchSessions: async (listener) => core.watchSessions(listener),
    startSession: async (input) => await sessions().start(input),
    sendCandidate: async (input) => await sessions().sendCandidate(input),
    endSession: async (sessionUid) => core.vault?.sessions.end(sessionUid),
    pinHostKey: async (input) => await core.unlocked().data.records.pinHostKey(input),
  };
}
