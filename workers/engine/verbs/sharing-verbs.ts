import type { SharingVerbs } from '../../api/sharing.ts';
import type { EngineCore } from '../core.ts';

/** Sharing, of the unlocked vault. */
export function sharingVerbs(core: EngineCore): SharingVerbs {
  const desk = () => core.unlocked().sharing;
  return {
    listPeople: async () => await desk().views.people(),
    accessOf: async (objectUid) => await desk().views.of(objectUid),
    shareRecords: async (input, onProgress, run) =>
      await core
        .unlocked()
        .data.bulk.run({ of: input.recordUids.length, onProgress, run }, (options) =>
          desk().records.share(input, options),
        ),
    shareFolder: async (input) => await desk().members.share(input),
    unshare: async (input) => await desk().unshare(input),
    leaveShares: async (granterUid) => await desk().leave(granterUid),
    createSharedFolder: async (name) => await desk().folders.create(name),
    renameSharedFolder: async (input) => await desk().folders.rename(input),
    deleteSharedFolder: async (folderUid) => await desk().members.remove(folderUid),
    addSubfolder: async (input) => await desk().subfolders.add(input),
    renameSubfolder: async (input) => await desk().subfolders.rename(input),
    removeSubfolder: async (input) => await desk().subfolders.remove(input),
    addToFolder: async (input) => await desk().entries.add(input),
    removeFromFolder: async (input) => await desk().entries.take(input),
    offerOwnership: async (input) => await desk().records.offer(input),
    acceptOwnership: async (recordUid) => await desk().records.accept(recordUid),
    pendingOffers: async () => desk().records.offers(),
    fingerprintOf: async (accountUid) => await desk().views.fingerprint(accountUid),
    confirmFingerprint: async (input) => await desk().views.confirm(input),
  };
}
