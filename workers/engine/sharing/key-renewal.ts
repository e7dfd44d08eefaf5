import { wipe } from '../../../protocol/bytes.ts';
import { SharingService } from '../../../protocol/messages/gen/sharing_pb.js';
import type { FolderEntry } from '../../../protocol/sharing/folder-entry.ts';
import type { Grant, SharedKind } from '../../../protocol/sharing/grant.ts';
import { findMember } from '../../../protocol/signed/roster.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import type { FolderEntries } from './folder-entries.ts';
import type { FolderShares } from './folder-shares.ts';
import type { KnownFolder } from './known-shares.ts';
import { RekeyReport, type Rekeying } from './rekeying.ts';
import { sealGrant, type GivenObject } from './share-seal.ts';
import type { SharingOffice } from './sharing-office.ts';

export interface KeyRenewalParts {
  readonly office: SharingOffice;
  readonly rekeying: Rekeying;
  readonly folders: FolderShares;
  readonly entries: FolderEntries;
}

/**
 * Replaces keys that somebody has who is out: who was taken off, who left the organisation or a team, whose time is
 * over. What is due follows from signed and kept state alone, never from an event that a lock or a lost answer could
 * swallow: a grant, or a revocation, names the key that it is about, and is due until the object has a newer one.
 * protocol.md §19.8.
 */
export class KeyRenewal {
  readonly #parts: KeyRenewalParts;
  readonly #office: SharingOffice;

  constructor(parts: KeyRenewalParts) {
    this.#parts = parts;
    this.#office = parts.office;
  }

  /** Nothing while the vault is incomplete. What fails is due the next time. */
  run(): Promise<void> {
    return this.#office.alone(() => this.#run());
  }

