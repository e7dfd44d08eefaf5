import type { OwnershipOffer, RecordRights, Rekeyed, ShareInput, SharingVerbs } from '../../api/sharing.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { ObjectKind, SharingService } from '../../../protocol/messages/gen/sharing_pb.js';
import { viewRights, type Rights } from '../../../protocol/sharing/rights.ts';
import { wipe } from '../../../protocol/bytes.ts';
import { requireOrdinary } from '../records/records.ts';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import { requireGoing } from '../organising/bulk-runs.ts';
import type { BatchOptions } from '../records/record-writer.ts';
import { RekeyReport, type Rekeying } from './rekeying.ts';
import { recordRights } from './share-rights.ts';
import { sealGrant, type GivenObject, type Grantee } from './share-seal.ts';
import type { SharingOffice } from './sharing-office.ts';

/** Grants in one request. */
const batch = 200;
/** Records that are given to everybody in one step, between two of which a person may end it. */
const recordsAtOnce = 100;

type ShareRecords = ShareInput & { readonly recordUids: readonly Uid[]; readonly rights: RecordRights };

/** Records given to people and teams, taken back, and handed over. */
export class RecordShares {
  readonly #office: SharingOffice;
  readonly #rekeying: Rekeying;

  constructor(office: SharingOffice, rekeying: Rekeying) {
    this.#office = office;
    this.#rekeying = rekeying;
  }

  /** A step at a time, each whole. Throws `cancelled` between two of them. */
  share(input: ShareRecords, options: BatchOptions): Promise<void> {
    return this.#office.alone(() => this.#share(input, options));
  }

  unshare(input: Parameters<SharingVerbs['unshare']>[0]): Promise<Rekeyed> {
    return this.#office.alone(() => this.#unshare(input));
  }

