import { toBinary } from '@bufbuild/protobuf';
import { copy, empty, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { RecordSchema, type Record } from '../../../protocol/messages/gen/record_pb.js';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import { openRecord, unwrapRecordKey } from '../../../protocol/vault/record-seal.ts';
import { describeRecord, type RecordEntry } from './record-entry.ts';
import { supersedes, type StoredRow } from '../storage.ts';

/** A record whose key and content are open. */
export interface OpenedRecord {
  readonly uid: Uid;
  readonly row: Record;
  /** 32 raw bytes. */
  readonly key: Bytes;
  readonly content: RecordContent;
}

export interface BookParts {
  readonly keys: AccountKeys;
  /** The device's own clock. */
  readonly now: () => number;
  /** How many records the server gave in a form that was not taken over. */
  readonly onRefused: (count: number) => void;
  readonly warn: (message: string) => void;
}

interface KnownRow {
  readonly stored: StoredRow;
  readonly row: Record;
}

/** Records opened side by side: enough to keep WebCrypto busy, few enough to stay interruptible. */
const openedAtOnce = 128;
/** Refused records that are counted: a hostile server has no end of them. */
const mostRefused = 1_000;

/**
 * All records of the account: sealed rows, and of each that was opened what lists and searches need. Contents and
 * keys are opened when they are asked for and not kept.
 */
export class RecordBook {
  readonly #parts: BookParts;
  #rows = new Map<Uid, KnownRow>();
  #entries = new Map<Uid, { readonly revision: bigint; readonly entry: RecordEntry | null }>();
  readonly #refused = new Set<Uid>();

  constructor(parts: BookParts) {
    this.#parts = parts;
  }

  /**
   * What of the server's records may be stored (protocol.md §15.4): those that open, under a newer revision than the
   * one that is here, and deletions beside the content that they are about. What they need for lists is kept.
   */
  async admit(records: readonly Record[]): Promise<StoredRow[]> {
    const rows: (StoredRow | null)[] = [];
    for (let i = 0; i < records.length; i += openedAtOnce) {
      const opened = records.slice(i, i + openedAtOnce).map((record) => this.#admitOne(record));
      rows.push(...(await Promise.all(opened)));
    }
    return rows.filter((row) => row !== null);
  }

  /** Takes rows over that were admitted, now or on an earlier visit. Tells whether anything changed. */
  apply(rows: readonly StoredRow[]): boolean {
    let changed = false;
    for (const row of rows) changed = this.#applyOne(row) || changed;
    return changed;
  }

  /** Throws `not-found`, or `open-failed` when nothing that the server ever gave was sealed for this record. */
  row(uid: Uid): Record {
    const known = this.#rows.get(uid);
    if (known && known.stored.deletion === null) return known.row;
    if (!known && this.#refused.has(uid)) throw new ProtocolError('open-failed');
    throw new ProtocolError('not-found', 'there is no such record');
  }

  has(uid: Uid): boolean {
    return this.#rows.get(uid)?.stored.deletion === null;
  }

  /** Throws `not-found`, or `open-failed` when the row is not what was sealed for this record. */
  async open(uid: Uid): Promise<OpenedRecord> {
    return await this.#open(uid, this.row(uid));
  }

  /** A deleted record as it was, and the revision that stands in its place. Throws `not-found`. */
  async openDeleted(uid: Uid): Promise<{ record: OpenedRecord; tombstoneRevision: bigint }> {
    const known = this.#rows.get(uid);
    const deletion = known?.stored.deletion;
    if (!known || !deletion || known.stored.record.length === 0)
      throw new ProtocolError('not-found', 'the record was not deleted, or too long ago');
    return { record: await this.#open(uid, known.row), tombstoneRevision: deletion.revision };
  }

  /** What lists need of every record that opens. */
  async entries(): Promise<RecordEntry[]> {
    const live = [...this.#rows].filter(([, { stored }]) => stored.deletion === null);
    await this.#listAll(live);
    return live.flatMap(([uid]) => this.#entries.get(uid)?.entry ?? []);
  }

  /** The same of one record; null when it is not there or does not open. */
  async entry(uid: Uid): Promise<RecordEntry | null> {
    const known = this.#rows.get(uid);
    if (!known || known.stored.deletion !== null) return null;
    await this.#listAll([[uid, known]]);
    return this.#entries.get(uid)?.entry ?? null;
  }

  /** The same of deleted records whose content is still here, dated by their deletion. */
  async deletedEntries(): Promise<RecordEntry[]> {
    const deleted = [...this.#rows].filter(
      ([, { stored }]) => stored.deletion !== null && stored.record.length > 0,
    );
    await this.#listAll(deleted);
    return deleted.flatMap(([uid, { stored }]) => {
      const entry = this.#entries.get(uid)?.entry;
      return entry && stored.deletion ? [{ ...entry, changedAt: stored.deletion.heardAtMs }] : [];
    });
  }

  /** Forgets everything. */
  clear(): void {
    this.#rows = new Map();
    this.#entries = new Map();
    this.#refused.clear();
  }

  async #admitOne(record: Record): Promise<StoredRow | null> {
    const uid = uidOf(record.recordUid);
    const known = this.#rows.get(uid)?.stored;
    const revision = known?.revision ?? 0n;
    if (record.revision > revision + BigInt(limits.revisionJump))
      return this.#refuse(uid, 'has a revision that cannot be');
    if (record.revision < revision || (known?.deletion && record.revision === revision)) {
      this.#parts.warn(`the server showed an older revision of record ${uid}`);
      return null;
    }
    if (record.revision === revision) return null;
    if (record.deleted) return this.#admitDeletion(record, known);
    if (!(await this.#describe(uid, record))) return this.#refuse(uid, 'does not open');
    if (this.#refused.delete(uid)) this.#parts.onRefused(this.#refused.size);
    return {
      uid,
      revision: record.revision,
      record: copy(toBinary(RecordSchema, record)),
      deletion: null,
    };
  }

  /** Nobody signed it: the content stays, for a person who did not mean it. */
  #admitDeletion({ revision }: Record, known: StoredRow | undefined): StoredRow | null {
    if (!known || revision <= (known.deletion?.revision ?? 0n)) return null;
    const heardAtMs = known.deletion?.heardAtMs ?? this.#parts.now();
    return { ...known, deletion: { revision, heardAtMs } };
  }

  #refuse(uid: Uid, why: string): null {
    this.#parts.warn(`what the server gave for record ${uid} ${why}; what was here is kept`);
    if (this.#refused.size < mostRefused) this.#refused.add(uid);
    this.#parts.onRefused(this.#refused.size);
    return null;
  }

  #applyOne(stored: StoredRow): boolean {
    const known = this.#rows.get(stored.uid);
    if (known && supersedes(known.stored, stored)) return false;
    this.#rows.set(stored.uid, { stored, row: decodeMessage(RecordSchema, stored.record) });
    return true;
  }

  async #open(uid: Uid, row: Record): Promise<OpenedRecord> {
    const { accountUid, dataKey } = this.#parts.keys;
    const scope = { recordUid: uid, ownerUid: accountUid };
    const key = await unwrapRecordKey(dataKey, scope, row.sealedKey);
    return { uid, row, key, content: await openRecord(key, scope, row.revision, row.sealedData) };
  }

  async #listAll(rows: readonly (readonly [Uid, KnownRow])[]): Promise<void> {
    const missing = rows.filter(([uid, { row }]) => this.#entries.get(uid)?.revision !== row.revision);
    for (let i = 0; i < missing.length; i += openedAtOnce) {
      await Promise.all(missing.slice(i, i + openedAtOnce).map(([uid, { row }]) => this.#list(uid, row)));
    }
  }

  /** A row of the storage that does not open is said once, then left out of every list. */
  async #list(uid: Uid, row: Record): Promise<void> {
    if (await this.#describe(uid, row)) return;
    this.#entries.set(uid, { revision: row.revision, entry: null });
    this.#parts.warn(`record ${uid} does not open`);
  }

  /** False when this is not what was sealed. What was, and cannot be read, is a row without an entry. */
  async #describe(uid: Uid, row: Record): Promise<boolean> {
    try {
      const { content, key } = await this.#open(uid, row);
      wipe(key);
      this.#entries.set(uid, { revision: row.revision, entry: describeRecord(uid, row, content) });
      return true;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (error.code === 'open-failed') return false;
      this.#entries.set(uid, { revision: row.revision, entry: null });
      this.#parts.warn(`record ${uid} cannot be read: ${error.code}`);
      return true;
    }
  }
}

/** Rows that lose their sealed content now: of records that were deleted long enough ago. */
export function emptyOldDeletions(rows: readonly StoredRow[], nowMs: number): StoredRow[] {
  return rows
    .filter(
      ({ record, deletion }) =>
        deletion !== null && record.length > 0 && nowMs - deletion.heardAtMs > limits.deletedRecordMs,
    )
    .map((row) => ({ ...row, record: empty }));
}
