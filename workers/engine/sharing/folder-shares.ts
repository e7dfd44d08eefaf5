import type { EndedSessions, FolderRights, Rekeyed, ShareInput, SharingVerbs } from '../../api/sharing.ts';
import { wipe } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { ObjectKind, SharingService } from '../../../protocol/messages/gen/sharing_pb.js';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import type { FolderEntries } from './folder-entries.ts';
import type { FolderWriter } from './folder-writer.ts';
import type { KnownFolder } from './known-shares.ts';
import { RekeyReport, type Rekeying } from './rekeying.ts';
import type { Revocation } from './revocations.ts';
import { folderRights } from './share-rights.ts';
import { sealGrant } from './share-seal.ts';
import type { SharingOffice } from './sharing-office.ts';

export interface FolderSharesParts {
  readonly office: SharingOffice;
  readonly rekeying: Rekeying;
  readonly writer: FolderWriter;
  readonly entries: FolderEntries;
}

/** Who is a member of a shared folder, and the key that follows from it. */
export class FolderShares {
  readonly #parts: FolderSharesParts;
  readonly #office: SharingOffice;

  constructor(parts: FolderSharesParts) {
    this.#parts = parts;
    this.#office = parts.office;
  }

  share(input: ShareInput & { folderUid: Uid; rights: FolderRights }): Promise<void> {
    return this.#office.alone(() => this.#share(input));
  }

  unshare(input: Parameters<SharingVerbs['unshare']>[0]): Promise<Rekeyed> {
    return this.#office.alone(() => this.#unshare(input));
  }

  /** For everybody: who was a member has the folder's key, and those of the records in it. Only its owner does. */
  remove(folderUid: Uid): Promise<void> {
    return this.#office.alone(() => this.#remove(folderUid));
  }

  async #share({
    folderUid,
    grantees,
    rights: chosen,
    expiresAt,
  }: ShareInput & { folderUid: Uid; rights: FolderRights }): Promise<void> {
    const { session, sync } = this.#office.parts;
    const terms = { rights: folderRights(chosen), expiresAtMs: expiresAt ?? 0 };
    await this.#office.requireSound();
    const known = this.#parts.writer.require(folderUid);
    const to = (await this.#office.grantees(grantees)).filter(({ uid }) => uid !== known.ownerUid);
    const narrowed = await this.#office.narrow('folder', [described(known)], to, terms);
    const folder = await this.#parts.writer.given(folderUid);
    const grants = await Promise.all(
      to.map((grantee) => {
        const issuedAtMs = this.#office.issuedAt('folder', folderUid, grantee.uid);
        return sealGrant(this.#office.giver, folder, grantee, { ...terms, issuedAtMs });
      }),
    );
    wipe(folder.key);
    await session.call(SharingService.method.putGrants, { grants });
    await sync();
    if (narrowed.length > 0) await this.rekey(folderUid, new RekeyReport());
  }

  async #unshare({ objectUid, grantees }: Parameters<SharingVerbs['unshare']>[0]): Promise<Rekeyed> {
    const { session, sync } = this.#office.parts;
    await this.#office.requireSound();
    const { writer } = this.#parts;
    const known = writer.require(objectUid);
    const out = grantees.map(({ uid }) => uid);
    const told = this.#tell(known, await this.#office.revoke('folder', described(known), out));
    const isOwn = known.ownerUid === this.#office.ownUid;
    const isDone = () => isOwn && writer.require(objectUid).message.keyVersion > known.message.keyVersion;
    await this.#office.unlessDone(isDone, () =>
      session.call(SharingService.method.revokeGrants, {
        objectKind: ObjectKind.FOLDER,
        objectUid: uidBytes(objectUid),
        granteeUids: out.map(uidBytes),
      }),
    );
    await sync();
    const report = new RekeyReport();
    if (isOwn) await this.#office.unlessDone(isDone, () => this.rekey(objectUid, report));
    report.sessions = await told;
    return report.view;
  }

  /** Members may have sessions on everything that is in it. */
  #tell(known: KnownFolder, revoked: readonly Revocation[]): Promise<EndedSessions> {
    const { shares, notices } = this.#office.parts;
    const inside = shares.shares.entriesIn(known.uid).map(({ entry }) => entry.recordUid);
    const told = notices.taken(revoked, known, inside);
    told.catch(() => undefined); // awaited by the caller, unless something else fails before
    return told;
  }

  async #remove(folderUid: Uid): Promise<void> {
    const { rekeying, writer, entries } = this.#parts;
    const { shares, book, sync } = this.#office.parts;
    await this.#office.requireSound();
    const known = writer.require(folderUid);
    if (known.ownerUid !== this.#office.ownUid)
      throw new ProtocolError('not-allowed', 'only its owner deletes a folder');
    const members = shares.shares.grantsOf('folder', folderUid).map(({ grant }) => grant.granteeUid);
    const recordUids = shares.shares.entriesIn(folderUid).map(({ entry }) => entry.recordUid);
    const own = recordUids.flatMap((uid) => {
      const record = book.get(uid);
      return record && !record.deleted && book.isOwn(record) ? [record] : [];
    });
    // First: who is out does not hang on what the server shows, and cut off here `KeyRenewal` finds what is left.
    const told = this.#tell(
      known,
      await this.#office.revoke('folder', described(known), [...new Set(members)]),
    );
    await entries.takeBack(folderUid, recordUids);
    await writer.remove(folderUid);
    await sync();
    const left = own.filter(({ uid, keyVersion }) => book.get(uid)?.keyVersion === keyVersion);
    await rekeying.records(
      left.map(({ uid }) => uid),
      new RekeyReport(),
    );
    await told;
  }

  /**
   * A new folder key for those who stay, then new keys of the own records in it. What others put there stays under the
   * former key, which the folder keeps: their own vaults replace the records' keys and put them there anew.
   */
  async rekey(folderUid: Uid, report: RekeyReport): Promise<void> {
    const { rekeying, writer, entries } = this.#parts;
    const { shares, book } = this.#office.parts;
    const [own, mine]: [Uid[], Uid[]] = [[], []];
    for (const { entry } of shares.shares.entriesIn(folderUid)) {
      const record = book.get(entry.recordUid);
      if (!record || record.deleted) continue;
      if (book.isOwn(record)) own.push(record.uid);
      else if (this.#office.isToRenew(entry)) mine.push(record.uid);
    }
    await writer.rekey(folderUid, async (folder) => ({
      grants: await rekeying.folderGrants(folder, report),
    }));
    // Cut off here, `KeyRenewal` finds what is left.
    await rekeying.records(own, report);
    if (mine.length > 0) await entries.renew(folderUid, mine);
  }
}

function described({ uid, ownerUid, message }: KnownFolder) {
  return { uid, ownerUid, keyVersion: message.keyVersion };
}
