import { empty, encodeBase64url, equal } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { sha256OfPublic } from '../../../protocol/crypto/hash.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Record } from '../../../protocol/messages/gen/record_pb.js';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import type { Given } from '../given.ts';
import type { StoredRow } from '../storage.ts';
import { coveredIn, isSameCoverage, knownWith, type Covered, type KnownRecord } from './known-record.ts';
import type { OpenedBefore } from './opened-before.ts';
import type { RecordBook } from './record-book.ts';
import { isOrdinary, type RecordEntry } from './record-entry.ts';
import type { RecordOpener } from './record-opener.ts';

export interface AdmissionParts {
  readonly book: RecordBook;
  readonly opener: RecordOpener;
  readonly before: OpenedBefore;
  /** The device's own clock. */
  readonly now: () => number;
  /** How many records the server gave in a form that was not taken over. */
  readonly onRefused: (count: number) => void;
  /** How many records of others wait for their owners’ word on what was written last. */
  readonly onUnconfirmed: (count: number) => void;
  readonly warn: (message: string) => void;
}

/** A record that may be taken over, and the row to be stored. */
export interface Admitted {
  readonly known: KnownRecord;
  readonly row: StoredRow;
}

/** A row that is judged, and what is known of its record. */
interface Judged {
  readonly uid: Uid;
  readonly given: Given<Record>;
  readonly own: boolean;
  /** SHA-256 of its sealed data; empty for who may only launch. */
  readonly dataHash: Uint8Array;
  /** Its first half, as KnownRecord.tag. */
  readonly tag: string;
  readonly known: KnownRecord | null;
}

/** Bytes of a tag (protocol/vault/manifest.ts). */
const tagLength = 16;
/** Records opened side by side: enough to keep WebCrypto busy, few enough to stay interruptible. */
const openedAtOnce = 128;
/** Refused records that are counted: a hostile server has no end of them. */
const mostRefused = 1_000;
/** Records that wait for what opens them, or for what lets their writers write. */
const mostWaiting = 10_000;

/**
 * Judges what the server gives as records (protocol.md §15.4): what opens, under a revision that can be, from a writer
 * who may, of the owner that it has. What proves it may come later in a sync: until its end a record waits.
 */
export class RecordAdmission {
  readonly #parts: AdmissionParts;
  #waiting = new Map<Uid, Given<Record>>();
  #last = false;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** Whether records wait for what is still to come. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** What may be stored and shown of these. */
  async admit(records: readonly Given<Record>[]): Promise<Admitted[]> {
    const admitted: (Admitted | null)[] = [];
    for (let i = 0; i < records.length; i += openedAtOnce) {
      const judged = records.slice(i, i + openedAtOnce).map((given) => this.#judge(given));
      admitted.push(...(await Promise.all(judged)));
    }
    return admitted.filter((one) => one !== null);
  }

  /** The same of those that wait, now that more is known. `last`: what still has no way in is left out for good. */
  async admitWaiting(last: boolean): Promise<Admitted[]> {
    if (this.#waiting.size === 0) return [];
    const waiting = [...this.#waiting.values()];
    this.#waiting = new Map();
    this.#last = last;
    const admitted = await this.admit(waiting);
    this.#last = false;
    if (last) this.#waiting = new Map();
    return admitted;
  }

  /** The manifest does not vouch for it, so the signature must. Whether it does. */
  async verify(row: Record): Promise<boolean> {
    try {
      await this.#parts.opener.requireWriter(row);
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

  async #judge(given: Given<Record>): Promise<Admitted | null> {
    const { message: record } = given;
    const { book, opener, warn } = this.#parts;
    const uid = uidOf(record.recordUid);
    const known = book.get(uid);
    const seen = known ?? book.lastSeen(uid);
    const revision = seen?.revision ?? 0;
    if (record.revision === 0n || record.revision > BigInt(revision + limits.revisionJump))
      return this.refuse(uid, 'has a revision that cannot be');
    if (Number(record.revision) < revision) {
      warn(`the server showed an older revision of record ${uid}`);
      return null;
    }
    if (seen && record.keyVersion < seen.keyVersion) return this.refuse(uid, 'has a former key');
    if (seen && !opener.isSucceeded(seen, record)) return this.refuse(uid, 'has another owner');
    const dataHash = record.sealedData.length > 0 ? sha256OfPublic(record.sealedData) : empty;
    const tag = encodeBase64url(dataHash.subarray(0, tagLength));
    const judged = { uid, given, own: opener.isOwn(record), dataHash, tag, known };
    const isSame = known !== null && Number(record.revision) === known.revision;
    return isSame ? await this.#judgeSame(judged, known) : await this.#judgeOther(judged);
  }

  /** Content of a revision never changes; what of it this account may see, and what its manifest covers, does. */
  async #judgeSame(judged: Judged, known: KnownRecord): Promise<Admitted | null> {
    const { uid, given, own, tag } = judged;
    if (tag === known.tag && known.entry !== null)
      return own ? await this.#judgeCoverage(given, known) : await this.#judgeSignature(given, known);
    if (own && tag === known.tag) return await this.#readAgain(given, known);
    // Its owner sees all of a record, always.
    const seesOther = !own && (tag === known.tag || tag === '' || known.tag === '');
    if (seesOther) return await this.#judgeOther(judged);
    return this.refuse(uid, 'is another one under the same revision');
  }

  /** Its writer may have signed it anew, under other keys: what is stored would not be verified again. protocol.md §23.5. */
  async #judgeSignature(given: Given<Record>, known: KnownRecord): Promise<Admitted | null> {
    const { message: record } = given;
    const stored = await this.#parts.book.row(known.uid);
    if (equal(stored.signature, record.signature) || !equal(stored.sealedLaunch, record.sealedLaunch))
      return null;
    if (!(await this.verify(record))) return null;
    const { known: same, row } = admitted(given, known);
    return { known: same, row: { ...row, resigned: true } };
  }

  async #judgeCoverage(given: Given<Record>, known: KnownRecord): Promise<Admitted | null> {
    const { message: record } = given;
    const covered = this.#coverageOf(record);
    if (isSameCoverage(covered, known.covered)) return null;
    if (covered === null) return admitted(given, knownWith(known, { covered }));
    if (await this.verify(record)) return admitted(given, knownWith(known, { covered, proved: true }));
    return this.#later(known.uid, given, 'was not written by who may');
  }

  /** What could not be read before. */
  async #readAgain(given: Given<Record>, known: KnownRecord): Promise<Admitted | null> {
    const { message: record } = given;
    const entry = await this.#describe(known.uid, record);
    if (entry === null || entry === 'shut') return null;
    if (isInternal(entry) && !(await this.verify(record))) return null;
    return admitted(given, knownWith(known, { entry }));
  }

