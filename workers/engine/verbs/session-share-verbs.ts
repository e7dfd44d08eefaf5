import type { SessionShareVerbs } from '../../api/session-shares.ts';
import type { EngineCore } from '../core.ts';

/** Live sessions that are shared, of the unlocked vault. */
export function sessionShareVerbs(core: EngineCore): SessionShareVerbs {
  const shares = () => core.unlocked().sessionShares;
  return {
    shareSession: async (input) => await shares().share(input),
    unshareSession: async (input) => await shares().unshare(input),
    listInvitedSessions: async () => await shares().invited(),
    joinSession: async (input) => await shares().join(input),
  };
}
