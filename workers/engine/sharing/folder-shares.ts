import type { FolderRights, Rekeyed, ShareInput, SharingVerbs } from '../../api/sharing.ts';
import { wipe, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { ObjectKind, SharingService } from '../../../protocol/messages/gen/sharing_pb.js';
import { isWithin, type Rights } from '../../../protocol/sharing/rights.ts';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';
import { openPlace } from '../../../protocol/vault/folder-seal.ts';
import { FolderWriter } from './folder-writer.ts';
import type { KnownFolder } from './known-shares.ts';
import { RekeyReport, type Rekeying } from './rekeying.ts';
import { folderRights, recordRights } from './share-rights.ts';
import { sealEntry, sealGrant, type EntryPlace, type GivenObject } from './share-seal.ts';
import type { SharingOffice } from './sharing-office.ts';

/** Entries in one request. */
const batch = 200;

/** Shared folders: their members, their subfolders and the records in them. */
export class FolderShares {
  readonly #office: SharingOffice;
  readonly #rekeying: Rekeying;
  readonly #writer: FolderWriter;

  constructor(office: SharingOffice, rekeying: Rekeying) {
    this.#office = office;
    this.#rekeying = rekeying;
    this.#writer = new FolderWriter(office);
  }

  create(name: string): Promise<Uid> {
    return this.#writer.create(name);
  }

  rename({ folderUid, name }: { folderUid: Uid; name: string }): Promise<void> {
    return this.#writer.change(folderUid, (content) => ({ ...content, name }));
  }

  remove(folderUid: Uid): Promise<void> {
    return this.#writer.remove(folderUid);
  }

  async addSubfolder({
    folderUid,
    name,
    parentUid,
  }: Parameters<SharingVerbs['addSubfolder']>[0]): Promise<Uid> {
    const uid = newUid();
    await this.#writer.change(folderUid, ({ subfolders, ...content }) => {
      if (parentUid !== null && !subfolders.some((known) => known.uid === parentUid))
        throw new ProtocolError('not-found', 'there is no such subfolder');
      return { ...content, subfolders: [...subfolders, { uid, name, parentUid }] };
    });
    return uid;
  }

  renameSubfolder({
    folderUid,
    subfolderUid,
    name,
  }: Parameters<SharingVerbs['renameSubfolder']>[0]): Promise<void> {
    return this.#writer.change(folderUid, ({ subfolders, ...content }) => ({
      ...content,
      subfolders: subfolders.map((known) => (known.uid === subfolderUid ? { ...known, name } : known)),
    }));
  }

  /** Subfolders and records of it go up to its parent. */
  async removeSubfolder({
    folderUid,
    subfolderUid,
  }: Parameters<SharingVerbs['removeSubfolder']>[0]): Promise<void> {
    const folder = await this.#describe(folderUid);
    const parentUid = folder.subfolders.find(({ uid }) => uid === subfolderUid)?.parentUid ?? null;
    const inside = [...folder.places].filter(([, place]) => place === subfolderUid).map(([uid]) => uid);
    if (inside.length > 0) await this.#place(folderUid, inside, () => ({ subfolderUid: parentUid }));
    await this.#writer.change(folderUid, ({ subfolders, ...content }) => ({
      ...content,
      subfolders: subfolders
        .filter(({ uid }) => uid !== subfolderUid)
        .map((known) => (known.parentUid === subfolderUid ? { ...known, parentUid } : known)),
    }));
  }

  async share({
    folderUid,
    grantees,
    rights: chosen,
    expiresAt,
  }: ShareInput & { folderUid: Uid; rights: FolderRights }): Promise<void> {
    const { session, sync, shares } = this.#office.parts;
    const rights = folderRights(chosen);
    const to = (await this.#office.grantees(grantees)).filter(
      ({ uid }) => uid !== this.#known(folderUid).ownerUid,
    );
    const folder = await this.#given(folderUid);
    const expiresAtMs = expiresAt ?? 0;
    const narrowed = shares.shares.grantsOf('folder', folderUid).some(({ grant }) => {
      const mine = grant.granterUid === this.#office.ownUid && to.some(({ uid }) => uid === grant.granteeUid);
      const sooner = expiresAtMs !== 0 && (grant.expiresAtMs === 0 || grant.expiresAtMs > expiresAtMs);
      return mine && (sooner || !isWithin(grant.rights, rights));
    });
    const grants = await Promise.all(
      to.map((grantee) => {
        const issuedAtMs = this.#office.issuedAt('folder', folderUid, grantee.uid);
        return sealGrant(this.#office.giver, folder, grantee, { rights, expiresAtMs, issuedAtMs });
      }),
    );
    wipe(folder.key);
    await session.call(SharingService.method.putGrants, { grants });
    await sync();
    if (narrowed && folder.ownerUid === this.#office.ownUid) await this.rekey(folderUid, new RekeyReport());
  }

  async unshare({ objectUid, grantees }: Parameters<SharingVerbs['unshare']>[0]): Promise<Rekeyed> {
    const { session, sync } = this.#office.parts;
    const { ownerUid } = this.#known(objectUid);
    await session.call(SharingService.method.revokeGrants, {
      objectKind: ObjectKind.FOLDER,
      objectUid: uidBytes(objectUid),
      granteeUids: grantees.map(({ uid }) => uidBytes(uid)),
    });
    await sync();
    const report = new RekeyReport();
    if (ownerUid === this.#office.ownUid) await this.rekey(objectUid, report);
    return report.view;
  }

  async add({
    folderUid,
    subfolderUid,
    recordUids,
    rights,
  }: Parameters<SharingVerbs['addToFolder']>[0]): Promise<void> {
    await this.#place(folderUid, recordUids, () => ({ subfolderUid, rights: recordRights(rights) }));
  }

  /** Own records get a new key: those who saw them through the folder have the former one. */
  async take({ folderUid, recordUids }: Parameters<SharingVerbs['removeFromFolder']>[0]): Promise<void> {
    const { session, sync, book } = this.#office.parts;
    const records = recordUids.map(uidBytes);
    await session.call(SharingService.method.removeEntries, {
      folderUid: uidBytes(folderUid),
      recordUids: records,
    });
    await sync();
    const report = new RekeyReport();
    for (const uid of recordUids) {
      const known = book.get(uid);
      if (known && !known.deleted && book.isOwn(known)) await this.#rekeying.record(uid, report);
    }
  }

  /** A new folder key for those who stay, then new keys of the own records in it. */
  async rekey(folderUid: Uid, report: RekeyReport): Promise<void> {
    const { shares, book } = this.#office.parts;
    await this.#writer.rekey(folderUid, async (folder) => ({
      grants: await this.#rekeying.folderGrants(folder, report),
      entries: await this.#rewrapped(folder),
    }));
    for (const { entry } of shares.shares.entriesIn(folderUid)) {
      const known = book.get(entry.recordUid);
      if (known && !known.deleted && book.isOwn(known)) await this.#rekeying.record(entry.recordUid, report);
    }
  }

  /** What this account may put into the folder anew; the rest its authors' own vaults put there. */
  async #rewrapped(folder: GivenObject) {
    const { shares } = this.#office.parts;
    const entries = [];
    const launchKey = await shares.keyring.ofFolder('launch', folder.uid, folder.ownerUid);
    for (const { entry, message } of shares.shares.entriesIn(folder.uid)) {
      const record = await this.#record(entry.recordUid).catch(() => null); // not this account's to put there
      if (record === null || launchKey === null) continue;
      const place = {
        rights: entry.rights,
        subfolderUid: await openPlace(launchKey, entry, message.sealedPlace).catch(() => null), // at the top then
        issuedAtMs: Math.max(this.#office.parts.session.deviceNow(), entry.issuedAtMs + 1),
      };
      entries.push(await sealEntry(this.#office.giver, folder, record, place));
      wipe(record.key);
    }
    return entries;
  }

  async #place(
    folderUid: Uid,
    recordUids: readonly Uid[],
    placeOf: () => { readonly subfolderUid: Uid | null; readonly rights?: Rights },
  ): Promise<void> {
    const { session, sync, shares, writer } = this.#office.parts;
    await writer.refreshLaunch(recordUids);
    const folder = await this.#given(folderUid);
    const { subfolderUid, rights } = placeOf();
    for (let i = 0; i < recordUids.length; i += batch) {
      const entries = [];
      for (const uid of recordUids.slice(i, i + batch)) {
        const before = shares.shares.entry(folderUid, uid)?.entry;
        const place: EntryPlace = {
          rights: rights ?? before?.rights ?? recordRights('view'),
          subfolderUid,
          issuedAtMs: Math.max(session.deviceNow(), (before?.issuedAtMs ?? 0) + 1),
        };
        const record = await this.#record(uid);
        entries.push(await sealEntry(this.#office.giver, folder, record, place));
        wipe(record.key);
      }
      await session.call(SharingService.method.putEntries, { entries });
    }
    wipe(folder.key);
    await sync();
  }

  async #record(recordUid: Uid): Promise<GivenObject> {
    const { shares, book } = this.#office.parts;
    const { key, ownerUid, row } = await book.open(recordUid);
    if (!shares.accessTo(recordUid, ownerUid)?.rights.share)
      throw new ProtocolError('not-allowed', 'the record may not be shared on');
    return { kind: 'record', uid: recordUid, ownerUid, key, keyVersion: row.keyVersion || 1 };
  }

  async #given(folderUid: Uid): Promise<GivenObject> {
    const { ownerUid, message } = this.#known(folderUid);
    const key: Bytes | null = await this.#office.parts.shares.keyring.ofFolder('full', folderUid, ownerUid);
    if (key === null) throw new ProtocolError('not-allowed', 'the folder is not this account’s to give');
    return { kind: 'folder', uid: folderUid, ownerUid, key, keyVersion: message.keyVersion };
  }

  #known(folderUid: Uid): KnownFolder {
    const known = this.#office.parts.shares.shares.folders.get(folderUid);
    if (!known) throw new ProtocolError('not-found', 'there is no such folder');
    return known;
  }

  async #describe(folderUid: Uid) {
    const folder = await this.#office.parts.shares.folder(this.#known(folderUid));
    if (folder === null) throw new ProtocolError('open-failed');
    return folder;
  }
}
