import type { ImportResult, NotTaken } from '../../api/exchange.ts';
import type { Progress } from '../../api/organising.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { withLink } from '../../../protocol/records/links.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import { normaliseTags, type Card } from '../../../protocol/vault/card.ts';
import type { FolderPath, ImportedRecord, ImportedVault } from '../../exchange/imported.ts';
import type { ExchangeVault } from './exchange-vault.ts';

export interface ImportOptions {
  readonly folderUid: Uid | null;
  /** By index in the imported vault. */
  readonly skip: ReadonlySet<number>;
  readonly signal: AbortSignal;
  readonly onProgress: Progress;
}

interface Planned {
  readonly uid: Uid;
  readonly record: ImportedRecord;
}

/** One import on its way into the vault: folders, records, where each is kept, attachments. */
export class ImportRun {
  readonly #vault: ExchangeVault;
  readonly #imported: ImportedVault;
  readonly #options: ImportOptions;
  readonly #left: NotTaken[];
  readonly #planned: readonly Planned[];
  readonly #of: number;
  #created = 0;
  #folders = 0;
  #attached = 0;
  #done = 0;

  constructor(vault: ExchangeVault, imported: ImportedVault, options: ImportOptions) {
    this.#vault = vault;
    this.#imported = imported;
    this.#options = options;
    this.#left = [...imported.left];
    this.#planned = plan(imported, options.skip);
    this.#of = this.#planned.reduce((sum, { record }) => sum + 1 + record.attachments.length, 0);
  }

  /** Resolves with what was made, also when it was cancelled on the way. Throws what storing a record throws. */
  async run(): Promise<ImportResult> {
    try {
      await this.#run();
      return this.#result(false);
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'cancelled') return this.#result(true);
      throw error;
    }
  }

  async #run(): Promise<void> {
    const folders = await this.#makeFolders();
    await this.#createRecords();
    await this.#keep(folders);
    await this.#attachFiles();
  }

  #result(cancelled: boolean): ImportResult {
    return {
      recordUids: this.#planned.slice(0, this.#created).map(({ uid }) => uid),
      folders: this.#folders,
      attachments: this.#attached,
      left: this.#left,
      cancelled,
    };
  }

  /** UIDs by path. A folder of the same name in the same place is used again, so that a second try makes no twins. */
  async #makeFolders(): Promise<ReadonlyMap<string, Uid>> {
    const keyOf = (parentUid: Uid | null, name: string) => JSON.stringify([parentUid, name]);
    const personal = (await this.#vault.folders()).filter(({ kind }) => kind === 'personal');
    const existing = new Map(personal.map(({ uid, name, parentUid }) => [keyOf(parentUid, name), uid]));
    const made = new Map<string, Uid>();
    for (const path of this.#neededFolders()) {
      this.#requireGoing();
      const parentUid =
        path.length === 1 ? this.#options.folderUid : (made.get(pathKey(path.slice(0, -1))) ?? null);
      const name = path.at(-1) ?? '';
      const known = existing.get(keyOf(parentUid, name));
      if (known === undefined) this.#folders++;
      made.set(pathKey(path), known ?? (await this.#vault.createFolder({ name, parentUid })));
    }
    return made;
  }

  /** Parents come before children. When records are skipped, folders that held only those are not made. */
  #neededFolders(): readonly FolderPath[] {
    if (this.#options.skip.size === 0) return this.#imported.folders;
    const needed = new Set(
      this.#planned.flatMap(({ record }) =>
        record.folder.map((_, depth) => pathKey(record.folder.slice(0, depth + 1))),
      ),
    );
    return this.#imported.folders.filter((path) => needed.has(pathKey(path)));
  }

  async #createRecords(): Promise<void> {
    const uids = new Map(this.#planned.map(({ record, uid }) => [record, uid]));
    const records = this.#planned.map(({ uid, record }) => ({ uid, content: this.#linked(record, uids) }));
    await this.#vault.create(records, {
      signal: this.#options.signal,
      onProgress: (done) => {
        this.#created = done;
        this.#advance(done);
      },
    });
  }

  #linked(record: ImportedRecord, uids: ReadonlyMap<ImportedRecord, Uid>): RecordContent {
    let content = record.content;
    for (const { role, to } of record.links ?? []) {
      const target = this.#imported.records[to];
      const recordUid = target && uids.get(target);
      try {
        if (recordUid === undefined) throw new ProtocolError('not-found', 'the other record was left out');
        content = withLink(content, { recordUid, role });
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#left.push({ what: `a link of "${content.title}"`, why: error.message });
      }
    }
    return content;
  }

  /** A record at the top, without mark or tag, needs no card. */
  async #keep(folders: ReadonlyMap<string, Uid>): Promise<void> {
    const cards = this.#planned.flatMap(({ uid, record }): (readonly [Uid, Card])[] => {
      const folderUid = folders.get(pathKey(record.folder)) ?? this.#options.folderUid;
      const { favourite, tags } = record;
      return folderUid !== null || favourite || tags.length > 0
        ? [[uid, { folderUid, favourite, tags: normaliseTags(tags) }]]
        : [];
    });
    if (cards.length > 0) await this.#vault.keep(cards, this.#options.signal);
  }

  /** An attachment that cannot be stored is reported; the others go on. */
  async #attachFiles(): Promise<void> {
    for (const { uid, record } of this.#planned)
      for (const { name, mediaType, bytes } of record.attachments) {
        this.#requireGoing();
        try {
          await this.#vault.attach(uid, [new File([bytes], name, { type: mediaType })]);
          this.#attached++;
        } catch (error) {
          this.#requireGoing();
          if (!(error instanceof ProtocolError)) throw error;
          this.#left.push({ what: `file "${name}" of "${record.content.title}"`, why: error.message });
        }
        this.#advance(this.#done + 1);
      }
  }

  #advance(done: number): void {
    this.#done = done;
    this.#options.onProgress(done, this.#of);
  }

  #requireGoing(): void {
    if (this.#options.signal.aborted) throw new ProtocolError('cancelled', 'the import was cancelled');
  }
}

function plan(imported: ImportedVault, skip: ReadonlySet<number>): readonly Planned[] {
  return imported.records.flatMap((record, at) => (skip.has(at) ? [] : [{ uid: newUid(), record }]));
}

function pathKey(path: FolderPath): string {
  return JSON.stringify(path);
}
