import { toBinary } from '@bufbuild/protobuf';
import { copy } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { RecordSchema, type Record } from '../../../protocol/messages/gen/record_pb.js';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import type { StoredRow } from '../storage.ts';
import { coveredIn, knownWith, tagText, type KnownRecord } from './known-record.ts';
import type { RecordBook } from './record-book.ts';
import type { RecordEntry } from './record-entry.ts';
import type { RecordOpener } from './record-opener.ts';

export interface AdmissionParts {
  readonly book: RecordBook;
  readonly opener: RecordOpener;
  /** How many records the server gave in a form that was not taken over. */
  readonly onRefused: (count: number) => void;
  readonly warn: (message: string) => void;
}

/** A record that may be taken over, and the row to be stored. */
export interface Admitted {
  readonly known: KnownRecord;
  readonly row: StoredRow;
}

/** Records opened side by side: enough to keep WebCrypto busy, few enough to stay interruptible. */
const openedAtOnce = 128;
/** Refused records that are counted: a hostile server has no end of them. */
const mostRefused = 1_000;
/** Records of others that wait for what opens them. */
const mostWaiting = 10_000;

/**
 * Judges what the server gives as records (protocol.md §15.4): what opens, under a revision that can be, from a writer
 * who may. A record of somebody else may come before the grant that opens it: it waits until the end of the sync.
 */
export class RecordAdmission {
  readonly #parts: AdmissionParts;
  #waiting = new Map<Uid, Record>();

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** What may be stored and shown of these. */
  async admit(records: readonly Record[]): Promise<Admitted[]> {
    const admitted: (Admitted | null)[] = [];
    for (let i = 0; i < records.length; i += openedAtOnce) {
      const judged = records.slice(i, i + openedAtOnce).map((record) => this.#judge(record));
      admitted.push(...(await Promise.all(judged)));
    }
    return admitted.filter((one) => one !== null);
  }

  /** The same of those that wait, now that more is known. `last`: what still has no way in is left out for good. */
  async admitWaiting(last: boolean): Promise<Admitted[]> {
    if (this.#waiting.size === 0) return [];
    const waiting = [...this.#waiting.values()];
    this.#waiting = new Map();
    const admitted = await this.admit(waiting);
    if (last) this.#waiting = new Map();
    return admitted;
  }

  /** The manifest does not vouch for it, so the signature must. Whether it does. */
  verify(row: Record): boolean {
    try {
      this.#parts.opener.requireWriter(row);
      return true;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return false;
    }
  }

  refuse(uid: Uid, why: string): null {
    const { book, warn, onRefused } = this.#parts;
    warn(`what the server gave for record ${uid} ${why}; what was here is kept`);
    if (book.refused.size < mostRefused) book.refused.add(uid);
    onRefused(book.refused.size);
    return null;
  }

  async #judge(record: Record): Promise<Admitted | null> {
    const uid = uidOf(record.recordUid);
    const known = this.#parts.book.get(uid);
    const revision = known?.revision ?? 0;
    if (record.revision === 0n || record.revision > BigInt(revision + limits.revisionJump))
      return this.refuse(uid, 'has a revision that cannot be');
    if (Number(record.revision) < revision) {
      this.#parts.warn(`the server showed an older revision of record ${uid}`);
      return null;
    }
    if (known && Number(record.revision) === revision) return await this.#judgeSame(uid, record, known);
    return await this.#judgeNewer(uid, record, known);
  }

  /** Content of a revision never changes; what of it this account may see, and what its manifest covers, does. */
  async #judgeSame(uid: Uid, record: Record, known: KnownRecord): Promise<Admitted | null> {
    const tag = tagText(record.sealedData);
    const seesOther = tag !== known.tag && (tag === '' || known.tag === '');
    if (seesOther || (known.entry === null && tag === known.tag))
      return await this.#judgeNewer(uid, record, null);
    if (tag !== known.tag) return this.refuse(uid, 'is another one under the same revision');
    return this.#parts.book.isOwn(known)
      ? admitted(record, knownWith(known, { covered: coverageOf(record) }))
      : null;
  }

  async #judgeNewer(uid: Uid, record: Record, known: KnownRecord | null): Promise<Admitted | null> {
    const own = this.#parts.opener.isOwn(record);
    const entry = await this.#describe(uid, record);
    if (entry === 'shut') return own ? this.refuse(uid, 'does not open') : this.#wait(uid, record);
    // Of an own record that is new here the manifest will say whether it is right; all others show their signature.
    const provisional = own && known === null;
    const { revision, deleted } = record;
    const written = { revision: Number(revision), tag: tagText(record.sealedData), deleted };
    const isWritten = own && this.#parts.book.isExpected(uid, written);
    const proved = isWritten || (!provisional && this.verify(record));
    if (!proved && !provisional)
      return own ? this.refuse(uid, 'was not written by who may') : this.#wait(uid, record);
    if (this.#parts.book.refused.delete(uid)) this.#parts.onRefused(this.#parts.book.refused.size);
    return admitted(record, {
      uid,
      ownerUid: uidOf(record.ownerUid),
      revision: Number(record.revision),
      keyVersion: record.keyVersion,
      deleted: record.deleted,
      tag: tagText(record.sealedData),
      covered: own ? coverageOf(record) : null,
      proved,
      entry,
    });
  }

  /** What was sealed and cannot be read has no entry. `shut`: nobody sealed this for us. */
  async #describe(uid: Uid, record: Record): Promise<RecordEntry | null | 'shut'> {
    try {
      return await this.#parts.opener.describe(record);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (error.code === 'open-failed' || error.code === 'not-found') return 'shut';
      this.#parts.warn(`record ${uid} cannot be read: ${error.code}`);
      return null;
    }
  }

  #wait(uid: Uid, record: Record): null {
    if (this.#waiting.size < mostWaiting) this.#waiting.set(uid, record);
    return null;
  }
}

function coverageOf(record: Record): KnownRecord['covered'] {
  const { covered } = record;
  if (!covered || covered.revision === 0n || covered.revision === record.revision) return null;
  return coveredIn(covered);
}

function admitted(record: Record, known: KnownRecord): Admitted {
  const { uid } = known;
  return { known, row: { uid, revision: record.revision, record: copy(toBinary(RecordSchema, record)) } };
}
