import type { MessageInitShape } from '@bufbuild/protobuf';
import type { FolderRights, Rekeyed, ShareInput, SharingVerbs } from '../../api/sharing.ts';
import { wipe, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import {
  ObjectKind,
  SharingService,
  type FolderEntrySchema,
} from '../../../protocol/messages/gen/sharing_pb.js';
import type { Rights } from '../../../protocol/sharing/rights.ts';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';
import { openPlace } from '../../../protocol/vault/folder-seal.ts';
import { FolderWriter } from './folder-writer.ts';
import type { KnownEntry, KnownFolder } from './known-shares.ts';
import { RekeyReport, type Rekeying } from './rekeying.ts';
import type { Revocation } from './revocations.ts';
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

  share(input: ShareInput & { folderUid: Uid; rights: FolderRights }): Promise<void> {
    return this.#office.alone(() => this.#share(input));
  }

  unshare(input: Parameters<SharingVerbs['unshare']>[0]): Promise<Rekeyed> {
    return this.#office.alone(() => this.#unshare(input));
  }

  /** Own records get a new key: those who saw them through the folder have the former one. */
  take(input: Parameters<SharingVerbs['removeFromFolder']>[0]): Promise<void> {
    return this.#office.alone(() => this.#take(input));
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
    const known = this.#known(folderUid);
    const to = (await this.#office.grantees(grantees)).filter(({ uid }) => uid !== known.ownerUid);
    const narrowed = await this.#office.narrow('folder', [described(known)], to, terms);
    const folder = await this.#given(folderUid);
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
    const known = this.#known(objectUid);
    const out = grantees.map(({ uid }) => uid);
    await this.#office.revoke('folder', described(known), out);
    const isOwn = known.ownerUid === this.#office.ownUid;
    const isDone = () => isOwn && this.#known(objectUid).message.keyVersion > known.message.keyVersion;
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

  async #take({ folderUid, recordUids }: Parameters<SharingVerbs['removeFromFolder']>[0]): Promise<void> {
    const { session, sync, book } = this.#office.parts;
    await this.#office.requireSound();
    await this.#takeBack(folderUid, recordUids);
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
        this.#rekeying.records(
          left().map(({ uid }) => uid),
          new RekeyReport(),
        ),
    );
  }

  /** A new folder key for those who stay, then new keys of the own records in it. */
  async rekey(folderUid: Uid, report: RekeyReport): Promise<void> {
    const { session, sync, shares, book } = this.#office.parts;
    const own: Uid[] = [];
    const others: KnownEntry[] = [];
    for (const known of shares.shares.entriesIn(folderUid)) {
      const record = book.get(known.entry.recordUid);
      if (!record || record.deleted) continue;
      if (book.isOwn(record)) own.push(record.uid);
      else others.push(known);
    }
    const rest: MessageInitShape<typeof FolderEntrySchema>[] = [];
    await this.#writer.rekey(folderUid, async (folder) => {
      const entries = await this.#rewrapped(folder, others);
      rest.push(...entries.splice(batch));
      return { grants: await this.#rekeying.folderGrants(folder, report), entries };
    });
    for (let i = 0; i < rest.length; i += batch)
      await session.call(SharingService.method.putEntries, { entries: rest.slice(i, i + batch) });
    if (rest.length > 0) await sync();
    // Own records get there anew with their own new keys: cut off here, `KeyRenewal` finds those that are left.
    await this.#rekeying.records(own, report);
  }

  /** Entries of this account under the folder's newest key: it was replaced meanwhile. */
  async renewEntries(folderUid: Uid, recordUids: readonly Uid[]): Promise<void> {
    await this.#place(folderUid, recordUids, () => ({ subfolderUid: null }));
  }

  async #takeBack(folderUid: Uid, recordUids: readonly Uid[]): Promise<void> {
    const { shares, session, book, revocations } = this.#office.parts;
    const { ownUid } = this.#office;
    const { ownerUid } = this.#known(folderUid);
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
  }

  /** What this account may put into the folder anew; the rest its authors' own vaults put there. */
  async #rewrapped(folder: GivenObject, known: readonly KnownEntry[]) {
    const { shares } = this.#office.parts;
    const entries = [];
    const launchKey = await shares.keyring.ofFolder('launch', folder.uid, folder.ownerUid);
    for (const { entry, message } of known) {
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
    await this.#office.requireSound(recordUids);
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
          issuedAtMs: Math.max(
            session.deviceNow(),
            (before?.issuedAtMs ?? 0) + 1,
            shares.shares.revocations.notBefore('entry', folderUid, uid, this.#office.ownUid),
          ),
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

function described({ uid, ownerUid, message }: KnownFolder) {
  return { uid, ownerUid, keyVersion: message.keyVersion };
}