  async #judgeOther({ uid, given, own, dataHash, tag, known }: Judged): Promise<Admitted | null> {
    const { message: record } = given;
    const { book, before, onRefused, onUnconfirmed, now } = this.#parts;
    const opened = own && known === null && tag !== '' ? before.entryOf(record, dataHash) : null;
    const entry = opened ?? (await this.#describe(uid, record));
    if (entry === 'shut') return own ? this.refuse(uid, 'does not open') : this.#wait(uid, given);
    const { deleted, keyVersion } = record;
    const revision = Number(record.revision);
    const covered = own ? this.#coverageOf(record) : null;
    // Of an own record that is new here, and that its owner wrote last, the manifest will say whether it is right. But
    // not whether its owner wrote it: that counts of internal ones.
    const provisional = own && known === null && covered === null && !isInternal(entry);
    const isWritten = own && book.isExpected(uid, { revision, keyVersion, tag, deleted });
    const proved = isWritten || (!provisional && (await this.verify(record)));
    if (!proved && !provisional) return this.#later(uid, given, 'was not written by who may');
    if (book.refused.delete(uid)) onRefused(book.refused.size);
    if (book.unconfirmed.delete(uid)) onUnconfirmed(book.unconfirmed.size);
    const trashedAt = deleted ? now() : null;
    const ownerUid = uidOf(record.ownerUid);
    return admitted(given, {
      ...{ uid, ownerUid, revision, keyVersion, deleted, trashedAt, tag, covered, proved, entry },
    });
  }

  /**
   * What the manifest is said to cover in the place of this revision. It counts of an older revision of the same key
   * alone, and only when somebody else wrote this one: what its owner wrote is covered itself. Whoever uses it verifies
   * the writer first.
   */
  #coverageOf(record: Record): Covered | null {
    const { covered, writerUid } = record;
    if (!covered || covered.revision === 0n || covered.revision >= record.revision) return null;
    if (covered.keyVersion !== record.keyVersion) return null;
    return uidOf(writerUid) === this.#parts.book.accountUid ? null : coveredIn(covered);
  }

  /** What is sealed and cannot be read has no entry. `shut`: nobody sealed this for us. */
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

  /** A grant that lets its writer write may come in a later page. */
  #later(uid: Uid, given: Given<Record>, why: string): null {
    if (!this.#last) return this.#wait(uid, given);
    return this.#parts.opener.isOwn(given.message) ? this.refuse(uid, why) : this.#leave(uid);
  }

  /** It opens, and its owner has not adopted yet what somebody wrote who may not any more. */
  #leave(uid: Uid): null {
    const { book, onUnconfirmed } = this.#parts;
    if (book.unconfirmed.size < mostRefused) book.unconfirmed.add(uid);
    onUnconfirmed(book.unconfirmed.size);
    return null;
  }

  #wait(uid: Uid, given: Given<Record>): null {
    if (this.#waiting.size < mostWaiting) this.#waiting.set(uid, given);
    return null;
  }
}

function isInternal(entry: RecordEntry | null): boolean {
  return entry !== null && !isOrdinary(entry.type);
}

function admitted({ message, bytes }: Given<Record>, known: KnownRecord): Admitted {
  const { revision, sealedData } = message;
  return { known, row: { uid: known.uid, revision, hasContent: sealedData.length > 0, record: bytes } };
}
