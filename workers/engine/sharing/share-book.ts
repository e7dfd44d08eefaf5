import type { Bytes } from '../../../protocol/bytes.ts';
import { copy, wipe } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { SyncResponseSchema } from '../../../protocol/messages/gen/record_pb.js';
import {
  FolderEntrySchema,
  ObjectGrantsSchema,
  SharedFolderSchema,
  type SharedFolder,
} from '../../../protocol/messages/gen/sharing_pb.js';
import { create } from '@bufbuild/protobuf';
import type { Access } from '../../../protocol/sharing/access.ts';
import { findDeparted, findMember } from '../../../protocol/signed/roster.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import { openFolder, openPlace, type FolderContent } from '../../../protocol/vault/folder-seal.ts';
import { KnownShares, type KnownEntry, type KnownFolder } from './known-shares.ts';
import type { StoredObject } from '../storage.ts';
import { beforeEveryEnd, peopleFor, type People } from './departed.ts';
import { formerGrantsKey } from './grant-admission.ts';
import { ShareAdmission } from './share-admission.ts';
import { ShareKeyring, type KeyringParts } from './share-keyring.ts';
import type { Revocation } from './revocations.ts';
import type {
  SharedFolderEntry,
  SharedKeys,
  SharePage,
  WrittenFolder,
  WrittenRecord,
} from './shared-keys.ts';

export interface ShareBookParts extends Omit<KeyringParts, 'shares' | 'formerKeys'> {
  /** Whether the own manifest fits, and covers that own folder as it is. */
  readonly isCovered: (folder: SharedFolder) => boolean;
}

interface OpenedFolder {
  readonly revision: bigint;
  readonly content: FolderContent;
}

/** All that is known about sharing: who may do what, and the keys that follow from it. */
export class ShareBook implements SharedKeys {
  readonly keyring: ShareKeyring;
  readonly #shares = new KnownShares();
  readonly #parts: ShareBookParts;
  readonly #admission: ShareAdmission;
  readonly #opened = new Map<Uid, OpenedFolder>();
  readonly #places = new WeakMap<KnownEntry, Uid | null>();
  #stored: readonly StoredObject[] = [];
  /** What became of that, to be stored with the next page. */
  #settled: StoredObject[] = [];

  constructor(parts: ShareBookParts) {
    this.#parts = parts;
    const formerKeys = async (uid: Uid) => (await this.#contentOfFolder(uid))?.formerKeys ?? [];
    this.keyring = new ShareKeyring({ ...parts, shares: () => this.shares, formerKeys });
    const { rosters, now, warn } = parts;
    this.#admission = new ShareAdmission({
      ...{ shares: this.#shares, roster: () => rosters.roster, now, warn },
      ownUid: parts.keys.accountUid,
    });
  }

  /** Every signature is verified again, but not before something is asked: an unlock does not wait for it. */
  load(objects: readonly StoredObject[]): void {
    this.#stored = objects;
  }

  get shares(): KnownShares {
    this.#settle();
    return this.#shares;
  }

