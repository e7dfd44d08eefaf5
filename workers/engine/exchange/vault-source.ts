import type { NotTaken } from '../../api/exchange.ts';
import type { FolderView } from '../../api/organising.ts';
import type { RecordSummary } from '../../api/records.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { filesOf } from '../../../protocol/records/files.ts';
import { linksOf } from '../../../protocol/records/links.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { ExportedAttachment, ExportedRecord, ExportSource } from '../../exchange/export-source.ts';
import type { FolderPath, ImportedLink } from '../../exchange/imported.ts';
import { portableContent } from '../../exchange/portable-content.ts';
import type { ExchangeVault } from './exchange-vault.ts';

/** Of one record: the export goes on without it. */
const unreadable: readonly string[] = ['open-failed', 'not-found', 'not-allowed', 'malformed'];

type Folder = Pick<FolderView, 'uid' | 'name' | 'parentUid' | 'kind'>;

/** The records of a vault as an export writes them, opened one by one as they are asked for. */
export class VaultSource implements ExportSource {
  readonly folders: readonly FolderPath[];
  readonly left: NotTaken[] = [];
  readonly #vault: ExchangeVault;
  readonly #records: readonly RecordSummary[];
  readonly #indexes: ReadonlyMap<Uid, number>;
  readonly #paths: ReadonlyMap<Uid, FolderPath>;
  readonly #onRecord: () => void;
  #attachments = 0;
  #passes = 0;

  /** `records` as they were listed; those that may only be launched with are left out. */
  constructor(
    vault: ExchangeVault,
    records: readonly RecordSummary[],
    folders: readonly Folder[],
    onRecord: () => void,
  ) {
    this.#vault = vault;
    this.#records = records.filter(({ access }) => access !== 'launch');
    this.#indexes = new Map(this.#records.map(({ uid }, at) => [uid, at]));
    this.#paths = pathsOf(folders);
    this.#onRecord = onRecord;
    this.folders = [...this.#paths.values()].sort((one, other) => one.length - other.length);
    for (const { title } of records.filter(({ access }) => access === 'launch'))
      this.left.push({ what: `"${title}"`, why: 'it may be connected with, not read' });
  }

  get count(): number {
    return this.#records.length;
  }

  /** Attachments of the first pass. */
  get attachments(): number {
    return this.#attachments;
  }

  async *records(): AsyncGenerator<ExportedRecord> {
    const first = this.#passes++ === 0;
    for (const summary of this.#records) {
      const record = await this.#open(summary, first);
      if (first) this.#attachments += record.attachments.length;
      yield record;
      this.#onRecord();
    }
  }

  async #open(summary: RecordSummary, first: boolean): Promise<ExportedRecord> {
    const { uid, folderUid, favourite, tags } = summary;
    const full = await this.#read(summary, first);
    const { content, dropped } = portableContent(full);
    if (first) for (const name of dropped) this.#leave(`"${name}"`, content, 'it cannot be moved');
    const folder = (folderUid && this.#paths.get(folderUid)) || [];
    const links = this.#linksOf(full, first);
    return { content, folder, favourite, tags, links, attachments: this.#attachmentsOf(uid, full, first) };
  }

  /** What does not open keeps its place, because links are places; all else goes on. */
  async #read({ uid, title }: RecordSummary, first: boolean): Promise<RecordContent> {
    try {
      return await this.#vault.read(uid);
    } catch (error) {
      if (!(error instanceof ProtocolError) || !unreadable.includes(error.code)) throw error;
      const empty = { type: 'encryptedNotes', title, fields: [] };
      if (first) this.#leave('the content', empty, 'it does not open');
      return empty;
    }
  }

  #linksOf(content: RecordContent, first: boolean): readonly ImportedLink[] {
    try {
      return linksOf(content).flatMap(({ recordUid, role }) => {
        const to = this.#indexes.get(recordUid);
        if (to === undefined && first)
          this.#leave('a link', content, 'the other record is not in the export');
        return to === undefined ? [] : [{ role, to }];
      });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (first) this.#leave('the links', content, error.message);
      return [];
    }
  }

  #attachmentsOf(recordUid: Uid, content: RecordContent, first: boolean): readonly ExportedAttachment[] {
    try {
      return filesOf(content).map(({ fileUid, name, mediaType, size }) => ({
        name,
        mediaType: mediaType || 'application/octet-stream',
        size,
        read: () => this.#vault.readFile(recordUid, fileUid),
      }));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (first) this.#leave('the files', content, error.message);
      return [];
    }
  }

  #leave(part: string, { title }: RecordContent, why: string): void {
    this.left.push({ what: `${part} of "${title}"`, why });
  }
}

/** Paths of the personal folders. One that is within itself, which nothing should make, ends where it began. */
function pathsOf(folders: readonly Folder[]): ReadonlyMap<Uid, FolderPath> {
  const personal = new Map(
    folders.filter(({ kind }) => kind === 'personal').map((folder) => [folder.uid, folder]),
  );
  const pathOf = (uid: Uid | null, seen: ReadonlySet<Uid>): FolderPath => {
    const folder = uid === null || seen.has(uid) ? undefined : personal.get(uid);
    return folder ? [...pathOf(folder.parentUid, new Set([...seen, folder.uid])), folder.name] : [];
  };
  return new Map([...personal.keys()].map((uid) => [uid, pathOf(uid, new Set())]));
}
