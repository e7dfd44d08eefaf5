import { wipe, type Bytes } from '../../../protocol/bytes.ts';
import type { SecretFolder, SecretWrite } from '../../../protocol/messages/gen/secrets_pb.js';
import { openSecretFolderName, unwrapSubfolderKey } from '../../../protocol/secrets-manager/secret-seal.ts';
import { shortLine } from '../../../protocol/shown-line.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import type { FolderContent } from '../../../protocol/vault/folder-seal.ts';
import type { FolderWriter } from '../sharing/folder-writer.ts';
import type { ShareBook } from '../sharing/share-book.ts';
import { refuse } from './refusals.ts';
import type { Wanted, WantedFolder } from './wanted.ts';
import type { WriteRights } from './write-rights.ts';

export interface FolderTakeOverParts {
  readonly shares: ShareBook;
  readonly folders: Pick<FolderWriter, 'change'>;
}

/** Bytes of a name. */
const longestName = 200;

/**
 * Subfolders that applications made, and names that they gave. The format seals both without a MAC: who may read the folder's
 * key may be anybody who wrote that, so no more than a name on one line comes of it. protocol.md §31.6.
 */
export class FolderTakeOver {
  readonly #parts: FolderTakeOverParts;

  constructor(parts: FolderTakeOverParts) {
    this.#parts = parts;
  }

  /** Throws `not-allowed`, `not-found`, `open-failed`, `malformed`; `conflict`. */
  async create({ folder, applicationUid }: SecretWrite, rights: WriteRights, wanted: Wanted): Promise<void> {
    const { uid, root } = requireRoot(folder, wanted);
    rights.requireFolder(uidOf(applicationUid), root.uid);
    const name = await this.#newName(folder, root);
    const parentUid = folder && folder.parentUid.length > 0 ? uidOf(folder.parentUid) : null;
    if (this.#parts.shares.shares.folders.has(uid)) throw taken();
    await this.#parts.folders.change(root.uid, ({ subfolders, ...content }) => {
      const known = subfolders.find((one) => one.uid === uid);
      if (known && known.parentUid !== parentUid) throw taken();
      // A former attempt got this far, and the application may have given it another name since.
      if (known) return renamed({ ...content, subfolders }, { uid, rootUid: root.uid }, name);
      if (parentUid !== null && !subfolders.some((one) => one.uid === parentUid))
        throw refuse('not-found', 'there is no such folder above it');
      return { ...content, subfolders: [...subfolders, { uid, name, parentUid }] };
    });
  }

  /** Of a shared folder itself, too. Throws as `create`. */
  async rename(
    { objectUid, applicationUid, data }: SecretWrite,
    rights: WriteRights,
    wanted: Wanted,
  ): Promise<void> {
    const folder = wanted.folders.get(uidOf(objectUid));
    if (!folder) throw refuse('not-found', 'there is no such folder');
    rights.requireFolder(uidOf(applicationUid), folder.rootUid);
    const name = nameIn(await openSecretFolderName(folder.key, data));
    if (name === folder.name) return;
    await this.#parts.folders.change(folder.rootUid, (content) => renamed(content, folder, name));
  }

  async #newName(folder: SecretFolder | undefined, root: WantedFolder): Promise<string> {
    let key: Bytes | null = null;
    try {
      key = await unwrapSubfolderKey(root.key, folder?.wrappedKey ?? root.key);
      return nameIn(await openSecretFolderName(key, folder?.data ?? root.key));
    } finally {
      if (key) wipe(key);
    }
  }
}

function renamed(
  content: FolderContent,
  { uid, rootUid }: Pick<WantedFolder, 'uid' | 'rootUid'>,
  name: string,
): FolderContent {
  if (uid === rootUid) return { ...content, name };
  const subfolders = content.subfolders.map((one) => (one.uid === uid ? { ...one, name } : one));
  return { ...content, subfolders };
}

function requireRoot(folder: SecretFolder | undefined, wanted: Wanted): { uid: Uid; root: WantedFolder } {
  const rootUid = folder ? uidOf(folder.rootUid) : null;
  const root = rootUid === null ? undefined : wanted.folders.get(rootUid);
  if (!folder || !root) throw refuse('not-found', 'there is no such shared folder');
  return { uid: uidOf(folder.folderUid), root };
}

function nameIn(said: string): string {
  const name = shortLine(said, longestName);
  if (name === '') throw refuse('malformed', 'a folder without a name');
  return name;
}

function taken() {
  return refuse('not-allowed', 'the vault has another folder of that uid');
}
