import type { SessionLogVerbs } from '../../api/session-log.ts';
import type { EngineCore } from '../core.ts';

/** What the server noted of sessions and recordings. */
export function sessionLogVerbs(core: EngineCore): SessionLogVerbs {
  return {
    listSessionLog: async ({ filter, after }) => await core.unlocked().sessionLog.list(filter, after),
  };
}
