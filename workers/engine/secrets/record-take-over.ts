import { wipe, type Bytes } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { limits } from '../../../protocol/limits.ts';
import type { SecretWrite } from '../../../protocol/messages/gen/secrets_pb.js';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { filesOf } from '../../../protocol/records/files.ts';
import { openSecretJson, secretKeyOf } from '../../../protocol/secrets-manager/secret-seal.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import type { History } from '../records/history.ts';
import type { RecordBook } from '../records/record-book.ts';
import { openPolicy, type RecordWriter } from '../records/record-writer.ts';
import type { FolderEntries } from '../sharing/folder-entries.ts';
import type { ShareBook } from '../sharing/share-book.ts';
import type { ApplicationBook } from './application-book.ts';
import { requireCreatedIn } from './created-in.ts';
import { openCreatedKey } from './created-key.ts';
import { isSame, mergeContents } from './merge.ts';
import { refuse } from './refusals.ts';
import type { SecretFileWork } from './secret-file-work.ts';
import { parseSecretJson, secretJsonOf, type SecretContent } from './secret-json.ts';
import { takenContent, takenFrom, type FileChanges, type TakenFrom } from './taken-content.ts';
import type { WriteRights } from './write-rights.ts';

export interface RecordTakeOverParts {
  readonly accountUid: Uid;
  readonly book: RecordBook;
  readonly writer: RecordWriter;
  readonly history: Pick<History, 'since' | 'keyOf'>;
  readonly applications: ApplicationBook;
  readonly shares: ShareBook;
  readonly entries: Pick<FolderEntries, 'add'>;
  readonly files: SecretFileWork;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** What a write leaves to do: `later`: its files are still on their way. */
type Taken = 'taken' | 'later';

/** The number of no write: of a record that was made for a write whose files come next. */
const beforeAny = 0;
const noFiles: FileChanges = { removed: [], added: [] };

/** Makes revisions, signed by this account, of what applications wrote. protocol.md §31.6. */
export class RecordTakeOver {
  readonly #parts: RecordTakeOverParts;
  /**
   * Base revisions that this vault took over from while the server has not said that it is done: what an application wrote
   * there meanwhile still counts. Nowhere else is a base taken from twice.
   */
  readonly #open = new Map<Uid, bigint>();

  constructor(parts: RecordTakeOverParts) {
    this.#parts = parts;
  }

  /** The server has the versions: what it shows of those bases from now on is played back. */
  settled(recordUids: Iterable<Uid>): void {
    for (const uid of recordUids) this.#open.delete(uid);
  }

  /** A change of a record. Throws `not-allowed`, `replayed`, `not-found`, `open-failed`, `malformed`, `too-large`; `conflict`. */
  async update(write: SecretWrite, rights: WriteRights): Promise<Taken> {
    const recordUid = uidOf(write.objectUid);
    rights.requireRecord(uidOf(write.applicationUid), recordUid);
    const known = this.#parts.book.revisionOf(recordUid);
    if (write.baseRevision < 1n || write.baseRevision > known)
      throw refuse('not-found', 'the record has no such revision');
    const revisions = await this.#parts.history.since(recordUid, write.baseRevision);
    const [base, ...later] = revisions;
    if (!base) throw refuse('not-found', 'the record has no such revision');
    const since = later.map(({ content }) => content);
    const changed = this.#changedOf(write, base.content, since);
    if (changed === null) return 'taken';
    const recordKey = await this.#parts.history.keyOf(recordUid, base.keyVersion);
    const { accountUid } = this.#parts;
    const key = secretKeyOf(recordKey, { accountUid, recordUid, baseRevision: write.baseRevision });
    wipe(recordKey);
    try {
      return await this.#write(write, key, changed);
    } finally {
      wipe(key);
    }
  }

  /** A new record, in a shared folder. Throws as `update`. */
  async create(write: SecretWrite, rights: WriteRights): Promise<Taken> {
    const recordUid = uidOf(write.objectUid);
    const folderUid = uidOf(write.place?.folderUid ?? write.objectUid);
    rights.requireFolder(uidOf(write.applicationUid), folderUid);
    const { accountUid, shares, applications } = this.#parts;
    const key = await openCreatedKey(applications, write);
    try {
      await requireCreatedIn({ accountUid, shares, folderUid }, write.folderKey, key);
      const taken = await this.#create(write, recordUid, key);
      if (taken === 'taken') await this.#place(write, recordUid, folderUid);
      return taken;
    } finally {
      wipe(key);
    }
  }

