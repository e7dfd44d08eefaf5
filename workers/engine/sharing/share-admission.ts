import { create, toBinary } from '@bufbuild/protobuf';
import { copy, equal } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { FeedKind, type Removal, type SyncResponse } from '../../../protocol/messages/gen/record_pb.js';
import {
  FolderEntrySchema,
  ObjectGrantsSchema,
  ObjectKind,
  SharedFolderSchema,
  type FolderEntry as EntryMessage,
  type Grant as GrantMessage,
  type ObjectGrants,
  type SharedFolder,
} from '../../../protocol/messages/gen/sharing_pb.js';
import {
  parseFolderEntry,
  requireEntryKey,
  verifyFolderEntry,
} from '../../../protocol/sharing/folder-entry.ts';
import {
  parseGrant,
  requireSealedKey,
  verifyGrant,
  type Grant,
  type SharedKind,
} from '../../../protocol/sharing/grant.ts';
import { verifyFolder } from '../../../protocol/signed/folder-signature.ts';
import { findMember, type Roster } from '../../../protocol/signed/roster.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import { withoutKey, type KnownEntry, type KnownGrant, type KnownShares } from './known-shares.ts';
import type { StoredShare } from './shared-keys.ts';

export interface ShareAdmissionParts {
  readonly shares: KnownShares;
  /** Newest verified roster. */
  readonly roster: () => Roster;
  /** This device's clock. */
  readonly now: () => number;
  readonly warn: (message: string) => void;
}

/** What was signed and waits for what gives its signer the right. */
const mostWaiting = 1_000;
/** Two clocks, each of which may be off so far. */
const mostAhead = 2 * limits.clockSkewMs;

/**
 * Judges what the server gives about sharing: what its signer in the roster signed is taken over, the rest is dropped.
 * What an older signed word says does not take the place of a newer one, even of one that was gone meanwhile; what this
 * account took back does not come again. A folder or entry that holds is replaced only by one whose signer may: such a
 * one may come a page before what it rests on, so it waits. protocol.md §19.5.
 */
export class ShareAdmission {
  readonly #parts: ShareAdmissionParts;
  #folders = new Map<Uid, SharedFolder>();
  #entries = new Map<string, EntryMessage>();

  constructor(parts: ShareAdmissionParts) {
    this.#parts = parts;
  }

