import type { SharingVerbs } from '../../api/sharing.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import type { FolderEntries } from './folder-entries.ts';
import type { FolderWriter } from './folder-writer.ts';
import type { SharingOffice } from './sharing-office.ts';

export interface SubfoldersParts {
  readonly office: SharingOffice;
  readonly writer: FolderWriter;
  readonly entries: FolderEntries;
}

/** The tree inside a shared folder. */
export class Subfolders {
  readonly #parts: SubfoldersParts;

  constructor(parts: SubfoldersParts) {
    this.#parts = parts;
  }

  async add({ folderUid, name, parentUid }: Parameters<SharingVerbs['addSubfolder']>[0]): Promise<Uid> {
    const uid = newUid();
    await this.#parts.writer.change(folderUid, ({ subfolders, ...content }) => {
      if (parentUid !== null && !subfolders.some((known) => known.uid === parentUid))
        throw new ProtocolError('not-found', 'there is no such subfolder');
      return { ...content, subfolders: [...subfolders, { uid, name, parentUid }] };
    });
    return uid;
  }

  rename({ folderUid, subfolderUid, name }: Parameters<SharingVerbs['renameSubfolder']>[0]): Promise<void> {
    return this.#parts.writer.change(folderUid, ({ subfolders, ...content }) => ({
      ...content,
      subfolders: subfolders.map((known) => (known.uid === subfolderUid ? { ...known, name } : known)),
    }));
  }

  /** Subfolders and records of it go up to its parent. */
  async remove({ folderUid, subfolderUid }: Parameters<SharingVerbs['removeSubfolder']>[0]): Promise<void> {
    const { writer, entries } = this.#parts;
    const folder = await this.#describe(folderUid);
    const parentUid = folder.subfolders.find(({ uid }) => uid === subfolderUid)?.parentUid ?? null;
    const inside = [...folder.places].filter(([, place]) => place === subfolderUid).map(([uid]) => uid);
    if (inside.length > 0) await entries.move(folderUid, inside, parentUid);
    await writer.change(folderUid, ({ subfolders, ...content }) => ({
      ...content,
      subfolders: subfolders
        .filter(({ uid }) => uid !== subfolderUid)
        .map((known) => (known.parentUid === subfolderUid ? { ...known, parentUid } : known)),
    }));
  }

  async #describe(folderUid: Uid) {
    const { office, writer } = this.#parts;
    const folder = await office.parts.shares.folder(writer.require(folderUid));
    if (folder === null) throw new ProtocolError('open-failed');
    return folder;
  }
}
