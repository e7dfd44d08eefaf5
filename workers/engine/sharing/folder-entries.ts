import type { SharingVerbs } from '../../api/sharing.ts';
import { wipe } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { SharingService } from '../../../protocol/messages/gen/sharing_pb.js';
import type { FolderEntry } from '../../../protocol/sharing/folder-entry.ts';
import type { Rights } from '../../../protocol/sharing/rights.ts';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import { requireOrdinary } from '../records/records.ts';
import type { FolderWriter } from './folder-writer.ts';
import type { KnownEntry } from './known-shares.ts';
import { RekeyReport, type Rekeying } from './rekeying.ts';
import type { Revocation } from './revocations.ts';
import { recordRights } from './share-rights.ts';
import { sealEntry, type GivenObject } from './share-seal.ts';
import type { SharingOffice } from './sharing-office.ts';

/** Entries in one request. */
const batch = 200;

export interface FolderEntriesParts {
  readonly office: SharingOffice;
  readonly rekeying: Rekeying;
  readonly writer: FolderWriter;
}

/** What is to be of an entry; what is left out stays as it was. */
interface NewPlace {
  readonly subfolderUid?: Uid | null;
  readonly rights?: Rights;
}

/** Records in shared folders: put there, moved between subfolders, taken out. */
export class FolderEntries {
  readonly #parts: FolderEntriesParts;
  readonly #office: SharingOffice;

  constructor(parts: FolderEntriesParts) {
    this.#parts = parts;
    this.#office = parts.office;
  }

  async add({
    folderUid,
    subfolderUid,
    recordUids,
    rights,
  }: Parameters<SharingVerbs['addToFolder']>[0]): Promise<void> {
    await this.#place(folderUid, recordUids, { subfolderUid, rights: recordRights(rights) });
  }

  /** To another subfolder; null: right below the folder. */
  async move(folderUid: Uid, recordUids: readonly Uid[], subfolderUid: Uid | null): Promise<void> {
    await this.#place(folderUid, recordUids, { subfolderUid });
  }

  /** Own records get a new key: those who saw them through the folder have the former one. */
  take(input: Parameters<SharingVerbs['removeFromFolder']>[0]): Promise<void> {
    return this.#office.alone(() => this.#take(input));
  }

  /** Entries of this account under the folder's newest key, and the record's: one was replaced meanwhile. */
  async renew(folderUid: Uid, recordUids: readonly Uid[]): Promise<void> {
    await this.#place(folderUid, recordUids, {});
  }