  /** Takes over what holds, and gives it as it is to be stored. */
  admit({ grants, folders, entries, removals }: SyncResponse): StoredShare[] {
    const removed = removals.flatMap((removal) => this.#remove(removal));
    const waiting = { folders: [...this.#folders.values()], entries: [...this.#entries.values()] };
    [this.#folders, this.#entries] = [new Map(), new Map()];
    return [
      ...removed,
      ...grants.flatMap((all) => this.#orNothing('grants', () => this.#admitGrants(all)).flat()),
      ...[...waiting.folders, ...folders].flatMap((folder) =>
        this.#orNothing('a folder', () => this.#admitFolder(folder)).flat(),
      ),
      ...[...waiting.entries, ...entries].flatMap((entry) =>
        this.#orNothing('an entry', () => this.#admitEntry(entry)).flat(),
      ),
    ];
  }

  /** Grants that were seen and are gone, as they were stored before: their times count on. */
  admitFormer(all: ObjectGrants): void {
    const [kind, uid] = [kindOf(all.objectKind), uidOf(all.objectUid)];
    const former = all.grants.flatMap((message) =>
      this.#orNothing('a former grant', () => this.#verified(kind, uid, message)),
    );
    this.#parts.shares.setFormerGrants(kind, uid, former);
  }

  clear(): void {
    this.#folders.clear();
    this.#entries.clear();
  }

  #remove({ kind, objectUid, recordUid }: Removal): StoredShare[] {
    const { shares } = this.#parts;
    const uid = uidOf(objectUid);
    if (kind === FeedKind.FOLDER) {
      shares.folders.delete(uid);
      this.#folders.delete(uid);
    }
    if (kind === FeedKind.ENTRY) {
      shares.removeEntry(uid, uidOf(recordUid));
      this.#entries.delete(entryName(uid, uidOf(recordUid)));
    }
    if (kind !== FeedKind.GRANTS) return [];
    return [...this.#setGrants('record', uid, []), ...this.#setGrants('folder', uid, [])];
  }

  #admitGrants(all: ObjectGrants): StoredShare[] {
    if (all.grants.length > limits.grantsPerObject) throw new ProtocolError('too-large', 'too many grants');
    const [kind, uid] = [kindOf(all.objectKind), uidOf(all.objectUid)];
    const known = all.grants.flatMap((message) =>
      this.#orNothing('a grant', () => this.#judgeGrant(kind, uid, message)),
    );
    const unique = [...new Set(known)];
    const { shares } = this.#parts;
    // What says nothing is stored only in the place of something.
    const isNothing = unique.length === 0 && shares.grantsOf(kind, uid).length === 0;
    const former = this.#setGrants(kind, uid, unique);
    if (isNothing) return former;
    const grants = unique.map(({ message }) => message);
    const bytes = toBinary(ObjectGrantsSchema, { ...all, objectUid: uidBytes(uid), grants });
    return [{ kind: 'grants', key: `grants:${uid}`, bytes: copy(bytes) }, ...former];
  }

  /** What is gone of the known ones is remembered without its key: gives it as it is to be stored. */
  #setGrants(kind: SharedKind, uid: Uid, grants: readonly KnownGrant[]): StoredShare[] {
    const { shares } = this.#parts;
    const before = shares.formerGrantsOf(kind, uid);
    const seen = [...before, ...shares.grantsOf(kind, uid)];
    const last = seen.filter((known) => !grants.some((one) => isSameWord(one.grant, known.grant)));
    const former = last.filter(
      ({ grant }) =>
        !last.some((one) => isSameWord(one.grant, grant) && one.grant.issuedAtMs > grant.issuedAtMs),
    );
    shares.setGrants(kind, uid, grants);
    if (former.length === before.length && former.every((known) => before.includes(known))) return [];
    const kept = former.slice(-limits.grantsPerObject).map(withoutKey);
    shares.setFormerGrants(kind, uid, kept);
    const all = create(ObjectGrantsSchema, {
      objectKind: kind === 'record' ? ObjectKind.RECORD : ObjectKind.FOLDER,
      objectUid: uidBytes(uid),
      grants: kept.map(({ message }) => message),
    });
    return [{ kind: 'grants', key: formerKey(uid), bytes: copy(toBinary(ObjectGrantsSchema, all)) }];
  }

  #judgeGrant(kind: SharedKind, uid: Uid, message: GrantMessage): KnownGrant {
    const { shares, warn } = this.#parts;
    const before = shares.grantsOf(kind, uid);
    const same = before.find((known) => isSame(known.message, message));
    if (same) return same;
    const known = this.#verified(kind, uid, message);
    const { grant } = known;
    this.#requirePast(grant.issuedAtMs);
    if (message.sealedKey.length > 0) requireSealedKey(grant, message.sealedKey);
    if (shares.revocations.isRevoked(grant)) throw new ProtocolError('untrusted', 'it was taken back');
    const isNewer = (one: KnownGrant) =>
      isSameWord(one.grant, grant) && one.grant.issuedAtMs > grant.issuedAtMs;
    if (shares.formerGrantsOf(kind, uid).some(isNewer))
      throw new ProtocolError('untrusted', 'it is older than one seen before');
    const newer = before.find(isNewer);
    if (newer) warn(`the server showed a former grant on ${uid}`);
    return newer ?? known;
  }

  #verified(kind: SharedKind, uid: Uid, message: GrantMessage): KnownGrant {
    const grant = verifyGrant(this.#keyOf(parseGrant(message).granterUid), message);
    if (grant.objectKind !== kind || grant.objectUid !== uid)
      throw new ProtocolError('untrusted', 'it is about another object');
    return { grant, message };
  }

  #admitFolder(folder: SharedFolder): StoredShare[] {
    const [uid, ownerUid] = [uidOf(folder.folderUid), uidOf(folder.ownerUid)];
    const { folders } = this.#parts.shares;
    const known = folders.get(uid);
    if (known && known.ownerUid !== ownerUid) throw new ProtocolError('untrusted', 'it has another owner');
    const before = known?.message.revision ?? 0n;
    const isOlder = folder.revision < before;
    if (isOlder && known && this.#mayWrite(known.message))
      throw new ProtocolError('untrusted', 'it is older than one seen before');
    if (folder.revision > before + BigInt(limits.revisionJump))
      throw new ProtocolError('untrusted', 'it has a revision that cannot be');
    const { revision, keyVersion, sealedData, signature } = folder;
    const statement = { folderUid: uid, ownerUid, revision, keyVersion, sealedData };
    verifyFolder(this.#keyOf(uidOf(folder.writerUid)), statement, signature);
    if (known && before === revision && !equal(known.message.sealedData, sealedData))
      throw new ProtocolError('untrusted', 'it is another one under the same revision');
    if (known && before !== revision && !this.#mayReplace(known.message, folder)) {
      if (!isOlder && this.#folders.size < mostWaiting) this.#folders.set(uid, folder);
      return [];
    }
    folders.set(uid, { uid, ownerUid, message: folder });
    return [{ kind: 'folder', key: `folder:${uid}`, bytes: copy(toBinary(SharedFolderSchema, folder)) }];
  }

  /** Only a folder's owner replaces its key. What is not its writer's to write gives way to what is. */
  #mayReplace(known: SharedFolder, next: SharedFolder): boolean {
    const keepsKey = next.keyVersion === known.keyVersion || equal(next.writerUid, next.ownerUid);
    if (!this.#mayWrite(known)) return next.revision > known.revision || this.#mayWrite(next);
    return keepsKey && next.keyVersion >= known.keyVersion && this.#mayWrite(next);
  }

  #mayWrite({ folderUid, ownerUid, writerUid, keyVersion }: SharedFolder): boolean {
    const [writer, folder, owner] = [uidOf(writerUid), uidOf(folderUid), uidOf(ownerUid)];
    const access = this.#rules().toFolder(writer, folder, owner, this.#parts.now(), keyVersion);
    return access?.rights.manageRecords ?? false;
  }

  #admitEntry(message: EntryMessage): StoredShare[] {
    const { shares, now } = this.#parts;
    const known = this.#verifyEntry(message);
    const { folderUid, recordUid, issuedAtMs } = known.entry;
    const others = shares.entriesOf(recordUid).length;
    const before = shares.entry(folderUid, recordUid);
    this.#requirePast(issuedAtMs);
    if (shares.revocations.isTaken(known.entry)) throw new ProtocolError('untrusted', 'it was taken back');
    if (before === null && others >= limits.foldersPerRecord)
      throw new ProtocolError('too-large', 'the record is in too many folders');
    const may = ({ entry }: KnownEntry) => this.#rules().ofEntry(entry, now()) !== null;
    if (before && before.entry.issuedAtMs > issuedAtMs && (may(before) || !may(known)))
      throw new ProtocolError('untrusted', 'it is older than one seen before');
    if (before && !isSameEntry(before, known) && !may(known) && may(before)) {
      if (this.#entries.size < mostWaiting) this.#entries.set(entryName(folderUid, recordUid), message);
      return [];
    }
    shares.setEntry(known);
    const bytes = copy(toBinary(FolderEntrySchema, message));
    return [{ kind: 'entry', key: `entry:${folderUid}:${recordUid}`, bytes }];
  }

  #verifyEntry(message: EntryMessage): KnownEntry {
    const entry = verifyFolderEntry(this.#keyOf(parseFolderEntry(message).authorUid), message);
    if (message.sealedKey.length > 0) requireEntryKey(entry, 'full', message.sealedKey);
    requireEntryKey(entry, 'launch', message.sealedLaunchKey);
    return { entry, message };
  }

  #rules() {
    return this.#parts.shares.rules(this.#parts.roster());
  }

  #keyOf(accountUid: Uid): Uint8Array {
    const member = findMember(this.#parts.roster(), accountUid);
    if (member === null) throw new ProtocolError('untrusted', 'the signer is in no roster');
    return member.signingPublicKey;
  }

  /** A word of the future would outlive every honest one. */
  #requirePast(issuedAtMs: number): void {
    if (issuedAtMs > this.#parts.now() + mostAhead)
      throw new ProtocolError('untrusted', 'it was issued in the future');
  }

  #orNothing<T>(what: string, judge: () => T): T[] {
    try {
      return [judge()];
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#parts.warn(`${what} of the server was dropped: ${error.message}`);
      return [];
    }
  }
}

function kindOf(kind: ObjectKind): SharedKind {
  if (kind === ObjectKind.RECORD) return 'record';
  if (kind === ObjectKind.FOLDER) return 'folder';
  throw new ProtocolError('malformed', 'grants on nothing');
}

function isSame(one: GrantMessage, other: GrantMessage): boolean {
  return (
    equal(one.body, other.body) &&
    equal(one.signature, other.signature) &&
    equal(one.sealedKey, other.sealedKey)
  );
}

/** Of the same granter to the same grantee: of those the last counts. */
function isSameWord(one: Grant, other: Grant): boolean {
  return (
    one.granterUid === other.granterUid &&
    one.granteeUid === other.granteeUid &&
    one.granteeKind === other.granteeKind
  );
}

function isSameEntry(one: KnownEntry, other: KnownEntry): boolean {
  return equal(one.message.body, other.message.body) && equal(one.message.signature, other.message.signature);
}

/** Where grants are stored that are gone. */
export function formerKey(objectUid: Uid): string {
  return `grants:${objectUid}:former`;
}

function entryName(folderUid: Uid, recordUid: Uid): string {
  return `${folderUid} ${recordUid}`;
}