  async #create(write: SecretWrite, recordUid: Uid, key: Bytes): Promise<Taken> {
    const { book, writer } = this.#parts;
    if (book.get(recordUid) !== null) {
      const changed = await this.#madeBefore(write, recordUid);
      return changed === null ? 'taken' : await this.#write(write, key, changed);
    }
    const written = parseSecretJson(await openSecretJson(key, write.data));
    // Attachments are of records that are there: then this is the record without them, and none of the write is taken yet.
    const from = write.files.length === 0 ? this.#from(write) : { ...this.#from(write), write: beforeAny };
    const content = takenContent(written, null, noFiles, from);
    const created = { uid: recordUid, key: randomBytes(32), baseRevision: 0n, policy: openPolicy };
    this.#open.set(recordUid, 0n);
    await writer.write([{ ...created, content }]);
    wipe(created.key);
    return write.files.length === 0 ? 'taken' : await this.#write(write, key, content);
  }

  /** Of a record that a vault of this account made of that application's creation, as `#changedOf`. Throws for every other record. */
  async #madeBefore(write: SecretWrite, recordUid: Uid): Promise<RecordContent | null> {
    const { book, history } = this.#parts;
    const revisions = book.hasOwn(recordUid) ? await history.since(recordUid, 1n) : [];
    const contents = revisions.map(({ content }) => content);
    const [first] = contents;
    if (!first || takenFrom(first, recordUid)?.base !== 0)
      throw refuse('not-allowed', 'the vault has another record of that uid');
    return this.#changedOf(write, first, contents);
  }

  /**
   * What the application changed of its base, in the record as it is now: one revision, so that a server which takes no more
   * cannot leave the record as it was then. What changes nothing makes none: the server has every version that this account sealed,
   * and may play one back as a write.
   */
  async #write(write: SecretWrite, key: Bytes, base: RecordContent): Promise<Taken> {
    const { writer } = this.#parts;
    const recordUid = uidOf(write.objectUid);
    const [seen, written] = [secretJsonOf(base), parseSecretJson(await openSecretJson(key, write.data))];
    if (isSame(written, seen)) return 'taken';
    const draft = await writer.draftOf(recordUid);
    try {
      const files = await this.#filesOf(write, key, draft.content, written);
      if (files === null) return 'later';
      const now = secretJsonOf(draft.content);
      const next = isSame(now, seen) ? written : mergeContents(seen, now, written);
      const content = takenContent(next, draft.content, files, this.#from(write));
      this.#open.set(recordUid, write.baseRevision);
      await writer.write([{ ...draft, content }]);
      return 'taken';
    } finally {
      wipe(draft.key);
    }
  }

  /**
   * What the application changed: the base, or what was made of its former write there; null when one of those revisions is of this
   * very write. Throws `replayed` when another of its base is.
   */
  #changedOf(write: SecretWrite, base: RecordContent, later: readonly RecordContent[]): RecordContent | null {
    const recordUid = uidOf(write.objectUid);
    const taken = later.flatMap((content) => {
      const from = takenFrom(content, recordUid);
      const isOfBase = from?.base === Number(write.baseRevision) && from.write !== beforeAny;
      return isOfBase ? [{ content, number: from.write }] : [];
    });
    const last = taken.at(-1);
    if (!last) return base;
    if (taken.some(({ number }) => number === Number(write.write))) return null;
    if (this.#open.get(recordUid) !== write.baseRevision)
      throw refuse('replayed', 'that was taken over from before');
    return taken.find(({ number }) => number === last.number)?.content ?? base;
  }

  #from(write: SecretWrite): TakenFrom {
    return {
      recordUid: uidOf(write.objectUid),
      base: Number(write.baseRevision),
      write: Number(write.write),
      applicationUid: uidOf(write.applicationUid),
    };
  }

  /** Null while one of them has not arrived and still may. What is taken off the sealed content says, and not the server alone. */
  async #filesOf(
    write: SecretWrite,
    versionKey: Bytes,
    current: RecordContent,
    written: SecretContent,
  ): Promise<FileChanges | null> {
    const { files, now, signal } = this.#parts;
    const recordUid = uidOf(write.objectUid);
    const held = new Set(filesOf(current).map(({ fileUid }) => fileUid));
    const added = write.files.filter(({ fileUid }) => !held.has(uidOf(fileUid)));
    const waits = Number(write.writtenAtMs) + limits.uploadMs > now();
    if (waits && added.some(({ size }) => size === 0n)) return null;
    const arrived = [];
    for (const file of added)
      if (file.size > 0n)
        arrived.push({ ...(await files.takeOverFile(file, versionKey, recordUid, signal)) });
    const listed = new Set(
      written.fields.filter(({ type }) => type === 'fileRef').flatMap(({ value }) => value),
    );
    return { removed: write.removedFileUids.map(uidOf).filter((uid) => !listed.has(uid)), added: arrived };
  }

  async #place({ place }: SecretWrite, recordUid: Uid, folderUid: Uid): Promise<void> {
    const { shares, entries } = this.#parts;
    if (shares.shares.entry(folderUid, recordUid) !== null) return;
    const subfolder = place && place.subfolderUid.length > 0 ? uidOf(place.subfolderUid) : null;
    await entries.add({ folderUid, subfolderUid: subfolder, recordUids: [recordUid], rights: 'view' });
  }
}
