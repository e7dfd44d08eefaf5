import type { OrganisingVerbs } from '../../api.ts';
import type { EngineCore } from '../core.ts';

/** Folders, favourites, tags and windows of lists of the unlocked vault. */
export function organisingVerbs(core: EngineCore): OrganisingVerbs {
  const data = () => core.unlocked().data;
  return {
    queryRecords: async (query) => await data().lists.query(query),
    noteUse: async (recordUid) => await data().recent.note(recordUid),
    recentRecords: async () => await data().lists.summaries(await data().recent.uids()),
    listPlaces: async () => await data().organising.places(),
    createFolder: async (input) => await data().folders.create(input),
    renameFolder: async ({ folderUid, name }) => await data().folders.rename(folderUid, name),
    moveFolder: async ({ folderUid, parentUid }) => await data().folders.move(folderUid, parentUid),
    deleteFolder: async ({ folderUid, content }, onProgress, run) =>
      await data().organising.deleteFolder(folderUid, content, { onProgress, run }),
    moveRecords: async ({ uids, folderUid }, onProgress, run) =>
      await data().organising.move(uids, folderUid, { onProgress, run }),
    setFavourite: async ({ uids, favourite }, onProgress, run) =>
      await data().organising.setFavourite(uids, favourite, { onProgress, run }),
    changeTags: async ({ uids, ...change }, onProgress, run) =>
      await data().organising.changeTags(uids, change, { onProgress, run }),
    cancelBulk: async (run) => core.vault?.data.bulk.cancel(run),
    undo: async (token, onProgress) => await data().undo.undo(token, { onProgress }),
  };
}
