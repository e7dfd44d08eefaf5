import type { ApplicationChangeView } from '../../api/applications.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import {
  SecretsService,
  SecretWriteKind,
  type SecretWrite,
} from '../../../protocol/messages/gen/secrets_pb.js';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import type { FolderEntries } from '../sharing/folder-entries.ts';
import type { FolderWriter } from '../sharing/folder-writer.ts';
import type { Subfolders } from '../sharing/subfolders.ts';
import type { RecordBook } from '../records/record-book.ts';
import type { Trash } from '../records/trash.ts';
import type { Application, ApplicationBook } from './application-book.ts';
import { clientNameOf } from './clients.ts';
import { createdTitle } from './created-key.ts';
import { readWrites } from './server-state.ts';
import { changeName } from './take-over.ts';
import type { WantedParts } from './wanted.ts';

export interface ApplicationChangesParts extends Pick<WantedParts, 'shares'> {
  readonly session: VaultSession;
  readonly book: RecordBook;
  readonly trash: Pick<Trash, 'trash'>;
  readonly folders: Pick<FolderWriter, 'remove'>;
  readonly subfolders: Pick<Subfolders, 'remove'>;
  readonly entries: Pick<FolderEntries, 'take'>;
  readonly applications: ApplicationBook;
  /** Changes that could not be taken over, by name. */
  readonly refused: () => ReadonlyMap<string, unknown>;
  readonly folderNameOf: (folderUid: Uid) => string;
  /** The shared folder that a subfolder is in. */
  readonly rootOf: (folderUid: Uid) => Uid | null;
  /** Looks at everything anew. */
  readonly look: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** What applications did that waits for a person: deletions, transactions left open, and what no vault takes over. */
export class ApplicationChanges {
  readonly #parts: ApplicationChangesParts;

  constructor(parts: ApplicationChangesParts) {
    this.#parts = parts;
  }

  /** The oldest first. */
  async list(): Promise<ApplicationChangeView[]> {
    if (this.#parts.applications.isEmpty) return [];
    const applications = await this.#parts.applications.all();
    const writes = await this.#writes();
    const views = writes.map(async (write) => {
      const kind = this.#kindOf(write);
      return kind === null ? [] : [await this.#view(write, kind, applications)];
    });
    return (await Promise.all(views)).flat();
  }

  /** Throws `conflict` when the application did something else meanwhile, `not-allowed` for what cannot be accepted. */
  async settle(change: string, accept: boolean): Promise<void> {
    const write = (await this.#writes()).find((one) => changeName(one) === change);
    const kind = write ? this.#kindOf(write) : null;
    if (!write || kind === null)
      throw new ProtocolError('conflict', 'the application did something else meanwhile');
    if (kind === 'unreadable' && accept)
      throw new ProtocolError('not-allowed', 'what cannot be read is only dismissed');
    if (kind === 'transaction') await this.#endTransaction(write, accept);
    else await this.#settle(write, kind, accept);
    await this.#parts.look();
  }

  async #endTransaction({ objectUid, write }: SecretWrite, finalize: boolean): Promise<void> {
    const request = { name: { objectUid, write }, finalize };
    await this.#parts.session.call(SecretsService.method.endSecretTransaction, request);
  }

  /** Done here first: a deletion that is settled and not done would be undone by nobody. */
  async #settle(write: SecretWrite, kind: ApplicationChangeView['kind'], accept: boolean): Promise<void> {
    const uid = uidOf(write.objectUid);
    if (accept && kind === 'delete-record') await this.#deleteRecord(uid, write);
    if (accept && kind === 'delete-folder') await this.#deleteFolder(uid);
    const name = { objectUid: uidBytes(uid), write: write.write };
    await this.#parts.session.call(SecretsService.method.settleSecretWrites, {
      settled: [{ name, declined: !accept }],
    });
  }

  /** Own ones into the trash, others out of the shared folder that they are in. */
  async #deleteRecord(uid: Uid, { place }: SecretWrite): Promise<void> {
    const { book, trash, entries } = this.#parts;
    const known = book.get(uid);
    if (known === null || known.deleted) return; // that is done
    if (book.isOwn(known)) return void (await trash.trash([uid]));
    const folders = place ? [uidOf(place.folderUid)] : this.#parts.shares.foldersOf(uid);
    if (folders.length === 0) throw new ProtocolError('not-allowed', 'only its owner deletes a record');
    for (const folderUid of folders) await entries.take({ folderUid, recordUids: [uid] });
  }

  async #deleteFolder(uid: Uid): Promise<void> {
    const { folders, subfolders, rootOf } = this.#parts;
    const rootUid = rootOf(uid);
    if (rootUid === null) return; // that is done
    if (rootUid === uid) await folders.remove(uid);
    else await subfolders.remove({ folderUid: rootUid, subfolderUid: uid });
  }

  #kindOf(write: SecretWrite): ApplicationChangeView['kind'] | null {
    if (write.transaction !== 0) return 'transaction';
    if (this.#parts.refused().has(changeName(write))) return 'unreadable';
    if (write.kind === SecretWriteKind.DELETE) return 'delete-record';
    return write.kind === SecretWriteKind.DELETE_FOLDER ? 'delete-folder' : null;
  }

  async #view(
    write: SecretWrite,
    kind: ApplicationChangeView['kind'],
    applications: readonly Application[],
  ): Promise<ApplicationChangeView> {
    const { book, folderNameOf } = this.#parts;
    const [applicationUid, objectUid] = [uidOf(write.applicationUid), uidOf(write.objectUid)];
    const application = applications.find(({ uid }) => uid === applicationUid);
    return {
      ...{ change: changeName(write), kind, applicationUid, objectUid },
      applicationName: application?.name ?? '',
      clientName: clientNameOf(application, write.clientId),
      title:
        book.entry(objectUid)?.title ??
        (folderNameOf(objectUid) || (await createdTitle(this.#parts.applications, write))),
      at: Number(write.writtenAtMs),
    };
  }

  async #writes(): Promise<readonly SecretWrite[]> {
    return await readWrites(this.#parts.session, () => this.#parts.signal.throwIfAborted());
  }
}
