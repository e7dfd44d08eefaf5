import type { FieldPath, RecordSummary, RecordView, SaveRecord } from '../../api.ts';
import { wipe } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { firstValue, withValue, type RecordContent } from '../../../protocol/records/content.ts';
import { templateOf } from '../../../protocol/records/templates.ts';
import { fieldText } from '../../../protocol/records/withholding.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import type { RecordBook } from './record-book.ts';
import { matches, summarise, type RecordEntry } from './record-entry.ts';
import { completeContent, viewOf } from './record-view.ts';
import { openPolicy, type Draft, type RecordWriter } from './record-writer.ts';

const byTitle = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** The record verbs of an unlocked vault. */
export class Records {
  readonly #book: RecordBook;
  readonly #writer: RecordWriter;

  constructor(book: RecordBook, writer: RecordWriter) {
    this.#book = book;
    this.#writer = writer;
  }

  async list(filter: { query?: string; types?: readonly string[] } = {}): Promise<RecordSummary[]> {
    const entries = await this.#book.entries();
    const byUid = new Map(entries.map((entry) => [entry.uid, entry]));
    const query = filter.query?.trim() ?? '';
    return entries
      .filter((entry) => isListed(entry, filter.types) && (query === '' || matches(entry, query)))
      .sort((a, b) => byTitle.compare(a.title, b.title))
      .map((entry) => summarise(entry, byUid));
  }

  async read(recordUid: Uid): Promise<RecordView> {
    const opened = await this.#book.open(recordUid);
    return viewOf(opened, await this.#gatewayOf(recordUid));
  }

  /** The gateway that a machine's configuration names; null for other records and for one that is gone. */
  async #gatewayOf(recordUid: Uid): Promise<Uid | null> {
    const configurationUid = (await this.#book.entry(recordUid))?.machine?.configurationUid;
    if (!configurationUid) return null;
    return (await this.#book.entry(configurationUid))?.pins?.controllerUid ?? null;
  }

  async reveal({ recordUid, field }: { recordUid: Uid; field: FieldPath }): Promise<string> {
    return fieldText((await this.#book.open(recordUid)).content, field);
  }

  async save(input: SaveRecord): Promise<Uid> {
    const current = input.uid === undefined ? null : await this.#writer.draftOf(input.uid);
    requireFresh(input, current);
    requireOrdinary(input.content.type);
    const policy = current?.policy ?? openPolicy;
    const draft = {
      uid: current?.uid ?? newUid(),
      key: current?.key ?? randomBytes(32),
      baseRevision: current?.baseRevision ?? 0n,
      content: completeContent(input, current?.content ?? null),
      policy: { ...policy, connections: input.connectionsAllowed ?? policy.connections },
    };
    await this.#writer.write([draft]);
    return draft.uid;
  }

  async remove(recordUid: Uid): Promise<void> {
    const draft = await this.#writer.draftOf(recordUid);
    requireOrdinary(draft.content.type);
    wipe(draft.key);
    await this.#writer.remove([recordUid]);
  }

  /** Gateways are left out: what belongs to them at the server is gone with them. */
  async listDeleted(): Promise<RecordSummary[]> {
    const entries = await this.#book.deletedEntries();
    return entries
      .filter((entry) => isListed(entry, undefined))
      .sort((a, b) => b.changedAt - a.changedAt)
      .map((entry) => summarise(entry, new Map()));
  }

  /** Whoever deleted it, and whatever made the server say so: as long as this device keeps its sealed content. */
  async undoRemove(recordUid: Uid): Promise<void> {
    await this.#writer.write([await this.#writer.deletedDraftOf(recordUid)]);
  }

  /** The key that a person has just accepted. Throws `conflict` for a record that pins another one. */
  async pinHostKey({ recordUid, hostKey }: { recordUid: Uid; hostKey: string }): Promise<void> {
    const draft = await this.#writer.draftOf(recordUid);
    const pinned = pinOf(draft.content);
    if (pinned === hostKey) return;
    if (pinned !== '') throw new ProtocolError('conflict', 'the record pins another host key');
    await this.#writer.write([{ ...draft, content: withHostKey(draft.content, hostKey) }]);
  }
}

/** Made and edited by verbs of their own. */
function isInternal(type: string): boolean {
  return templateOf(type)?.internal ?? false;
}

function isListed({ type }: RecordEntry, types: readonly string[] | undefined): boolean {
  return types ? types.includes(type) : !isInternal(type);
}

function requireOrdinary(type: string): void {
  if (isInternal(type)) throw new ProtocolError('not-allowed', 'records of this type are not edited by hand');
}

function requireFresh(input: SaveRecord, current: Draft | null): void {
  if (current === null) return;
  requireOrdinary(current.content.type);
  if (input.baseRevision !== undefined && BigInt(input.baseRevision) !== current.baseRevision) {
    throw new ProtocolError('conflict', 'the record was changed meanwhile');
  }
}

/** Empty without one. */
function pinOf(content: RecordContent): string {
  const { hostKey } = connectionOf(content).connection;
  return typeof hostKey === 'string' ? hostKey : '';
}

function connectionOf(content: RecordContent) {
  const value = firstValue(content, 'pamSettings');
  const settings = typeof value === 'object' && value !== null ? value : {};
  return { settings, connection: (settings['connection'] ?? {}) as { readonly hostKey?: unknown } };
}

function withHostKey(content: RecordContent, hostKey: string): RecordContent {
  const { settings, connection } = connectionOf(content);
  return withValue(content, 'pamSettings', [{ ...settings, connection: { ...connection, hostKey } }]);
}
