import type { RecordVerbs } from '../../api.ts';
import type { EngineCore } from '../core.ts';

/** Records of the unlocked vault. */
export function recordVerbs(core: EngineCore): RecordVerbs {
  const records = () => core.unlocked().records;
  return {
    listRecords: async (filter) => await records().list(filter),
    readRecord: async (recordUid) => await records().read(recordUid),
    revealField: async (input) => await records().reveal(input),
    saveRecord: async (input) => await records().save(input),
    deleteRecord: async (recordUid) => await records().remove(recordUid),
    undoDelete: async (recordUid) => await records().undoRemove(recordUid),
    listDeletedRecords: async () => await records().listDeleted(),
    syncNow: async () => await core.unlocked().sync.run(),
  };
}