  async #take({ folderUid, recordUids }: Parameters<SharingVerbs['removeFromFolder']>[0]): Promise<void> {
    const { session, sync, book } = this.#office.parts;
    await this.#office.requireSound();
    const taken = await this.takeBack(folderUid, recordUids);
    const told = this.#office.parts.notices.taken(taken, this.#parts.writer.require(folderUid), recordUids);
    told.catch(() => undefined); // awaited below, unless something else fails before
    const own = recordUids.flatMap((uid) => {
      const known = book.get(uid);
      return known && !known.deleted && book.isOwn(known) ? [known] : [];
    });
    const left = () => own.filter((known) => book.get(known.uid)?.keyVersion === known.keyVersion);
    const isDone = () => own.length === recordUids.length && left().length === 0;
    await this.#office.unlessDone(isDone, () =>
      session.call(SharingService.method.removeEntries, {
        folderUid: uidBytes(folderUid),
        recordUids: recordUids.map(uidBytes),
      }),
    );
    await sync();
    await this.#office.unlessDone(
      () => left().length === 0,
      () =>
        this.#parts.rekeying.records(
          left().map(({ uid }) => uid),
          new RekeyReport(),
        ),
    );
    await told;
  }

  /** Out of the folder from now on, whatever the server shows: nothing is asked of it yet. */
  async takeBack(folderUid: Uid, recordUids: readonly Uid[]): Promise<readonly Revocation[]> {
    const { shares, session, book, revocations } = this.#office.parts;
    const { ownUid } = this.#office;
    const { ownerUid } = this.#parts.writer.require(folderUid);
    const taken = recordUids.map((recordUid): Revocation => {
      const record = book.get(recordUid);
      const isOwn = record !== null && book.isOwn(record);
      const issuedAtMs = shares.shares.entry(folderUid, recordUid)?.entry.issuedAtMs ?? 0;
      return {
        ...{ kind: 'entry', objectUid: folderUid, outUid: recordUid },
        signerUid: isOwn || ownerUid === ownUid ? null : ownUid,
        untilMs: Math.max(session.deviceNow(), issuedAtMs),
        keyVersion: isOwn ? record.keyVersion || 1 : 0,
      };
    });
    await revocations.remember(taken);
    return taken;
  }

  async #place(folderUid: Uid, recordUids: readonly Uid[], place: NewPlace): Promise<void> {
    const { session, sync, writer } = this.#office.parts;
    await this.#office.requireSound(recordUids);
    await writer.refreshLaunch(recordUids);
    const folder = await this.#parts.writer.given(folderUid);
    for (let i = 0; i < recordUids.length; i += batch) {
      const entries = [];
      for (const uid of recordUids.slice(i, i + batch)) {
        const sealed = await this.#sealed(folder, uid, place);
        if (sealed !== null) entries.push(sealed);
      }
      await session.call(SharingService.method.putEntries, { entries });
    }
    wipe(folder.key);
    await sync();
  }

  async #sealed(folder: GivenObject, recordUid: Uid, { subfolderUid, rights }: NewPlace) {
    const { shares } = this.#office.parts.shares;
    const known = shares.entry(folder.uid, recordUid);
    const given = rights ?? this.#rightsOf(known?.entry ?? null);
    if (given === null) return null;
    const record = await this.#record(recordUid);
    const sealed = await sealEntry(this.#office.giver, folder, record, {
      rights: given,
      subfolderUid: subfolderUid === undefined ? await this.#placeOf(known) : subfolderUid,
      issuedAtMs: this.#issuedAt(folder.uid, recordUid),
      before: known?.entry ?? null,
    });
    wipe(record.key);
    return sealed;
  }

  /**
   * As they were. Of somebody else's entry what they could give: under another signature it says no more than that. Null
   * when their own access ends, for an entry has no end: it stays theirs, and where it is.
   */
  #rightsOf(entry: FolderEntry | null): Rights | null {
    if (entry === null) return recordRights('view');
    if (entry.authorUid === this.#office.ownUid) return entry.rights;
    const { shares, rosters, session } = this.#office.parts;
    const worth = shares.shares.rules(rosters.roster).ofEntry(entry, session.deviceNow());
    if (worth === null) return recordRights('view');
    return worth.expiresAtMs === 0 ? worth.rights : null;
  }

  async #placeOf(known: KnownEntry | null): Promise<Uid | null> {
    return known && (await this.#office.parts.shares.placeOf(known));
  }

  /** Later than the last word on that entry, and than what this account took back. */
  #issuedAt(folderUid: Uid, recordUid: Uid): number {
    const { session, shares } = this.#office.parts;
    const { revocations } = shares.shares;
    return Math.max(
      session.deviceNow(),
      (shares.shares.entry(folderUid, recordUid)?.entry.issuedAtMs ?? -1) + 1,
      revocations.notBefore('entry', folderUid, recordUid, this.#office.ownUid),
    );
  }

  async #record(recordUid: Uid): Promise<GivenObject> {
    const { shares, book } = this.#office.parts;
    const { key, ownerUid, row, content } = await book.open(recordUid);
    requireOrdinary(content.type);
    if (!shares.accessTo(recordUid, ownerUid)?.rights.share)
      throw new ProtocolError('not-allowed', 'the record may not be shared on');
    return { kind: 'record', uid: recordUid, ownerUid, key, keyVersion: row.keyVersion || 1 };
  }
}