  async #run(): Promise<void> {
    const { rekeying, folders, entries, office } = this.#parts;
    if (!office.parts.isComplete()) return;
    for (const uid of this.#due('folder')) await folders.rekey(uid, new RekeyReport());
    const records = this.#due('record');
    for (const { recordUid } of await this.#behind()) records.add(recordUid);
    for (const recordUid of this.#seenByFormer()) records.add(recordUid);
    await rekeying.records([...records], new RekeyReport());
    await this.#sealAnew();
    const mine = Map.groupBy(this.#mineBehind(), ({ folderUid }) => folderUid);
    for (const [folderUid, behind] of mine)
      await entries.renew(
        folderUid,
        behind.map(({ recordUid }) => recordUid),
      );
  }

  /** Own objects whose key somebody has who is out. */
  #due(kind: SharedKind): Set<Uid> {
    const { shares } = this.#office.parts.shares;
    const due = new Set<Uid>();
    const note = (uid: Uid, keyVersion: number) => {
      const version = this.#versionOf(kind, uid);
      // A later one than the object has, of which nothing is missing here, is no key that anybody could have.
      if (keyVersion === version) due.add(uid);
    };
    for (const { kind: of, objectUid, outUid, keyVersion } of shares.revocations.all) {
      if (keyVersion === 0) continue;
      if (of === kind) note(objectUid, keyVersion);
      if (of === 'entry' && kind === 'record') note(outUid, keyVersion);
    }
    if (kind === 'folder')
      for (const { uid, message } of this.#ofFormerWriters()) note(uid, message.keyVersion);
    for (const { grant } of [...shares.allGrants()].flat())
      if (grant.objectKind === kind && (this.#hasEnded(grant) || this.#isBehind(grant)))
        note(grant.objectUid, grant.keyVersion);
    for (const { grant } of [...shares.allFormerGrants()].flat())
      if (grant.objectKind === kind && this.#hasEnded(grant)) note(grant.objectUid, grant.keyVersion);
    return due;
  }

  /** Own folders that somebody wrote last who may not any more: who never saw their right waits for the owner's word. */
  *#ofFormerWriters(): Iterable<KnownFolder> {
    const { shares } = this.#office.parts;
    for (const folder of shares.shares.folders.values()) {
      const { uid: folderUid, ownerUid, message } = folder;
      const written = { folderUid, ownerUid, keyVersion: message.keyVersion };
      if (ownerUid === this.#office.ownUid && !shares.mayWriteFolder(uidOf(message.writerUid), written))
        yield folder;
    }
  }

  /** Of an own object that is there; null of all others. */
  #versionOf(kind: SharedKind, uid: Uid): number | null {
    const { book, shares } = this.#office.parts;
    if (kind === 'folder') {
      const folder = shares.shares.folders.get(uid);
      return folder?.ownerUid === this.#office.ownUid ? folder.message.keyVersion : null;
    }
    const known = book.get(uid);
    return known && !known.deleted && known.proved && book.isOwn(known) ? known.keyVersion || 1 : null;
  }

  #hasEnded({ ownerUid, expiresAtMs, granteeKind, granteeUid, granterUid }: Grant): boolean {
    const { rosters, session } = this.#office.parts;
    if (ownerUid !== this.#office.ownUid) return false;
    const isMember = (uid: Uid) => findMember(rosters.roster, uid) !== null;
    const isThere =
      granteeKind === 'account'
        ? isMember(granteeUid)
        : rosters.roster.teams.some(({ teamUid }) => teamUid === granteeUid);
    return (expiresAtMs !== 0 && expiresAtMs <= session.deviceNow()) || !isThere || !isMember(granterUid);
  }

  /** The team has another key since: whoever left has the former one, whoever joined has not. */
  #isBehind({ granteeKind, granteeUid, granteeKeyVersion }: Grant): boolean {
    const { teams } = this.#office.parts.rosters.roster;
    const team = teams.find(({ teamUid }) => teamUid === granteeUid);
    return granteeKind === 'team' && team !== undefined && granteeKeyVersion < team.keyVersion;
  }

  /** Of own records, entries under a former key of their folder that this account can put there anew. */
  async #behind(): Promise<FolderEntry[]> {
    const { shares } = this.#office.parts;
    const behind: FolderEntry[] = [];
    for (const { entry } of shares.shares.allEntries()) {
      const folder = shares.shares.folders.get(entry.folderUid);
      if (!folder || entry.folderKeyVersion >= folder.message.keyVersion) continue;
      if (this.#isOwnToRenew(entry) && (await this.#mayPut(folder))) behind.push(entry);
    }
    return behind;
  }

  /** Own records that somebody else put anew under a newer key of a folder: who had the former one has the record's. */
  *#seenByFormer(): Iterable<Uid> {
    for (const { entry } of this.#office.parts.shares.shares.allEntries()) {
      const isSeen = entry.firstFolderKeyVersion < entry.folderKeyVersion;
      if (isSeen && this.#isOwnToRenew(entry)) yield entry.recordUid;
    }
  }

  /** This account's entries of other people's records, under a former key of folder or record. */
  #mineBehind(): FolderEntry[] {
    const { shares, book } = this.#office.parts;
    return [...shares.shares.allEntries()]
      .map(({ entry }) => entry)
      .filter(({ folderUid, recordUid, folderKeyVersion, recordKeyVersion }) => {
        const folderVersion = shares.shares.folders.get(folderUid)?.message.keyVersion ?? 0;
        const recordVersion = book.get(recordUid)?.keyVersion ?? 0;
        return folderKeyVersion < folderVersion || (folderVersion > 0 && recordKeyVersion < recordVersion);
      })
      .filter((entry) => this.#office.isToRenew(entry));
  }

  async #mayPut({ uid, ownerUid }: KnownFolder): Promise<boolean> {
    const { shares } = this.#office.parts;
    if (!shares.accessToFolder(uid, ownerUid)?.rights.manageRecords) return false;
    const key = await shares.keyring.ofFolder('full', uid, ownerUid);
    if (key !== null) wipe(key);
    return key !== null;
  }

  #isOwnToRenew(entry: FolderEntry): boolean {
    const { shares, book, rosters, session } = this.#office.parts;
    const known = book.get(entry.recordUid);
    if (known?.ownerUid !== entry.recordOwnerUid || known.deleted || !known.proved) return false;
    if ((known.keyVersion || 1) !== entry.recordKeyVersion || !book.isOwn(known)) return false;
    return shares.shares.rules(rosters.roster).ofEntry(entry, session.deviceNow()) !== null;
  }

  /** What this account gave teams of other people's objects. */
  async #sealAnew(): Promise<void> {
    const { session, sync, shares, rosters } = this.#office.parts;
    const rules = shares.shares.rules(rosters.roster);
    const given = [...shares.shares.allGrants()]
      .flat()
      .map(({ grant }) => grant)
      .filter(
        ({ ownerUid, granterUid }) => ownerUid !== this.#office.ownUid && granterUid === this.#office.ownUid,
      )
      .filter((grant) => this.#isBehind(grant) && rules.ofGrant(grant, session.deviceNow()) !== null);
    const renewed = await Promise.all(given.map((grant) => this.#renew(grant)));
    const grants = renewed.filter((grant) => grant !== null);
    if (grants.length === 0) return;
    await session.call(SharingService.method.putGrants, { grants });
    await sync();
  }

  async #renew(grant: Grant) {
    const { objectKind, objectUid, granteeUid, rights, expiresAtMs } = grant;
    const standing = await this.#office.standing({ kind: 'team', uid: granteeUid });
    const object = await this.#objectOf(grant);
    if (standing === null || object === null) return null;
    const issuedAtMs = this.#office.issuedAt(objectKind, objectUid, granteeUid);
    const terms = { rights, expiresAtMs, issuedAtMs };
    const sealed = await sealGrant(this.#office.giver, object, standing.grantee, terms);
    wipe(object.key);
    return sealed;
  }

  /** Null for what is gone, or not this account's to give any more. */
  async #objectOf({ objectKind: kind, objectUid: uid, ownerUid }: Grant): Promise<GivenObject | null> {
    const { shares, book } = this.#office.parts;
    if (kind === 'folder') {
      const key = await shares.keyring.ofFolder('full', uid, ownerUid);
      const keyVersion = shares.shares.folders.get(uid)?.message.keyVersion;
      return key && keyVersion !== undefined ? { kind, uid, ownerUid, key, keyVersion } : null;
    }
    if (!book.has(uid) || book.get(uid)?.ownerUid !== ownerUid) return null;
    const { key, row } = await book.open(uid);
    return { kind, uid, ownerUid, key, keyVersion: row.keyVersion || 1 };
  }
}