  async admit(page: SharePage): Promise<readonly StoredObject[]> {
    await this.#parts.rosters.atLeast(page.rosterVersion, page.successionVersion);
    const changes = [page.grants, page.folders, page.entries, page.removals].some(({ length }) => length > 0);
    if (!changes) return [];
    this.keyring.forget();
    this.#settle(); // what was stored first: older words do not take the place of newer ones
    const settled = this.#settled;
    this.#settled = [];
    return [...settled, ...this.#admission.admit(page)];
  }

  /** Takes that back for good: what the server shows of it counts no more. */
  revoke(revocations: readonly Revocation[]): void {
    this.keyring.forget();
    this.shares.revoke(revocations);
  }

  recordKey(recordUid: Uid, ownerUid: Uid): Promise<Bytes | null> {
    return this.keyring.ofRecord('full', recordUid, ownerUid);
  }

  launchKey(recordUid: Uid, ownerUid: Uid): Promise<Bytes | null> {
    return this.keyring.ofRecord('launch', recordUid, ownerUid);
  }

  accessTo(recordUid: Uid, ownerUid: Uid): Access | null {
    return this.accessOf(this.#parts.keys.accountUid, recordUid, ownerUid);
  }

  /** What anybody may do with a record now. */
  accessOf(accountUid: Uid, recordUid: Uid, ownerUid: Uid): Access | null {
    const { rosters, now } = this.#parts;
    return this.shares.rules(rosters.roster).toRecord(accountUid, recordUid, ownerUid, now());
  }

  /** What this account, or another, may do with a shared folder now. */
  accessToFolder(folderUid: Uid, ownerUid: Uid, accountUid = this.#parts.keys.accountUid): Access | null {
    const { rosters, now } = this.#parts;
    return this.shares.rules(rosters.roster).toFolder(accountUid, folderUid, ownerUid, now());
  }

  mayWrite(writerUid: Uid, { recordUid, ownerUid, keyVersion }: WrittenRecord): boolean {
    const { rosters, now } = this.#parts;
    const rules = this.shares.rules(rosters.roster);
    return rules.toRecord(writerUid, recordUid, ownerUid, now(), keyVersion)?.rights.edit ?? false;
  }

  mightHaveWritten(writerUid: Uid, { recordUid, ownerUid, keyVersion }: WrittenRecord): boolean {
    const people = this.#peopleFor({ ownerUid });
    const rules = this.shares.rulesWithFormer(people, recordUid);
    const access = rules.toRecord(writerUid, recordUid, ownerUid, beforeEveryEnd, keyVersion);
    return access?.rights.edit ?? false;
  }

  mayWriteFolder(writerUid: Uid, { folderUid, ownerUid, keyVersion }: WrittenFolder): boolean {
    const { rosters, now } = this.#parts;
    const rules = this.shares.rules(rosters.roster);
    return rules.toFolder(writerUid, folderUid, ownerUid, now(), keyVersion)?.rights.manageRecords ?? false;
  }

  mightHaveWrittenFolder(writerUid: Uid, folder: WrittenFolder): boolean {
    return this.shares.mightHaveWrittenFolder(this.#peopleFor(folder), writerUid, folder);
  }

  mayTakeOver(accountUid: Uid, recordUid: Uid, formerOwnerUid: Uid): boolean {
    const access = this.accessOf(accountUid, recordUid, formerOwnerUid);
    return accountUid !== formerOwnerUid && (access?.rights.own ?? false);
  }

  signingKeyOf(accountUid: Uid): Bytes | null {
    const member = findMember(this.#parts.rosters.roster, accountUid);
    return member === null ? null : copy(member.signingPublicKey);
  }

  departedKeyOf(accountUid: Uid): Bytes | null {
    const departed = findDeparted(this.#parts.rosters.roster, accountUid);
    return departed && copy(departed.signingPublicKey);
  }

  isShared(recordUid: Uid): boolean {
    const { shares } = this;
    return shares.grantsOf('record', recordUid).length > 0 || shares.entriesOf(recordUid).length > 0;
  }

  foldersOf(recordUid: Uid): readonly Uid[] {
    return this.shares
      .entriesOf(recordUid)
      .filter(({ entry }) => this.accessToFolder(entry.folderUid, entry.folderOwnerUid) !== null)
      .map(({ entry }) => entry.folderUid);
  }

  async folders(): Promise<readonly SharedFolderEntry[]> {
    const described = await Promise.all(
      [...this.shares.folders.values()].map((folder) => this.folder(folder)),
    );
    return described.filter((folder) => folder !== null);
  }

  /** A shared folder as lists need it; null when it does not open. */
  async folder(known: KnownFolder): Promise<SharedFolderEntry | null> {
    const { uid, ownerUid, message } = known;
    const access = this.accessToFolder(uid, ownerUid);
    const content = access && (await this.contentOf(known));
    if (!access || !content) return null;
    const { name, subfolders } = content;
    const places = await this.#placesIn(known);
    return { uid, ownerUid, name, subfolders, access, places, revision: message.revision };
  }

  /** What a folder says of itself; null when it does not open. Whoever wrote it must have been allowed to. */
  async contentOf({ uid, ownerUid, message }: KnownFolder): Promise<FolderContent | null> {
    const opened = this.#opened.get(uid);
    if (opened?.revision === message.revision) return opened.content;
    const written = { folderUid: uid, ownerUid, keyVersion: message.keyVersion };
    const isSound = this.#isSound(uidOf(message.writerUid), written, message);
    const key = isSound ? await this.keyring.ofFolder('launch', uid, ownerUid) : null;
    if (key === null) return null;
    const content = await this.#orNull(() =>
      openFolder(key, { folderUid: uid, ownerUid }, message.revision, message.sealedData),
    );
    wipe(key);
    if (content !== null) this.#opened.set(uid, { revision: message.revision, content });
    return content;
  }

  /** Its writer may write it, or might have while it had this key, or the own manifest covers it as it is. */
  #isSound(writerUid: Uid, written: WrittenFolder, message: SharedFolder): boolean {
    if (this.mayWriteFolder(writerUid, written) || this.mightHaveWrittenFolder(writerUid, written))
      return true;
    return written.ownerUid === this.#parts.keys.accountUid && this.#parts.isCovered(message);
  }

  #peopleFor(object: { readonly ownerUid: Uid }): People {
    const { rosters, keys } = this.#parts;
    return peopleFor(object, rosters.roster, keys.accountUid);
  }

  /** In which subfolder an entry is; at the top when it does not say. */
  async placeOf(known: KnownEntry): Promise<Uid | null> {
    const opened = this.#places.get(known);
    if (opened !== undefined) return opened;
    const { entry, message } = known;
    const key = await this.keyring.ofFolderThen('launch', entry);
    if (key === null) return null;
    const place = await this.#orNull(() => openPlace(key, entry, message.sealedPlace));
    wipe(key);
    this.#places.set(known, place);
    return place;
  }

  clear(): void {
    this.keyring.forget();
    for (const { content } of this.#opened.values())
      wipe(...content.formerKeys.map(({ launchKey }) => launchKey));
    this.#opened.clear();
    this.#stored = [];
    this.#settled = [];
    this.#admission.clear();
    this.#shares.clear();
  }

  #settle(): void {
    const objects = this.#stored;
    if (objects.length === 0) return;
    this.#stored = [];
    const of = (kind: StoredObject['kind']) => objects.filter((object) => object.kind === kind);
    const grants = of('grants').map(({ key, bytes }) => ({
      key,
      all: decodeMessage(ObjectGrantsSchema, bytes),
    }));
    const isFormer = ({ key, all }: (typeof grants)[number]) => key === formerGrantsKey(uidOf(all.objectUid));
    for (const { all } of grants.filter(isFormer)) this.#admission.admitFormer(all);
    this.#settled = grants
      .filter((one) => !isFormer(one))
      .flatMap(({ all }) => this.#admission.admitStored(all));
    const stored = create(SyncResponseSchema, {
      folders: of('folder').map(({ bytes }) => decodeMessage(SharedFolderSchema, bytes)),
      entries: of('entry').map(({ bytes }) => decodeMessage(FolderEntrySchema, bytes)),
    });
    this.#admission.admit(stored);
  }

  async #contentOfFolder(uid: Uid): Promise<FolderContent | null> {
    const known = this.shares.folders.get(uid);
    return known ? await this.contentOf(known) : null;
  }

  async #placesIn({ uid }: KnownFolder): Promise<ReadonlyMap<Uid, Uid | null>> {
    const entries = this.shares.entriesIn(uid);
    const places = await Promise.all(entries.map((known) => this.placeOf(known)));
    return new Map(entries.map(({ entry }, i) => [entry.recordUid, places[i] ?? null]));
  }

  async #orNull<T>(open: () => Promise<T>): Promise<T | null> {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#parts.warn(`a part of a shared folder does not open: ${error.code}`);
      return null;
    }
  }
}
