import type { RecordVerbs } from '../../api.ts';
import type { EngineCore } from '../core.ts';

/** Records of the unlocked vault. */
export function recordVerbs(core: EngineCore): RecordVerbs {
  const data = () => core.unlocked().data;
  return {
    listRecords: async (filter) => await data().lists.list(filter),
    readRecord: async (recordUid) => await data().records.read(recordUid),
    revealField: async ({ recordUid, field, revision }) =>
      revision === undefined
        ? await data().records.reveal({ recordUid, field })
        : await data().history.reveal({ recordUid, revision, field }),
    listLinksTo: async (recordUid) => await data().records.linksTo(recordUid),
    saveRecord: async (input) => await data().records.save(input),
    listMachinesToConfirm: async (uids) => await data().confirmations.machines(uids),
    confirmMachines: async (machines, onProgress, run) =>
      await data().confirmations.confirm(machines, { onProgress, run }),
    confirmMachineChange: async (input) => await data().records.confirmMachine(input),
    duplicateRecord: async (recordUid) => await data().records.duplicate(recordUid),
    trashRecords: async (uids, onProgress, run) => await data().trash.trash(uids, { onProgress, run }),
    restoreRecords: async (uids, onProgress, run) => await data().trash.restore(uids, { onProgress, run }),
    purgeRecords: async (uids, onProgress, run) => await data().trash.purge(uids, { onProgress, run }),
    listTrash: async () =>
      await data().lists.list({ trashed: true, sort: { by: 'changed', descending: true } }),
    readConfirmedRevision: async (recordUid) => await data().history.lastConfirmed(recordUid),
    listHistory: async (recordUid) => await data().history.list(recordUid),
    readRevision: async (input) => await data().history.read(input),
    compareRevisions: async (input) =>
      await data().history.compare(input, core.unlocked().organisation.recordTypes),
    restoreRevision: async (input) => await data().history.restore(input),
    readRepair: async () => await data().repair.read(),
    repairVault: async (seen) => await data().repair.run(seen),
    syncNow: async () => {
      await data().sync.runAfresh();
      await core.unlocked().organisation.catchUp();
      core.unlocked().secrets.look();
    },
  };
}
