import { encodeBase64url, wipe, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { RecordSchema, type Record } from '../../protocol/messages/gen/record_pb.js';
import type { RecordContent } from '../../protocol/records/content.ts';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import type { AccountKeys } from '../../protocol/vault/account-keys.ts';
import { openRecord, unwrapRecordKey } from '../../protocol/vault/record-seal.ts';
import { describeRecord, type RecordEntry } from './record-entry.ts';
import type { StoredRow } from './storage.ts';

/** A record whose key and content are open. */
export interface OpenedRecord {
  readonly uid: Uid;
  readonly row: Record;
  /** 32 raw bytes. */
  readonly key: Bytes;
  readonly content: RecordContent;
}

/** Records opened side by side: enough to keep WebCrypto busy, few enough to stay interruptible. */
const openedAtOnce = 128;

/**
 * All records of the account: sealed rows, and of each that was opened what lists and searches need. Contents and
 * keys are opened when they are asked for and not kept.
 */
export class RecordBook {
  readonly #keys: AccountKeys;
  readonly #warn: (message: string) => void;
  #rows = new Map<Uid, Record>();
  #entries = new Map<Uid, { readonly revision: bigint; readonly entry: RecordEntry | null }>();

  constructor(keys: AccountKeys, warn: (message: string) => void) {
    this.#keys = keys;
    this.#warn = warn;
  }

  /** Takes rows over; an older revision than the known one is refused. Tells whether anything changed. */
  apply(rows: readonly StoredRow[]): boolean {
    let changed = false;
    for (const row of rows) changed = this.#applyOne(row) || changed;
    return changed;
  }

  /** Throws `not-found`. */
  row(uid: Uid): Record {
    const row = this.#rows.get(uid);
    if (!row || row.deleted) throw new ProtocolError('not-found', 'there is no such record');
    return row;
  }

  has(uid: Uid): boolean {
    return this.#rows.get(uid)?.deleted === false;
  }

  /** The newest revision known, of a deleted record too; 0 when there was none. */
  revisionOf(uid: Uid): bigint {
    return this.#rows.get(uid)?.revision ?? 0n;
  }

  /** Throws `not-found`, or `open-failed` when the server's row is not what was sealed for this record. */
  async open(uid: Uid): Promise<OpenedRecord> {
    const row = this.row(uid);
    const scope = { recordUid: uid, ownerUid: this.#keys.accountUid };
    const key = await unwrapRecordKey(this.#keys.dataKey, scope, row.sealedKey);
    return { uid, row, key, content: await openRecord(key, scope, row.revision, row.sealedData) };
  }

  /** What lists need of every record that opens. */
  async entries(): Promise<RecordEntry[]> {
    const missing = [...this.#rows].filter(
      ([uid, row]) => !row.deleted && this.#entries.get(uid)?.revision !== row.revision,
    );
    for (let i = 0; i < missing.length; i += openedAtOnce) {
      await Promise.all(missing.slice(i, i + openedAtOnce).map(([uid, row]) => this.#describe(uid, row)));
    }
    return [...this.#entries].flatMap(([uid, { entry }]) =>
      entry && !this.#rows.get(uid)?.deleted ? [entry] : [],
    );
  }

  /** Forgets everything. */
  clear(): void {
    this.#rows = new Map();
    this.#entries = new Map();
  }

  #applyOne({ uid, revision, record }: StoredRow): boolean {
    const known = this.#rows.get(uid);
    if (known && known.revision >= revision) {
      if (known.revision > revision) this.#warn(`the server showed an older revision of record ${uid}`);
      return false;
    }
    this.#rows.set(uid, decodeMessage(RecordSchema, record));
    return true;
  }

  async #describe(uid: Uid, row: Record): Promise<void> {
    try {
      const { content, key } = await this.open(uid);
      wipe(key);
      this.#entries.set(uid, { revision: row.revision, entry: describeRecord(uid, row, content) });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#entries.set(uid, { revision: row.revision, entry: null }); // said once, then left out of every list
      this.#warn(`record ${encodeBase64url(row.recordUid)} does not open: ${error.code}`);
    }
  }
}

/** A row as storage keeps it. Throws `malformed`. */
export function toStoredRow(record: Record, encoded: Bytes): StoredRow {
  return { uid: uidOf(record.recordUid), revision: record.revision, record: encoded };
}
