import type { RecordSummary } from '../../workers/api/records.ts';
import type { Bytes } from '../../protocol/bytes.ts';
import { copy } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { RecordContent } from '../../protocol/records/content.ts';
import { withFile } from '../../protocol/records/files.ts';
import type { Card } from '../../protocol/vault/card.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import type {
  CreateOptions,
  ExchangeVault,
  NewRecord,
} from '../../workers/engine/exchange/exchange-vault.ts';

interface Kept {
  content: RecordContent;
  folderUid: Uid | null;
  favourite: boolean;
  tags: readonly string[];
}

/** A vault without keys or server: what import and export ask for, in memory. */
export class MemoryVault implements ExchangeVault {
  readonly closing = new AbortController();
  readonly signal = this.closing.signal;
  readonly records = new Map<Uid, Kept>();
  readonly files = new Map<Uid, Bytes>();
  readonly made: { uid: Uid; name: string; parentUid: Uid | null; kind: 'personal' }[] = [];
  /** Names of attachments that cannot be stored. */
  readonly refused = new Set<string>();
  /** Titles of records that do not open. */
  readonly unreadable = new Set<string>();
  access: RecordSummary['access'] = 'owner';
  batch = 2;
  afterBatch: () => void = () => {};

  async list(): Promise<readonly RecordSummary[]> {
    return [...this.records].map(([uid, { content, folderUid, favourite, tags }]) => ({
      uid,
      type: content.type,
      title: content.title,
      subtitle: String(content.fields.find(({ type }) => type === 'login')?.value[0] ?? ''),
      changedAt: 0,
      connectable: false,
      ownerUid: uid,
      access: this.access,
      shared: false,
      folderUid,
      favourite,
      tags,
    }));
  }

  async read(recordUid: Uid): Promise<RecordContent> {
    const { content } = this.#one(recordUid);
    if (this.unreadable.has(content.title)) throw new ProtocolError('open-failed');
    return content;
  }

  async *readFile(_: Uid, fileUid: Uid): AsyncGenerator<Bytes> {
    const bytes = this.files.get(fileUid);
    if (bytes === undefined) throw new ProtocolError('not-found');
    yield bytes;
  }

  async folders() {
    return this.made;
  }

  async createFolder({ name, parentUid }: { name: string; parentUid: Uid | null }): Promise<Uid> {
    const uid = newUid();
    this.made.push({ uid, name, parentUid, kind: 'personal' });
    return uid;
  }

  async create(records: readonly NewRecord[], { onProgress, signal }: CreateOptions): Promise<void> {
    for (let at = 0; at < records.length; at += this.batch) {
      if (signal.aborted) throw new ProtocolError('cancelled');
      for (const { uid, content } of records.slice(at, at + this.batch))
        this.records.set(uid, { content, folderUid: null, favourite: false, tags: [] });
      onProgress(Math.min(records.length, at + this.batch));
      this.afterBatch();
    }
  }

  async keep(cards: readonly (readonly [Uid, Card])[], signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new ProtocolError('cancelled');
    for (const [uid, card] of cards) Object.assign(this.#one(uid), card);
  }

  async attach(recordUid: Uid, files: readonly File[]): Promise<void> {
    for (const file of files) {
      if (this.refused.has(file.name)) throw new ProtocolError('limit-reached', 'no room for it');
      const fileUid = newUid();
      this.files.set(fileUid, copy(new Uint8Array(await file.arrayBuffer())));
      const ref = {
        fileUid,
        name: file.name,
        size: file.size,
        mediaType: file.type,
        key: 'A'.repeat(43),
        chunks: 1,
      };
      this.#one(recordUid).content = withFile(this.#one(recordUid).content, ref);
    }
  }

  titled(title: string): Kept {
    const found = [...this.records.values()].find(({ content }) => content.title === title);
    if (found === undefined) throw new Error(`no record "${title}"`);
    return found;
  }

  pathOf(folderUid: Uid | null): string {
    const folder = this.made.find(({ uid }) => uid === folderUid);
    return folder ? `${this.pathOf(folder.parentUid)}/${folder.name}` : '';
  }

  #one(uid: Uid): Kept {
    const kept = this.records.get(uid);
    if (kept === undefined) throw new ProtocolError('not-found');
    return kept;
  }
}
