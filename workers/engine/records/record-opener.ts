import { sha256 } from '../../../protocol/crypto/hash.ts';
import { wipe, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { Coverage, Record } from '../../../protocol/messages/gen/record_pb.js';
import type { RecordContent } from '../../../protocol/records/content.ts';
import {
  isRevisionSigned,
  verifyAdoption,
  verifyRevision,
  type RevisionStatement,
} from '../../../protocol/signed/record-signature.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import { openLaunchCard, type LaunchCard } from '../../../protocol/vault/launch-card.ts';
import { openRecord, unwrapRecordKey } from '../../../protocol/vault/record-seal.ts';
import type { SharedKeys } from '../sharing/shared-keys.ts';
import { provesHandover, provesTakeOver, type Offer, type OwnerChange } from './handovers.ts';
import { describeLaunch, describeRecord, trustedContent, type RecordEntry } from './record-entry.ts';

/** A record whose key and content are open. */
export interface OpenedRecord {
  readonly uid: Uid;
  readonly ownerUid: Uid;
  readonly row: Record;
  /** 32 raw bytes. */
  readonly key: Bytes;
  readonly content: RecordContent;
}

/** Opens rows as the server gave them: own ones by the data key, those of others by what was shared. */
export class RecordOpener {
  readonly #keys: AccountKeys;
  readonly #sharing: SharedKeys;

  constructor(keys: AccountKeys, sharing: SharedKeys) {
    this.#keys = keys;
    this.#sharing = sharing;
  }

  isOwn(row: Pick<Record, 'ownerUid'>): boolean {
    return uidOf(row.ownerUid) === this.#keys.accountUid;
  }

  /** Throws `open-failed`, or `not-allowed` for a record that this account may connect with and no more. */
  async open(row: Record): Promise<OpenedRecord> {
    const scope = scopeOf(row);
    const key = await this.#keyOf(row);
    if (key === null || (row.sealedData.length === 0 && !this.isOwn(row)))
      throw new ProtocolError('not-allowed', 'the content of this record is not shared');
    const said = await openRecord(key, scope, row.revision, row.sealedData);
    const byItsOwner = this.isOwn(row) && uidOf(row.writerUid) === scope.ownerUid;
    const content = trustedContent(said, { byItsOwner, keyVersion: row.keyVersion });
    return { uid: scope.recordUid, ownerUid: scope.ownerUid, row, key, content };
  }

  /** Throws `open-failed`; `not-found` when this account has no key for it. */
  async describe(row: Record): Promise<RecordEntry> {
    if (this.isOwn(row)) return await this.#describeContent(row);
    const key =
      row.sealedData.length > 0
        ? await this.#sharing.recordKey(uidOf(row.recordUid), uidOf(row.ownerUid))
        : null;
    if (key === null) return describeLaunch(row, await this.openLaunch(row));
    wipe(key);
    return await this.#describeContent(row);
  }

  /** The launch card of somebody else's record. Throws `open-failed`; `not-found` without a key or a card. */
  async openLaunch(row: Record): Promise<LaunchCard> {
    const scope = scopeOf(row);
    const key =
      row.sealedLaunch.length > 0 ? await this.#sharing.launchKey(scope.recordUid, scope.ownerUid) : null;
    if (key === null) throw new ProtocolError('not-found', 'there is no key for this record');
    const card = await openLaunchCard(key, scope, row.revision, row.sealedLaunch);
    wipe(key);
    return card;
  }

  /**
   * Throws `bad-signature`, or `not-allowed` when the writer may not write this record, could not as far as is known
   * while they had this key of it, and its owner did not adopt what they wrote.
   */
  async requireWriter(row: Record): Promise<void> {
    const { recordUid, ownerUid } = scopeOf(row);
    const writerUid = uidOf(row.writerUid);
    const own = writerUid === this.#keys.accountUid && writerUid === ownerUid;
    if (row.deleted && writerUid !== ownerUid)
      throw new ProtocolError('not-allowed', 'only its owner deletes a record');
    const statement = statementOf(row);
    const written = { recordUid, ownerUid, keyVersion: row.keyVersion || 1 };
    const mayWrite = own || this.#sharing.mayWrite(writerUid, written);
    const mayHave = mayWrite || this.#sharing.mightHaveWritten(writerUid, written);
    // Of who left, what they wrote before is their owner's to judge: under this key, which is replaced then.
    const departedKey = this.isOwn(row) ? this.#sharing.departedKeyOf(writerUid) : null;
    const key = mayHave ? (this.#signingKeyOf(writerUid) ?? departedKey) : null;
    // Who has other keys by now and does not see the record any more has not signed it anew: its owner's word stays.
    if (
      key !== null &&
      (row.adoptionSignature.length === 0 || (await isRevisionSigned(key, statement, row.signature)))
    )
      return await verifyRevision(key, statement, row.signature);
    const ownerKey = row.adoptionSignature.length > 0 ? this.#signingKeyOf(ownerUid) : null;
    if (ownerKey === null)
      throw new ProtocolError('not-allowed', 'the writer of this revision may not write it');
    await verifyAdoption(ownerKey, { ...statement, writerUid }, row.adoptionSignature);
  }

  /** Whether a record of that owner may be this one: it has the same owner, or one that it was signed over to. */
  isSucceeded(seen: { readonly ownerUid: Uid; readonly keyVersion: number }, row: Record): boolean {
    const toUid = uidOf(row.ownerUid);
    const isMine = toUid === this.#keys.accountUid && uidOf(row.writerUid) === toUid;
    // An own revision that this account signed: it took the record over.
    if (toUid === seen.ownerUid || isMine) return true;
    const change = { recordUid: uidOf(row.recordUid), fromUid: seen.ownerUid, toUid };
    return this.#isProved({ ...change, keyVersion: seen.keyVersion }, row.handovers);
  }

  /** Whether this account signed over an own record of that key, and it was taken; `toUid` null: by whomever. */
  isHandedOn(
    recordUid: Uid,
    toUid: Uid | null,
    { keyVersion, taken }: Pick<Coverage, 'keyVersion' | 'taken'>,
    handovers: readonly Offer[],
  ): boolean {
    const change = { recordUid, fromUid: this.#keys.accountUid, toUid, keyVersion };
    if (!taken || !this.#isProved(change, handovers)) return false;
    return provesTakeOver(change, handovers, taken, (uid) => this.#signingKeyOf(uid));
  }

  #isProved(change: OwnerChange, handovers: readonly Offer[]): boolean {
    return provesHandover(change, handovers, (uid) => this.#signingKeyOf(uid));
  }

  #signingKeyOf(uid: Uid): Bytes | null {
    const { accountUid, signer } = this.#keys;
    return uid === accountUid ? signer.publicKey : this.#sharing.signingKeyOf(uid);
  }

  async #describeContent(row: Record): Promise<RecordEntry> {
    const { key, content } = await this.open(row);
    wipe(key);
    return describeRecord(row, content);
  }

  async #keyOf(row: Record): Promise<Bytes | null> {
    const scope = scopeOf(row);
    if (this.isOwn(row))
      return await unwrapRecordKey(this.#keys.dataKey, scope, row.keyVersion, row.sealedKey);
    return await this.#sharing.recordKey(scope.recordUid, scope.ownerUid);
  }
}

/** What is signed of a row. */
export function statementOf(row: Record): RevisionStatement {
  const { revision, keyVersion, deleted, sealedData } = row;
  const dataHash = sealedData.length > 0 ? sha256(sealedData) : row.dataHash;
  return { ...scopeOf(row), revision, keyVersion, deleted, dataHash, launchHash: sha256(row.sealedLaunch) };
}

function scopeOf(row: Record) {
  return { recordUid: uidOf(row.recordUid), ownerUid: uidOf(row.ownerUid) };
}
