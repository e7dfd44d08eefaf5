import type { FolderView, RecordRights, VaultVerbs } from '../../../workers/api.ts';
import type { Uid } from '../../../protocol/uid.ts';

/** One set of actions for personal folders, shared folders and the subfolders of these. */
export class FolderActions {
  readonly #verbs: VaultVerbs;

  constructor(verbs: VaultVerbs) {
    this.#verbs = verbs;
  }

  /** Null: at the top, for oneself. */
  async create(parent: FolderView | null, name: string): Promise<Uid> {
    if (parent === null || parent.kind === 'personal')
      return await this.#verbs.createFolder({ name, parentUid: parent?.uid ?? null });
    const parentUid = parent.kind === 'subfolder' ? parent.uid : null;
    return await this.#verbs.addSubfolder({ folderUid: sharedOf(parent), name, parentUid });
  }

  async rename(folder: FolderView, name: string): Promise<void> {
    const { uid } = folder;
    if (folder.kind === 'personal') return await this.#verbs.renameFolder({ folderUid: uid, name });
    if (folder.kind === 'shared') return await this.#verbs.renameSharedFolder({ folderUid: uid, name });
    await this.#verbs.renameSubfolder({ folderUid: sharedOf(folder), subfolderUid: uid, name });
  }

  /** Of a shared folder or subfolder: its records stay with their owners. */
  async dissolve(folder: FolderView): Promise<void> {
    if (folder.kind === 'shared') await this.#verbs.deleteSharedFolder(folder.uid);
    else await this.#verbs.removeSubfolder({ folderUid: sharedOf(folder), subfolderUid: folder.uid });
  }

  /** Everybody in the folder gets these records, with these rights at most. */
  async add(folder: FolderView, recordUids: readonly Uid[], rights: RecordRights): Promise<void> {
    const subfolderUid = folder.kind === 'subfolder' ? folder.uid : null;
    await this.#verbs.addToFolder({ folderUid: sharedOf(folder), subfolderUid, recordUids, rights });
  }
}

function sharedOf(folder: FolderView): Uid {
  return folder.sharedFolderUid ?? folder.uid;
}