  async #share(input: ShareRecords, { signal, onProgress }: BatchOptions): Promise<void> {
    const { recordUids, grantees, rights, expiresAt } = input;
    await this.#office.requireSound(recordUids);
    for (const uid of recordUids) this.#requireShareable(uid);
    const to = await this.#office.grantees(grantees);
    for (let at = 0; at < recordUids.length; at += recordsAtOnce) {
      requireGoing(signal);
      const part = recordUids.slice(at, at + recordsAtOnce);
      const narrowed = await this.#give(part, to, recordRights(rights), expiresAt ?? 0);
      // A former, wider grant lives on in the hands of whom it was given to: the key that it opens is replaced.
      await this.#rekeying.records(narrowed, new RekeyReport());
      onProgress?.(at + part.length, recordUids.length);
    }
  }

  async #unshare({ objectUid, grantees }: Parameters<SharingVerbs['unshare']>[0]): Promise<Rekeyed> {
    const { session, book, sync } = this.#office.parts;
    await this.#office.requireSound([objectUid]);
    const record = book.require(objectUid);
    const out = grantees.map(({ uid }) => uid);
    // First: who is out does not hang on what the server shows.
    const revoked = await this.#office.revoke('record', record, out);
    const told = this.#office.parts.notices.taken(revoked, record, [objectUid]);
    told.catch(() => undefined); // awaited below, unless something else fails before
    const isDone = () => book.isOwn(record) && book.require(objectUid).keyVersion > record.keyVersion;
    await this.#office.unlessDone(isDone, () =>
      session.call(SharingService.method.revokeGrants, {
        objectKind: ObjectKind.RECORD,
        objectUid: uidBytes(objectUid),
        granteeUids: out.map(uidBytes),
      }),
    );
    await sync();
    const report = new RekeyReport();
    if (book.isOwn(record))
      await this.#office.unlessDone(isDone, () => this.#rekeying.records([objectUid], report));
    report.sessions = await told;
    return report.view;
  }

  async offer({ recordUids, accountUid }: { recordUids: readonly Uid[]; accountUid: Uid }): Promise<void> {
    const { book } = this.#office.parts;
    await this.#office.requireSound(recordUids);
    if (recordUids.some((uid) => !book.isOwn(book.require(uid))))
      throw new ProtocolError('not-allowed', 'only its owner offers a record');
    const to = await this.#office.grantees([{ kind: 'account', uid: accountUid }]);
    await this.#give(recordUids, to, { ...viewRights, edit: true, share: true, own: true }, 0);
  }

  /** Re-sealed for this account under a new key; the former owner may go on editing. */
  accept(recordUid: Uid): Promise<void> {
    return this.#office.alone(() => this.#accept(recordUid));
  }

  async #accept(recordUid: Uid): Promise<void> {
    const { shares, book, writer } = this.#office.parts;
    const { ownUid } = this.#office;
    await this.#office.requireSound([recordUid]);
    const { ownerUid } = book.require(recordUid);
    if (!shares.mayTakeOver(ownUid, recordUid, ownerUid))
      throw new ProtocolError('not-allowed', 'the record was not offered to this account');
    const draft = await writer.draftOf(recordUid);
    const former = await this.#office.standing({ kind: 'account', uid: ownerUid });
    const terms = { rights: { ...viewRights, edit: true, share: true }, expiresAtMs: 0 };
    const more = former ? [{ standing: former, terms }] : [];
    const after = { ...draft, ownerUid: ownUid, takeOver: true };
    await this.#rekeying.write(draft, after, new RekeyReport(), more);
  }

  offers(): OwnershipOffer[] {
    const { book, shares } = this.#office.parts;
    const { ownUid } = this.#office;
    return [...book.all()].flatMap(({ uid, ownerUid, entry, deleted }) => {
      if (ownerUid === ownUid || deleted || !shares.mayTakeOver(ownUid, uid, ownerUid)) return [];
      const fromEmail = this.#office.emailOf(ownerUid);
      return [{ recordUid: uid, title: entry?.title ?? '', fromUid: ownerUid, fromEmail }];
    });
  }

  /** Own records that somebody has less of now than before. */
  async #give(
    recordUids: readonly Uid[],
    to: readonly Grantee[],
    rights: Rights,
    expiresAtMs: number,
  ): Promise<readonly Uid[]> {
    const { session, sync, book, writer } = this.#office.parts;
    await writer.refreshLaunch(recordUids);
    const records = recordUids.map((uid) => book.require(uid));
    const narrowed = await this.#office.narrow('record', records, to, { rights, expiresAtMs });
    const grants = (
      await Promise.all(recordUids.map((uid) => this.#grantsOf(uid, to, rights, expiresAtMs)))
    ).flat();
    for (let i = 0; i < grants.length; i += batch)
      await session.call(SharingService.method.putGrants, { grants: grants.slice(i, i + batch) });
    await sync();
    return narrowed;
  }

  async #grantsOf(recordUid: Uid, to: readonly Grantee[], rights: Rights, expiresAtMs: number) {
    const object = await this.#given(recordUid);
    const others = to.filter(({ uid }) => uid !== object.ownerUid);
    const sealed = others.map((grantee) => {
      const issuedAtMs = this.#office.issuedAt('record', recordUid, grantee.uid);
      return sealGrant(this.#office.giver, object, grantee, { rights, expiresAtMs, issuedAtMs });
    });
    const grants = await Promise.all(sealed);
    wipe(object.key);
    return grants;
  }

  /** Throws `not-allowed` for what may not be shared on. */
  #requireShareable(recordUid: Uid): void {
    const { shares, book } = this.#office.parts;
    if (!shares.accessTo(recordUid, book.require(recordUid).ownerUid)?.rights.share)
      throw new ProtocolError('not-allowed', 'the record may not be shared on');
  }

  async #given(recordUid: Uid): Promise<GivenObject> {
    this.#requireShareable(recordUid);
    const { key, ownerUid, row, content } = await this.#office.parts.book.open(recordUid);
    requireOrdinary(content.type);
    return { kind: 'record', uid: recordUid, ownerUid, key, keyVersion: row.keyVersion || 1 };
  }
}
