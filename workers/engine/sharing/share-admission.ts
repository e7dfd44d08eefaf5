import { toBinary } from '@bufbuild/protobuf';
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
  type SharedKind,
} from '../../../protocol/sharing/grant.ts';
import { verifyFolder } from '../../../protocol/signed/folder-signature.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { KnownEntry, KnownGrant, KnownShares } from './known-shares.ts';
import type { StoredShare } from './shared-keys.ts';

export interface ShareAdmissionParts {
  readonly shares: KnownShares;
  /** Signing key of a roster member, 65 bytes; null when unknown. */
  readonly signingKeyOf: (accountUid: Uid) => Uint8Array | null;
  readonly warn: (message: string) => void;
}

/**
 * Judges what the server gives about sharing: what its signer in the roster signed is taken over, the rest is dropped.
 * What an older signed word says does not take the place of a newer one. Whether a signer may say it is worked out when
 * it is used (protocol/sharing/access.ts): a page may come before the one that it rests on.
 */
export class ShareAdmission {
  readonly #parts: ShareAdmissionParts;

  constructor(parts: ShareAdmissionParts) {
    this.#parts = parts;
  }

  /** Takes over what holds, and gives it as it is to be stored. */
  admit({ grants, folders, entries, removals }: SyncResponse): StoredShare[] {
    for (const removal of removals) this.#remove(removal);
    return [
      ...grants.flatMap((all) => this.#orNothing('grants', () => this.#admitGrants(all))),
      ...folders.flatMap((folder) => this.#orNothing('a folder', () => this.#admitFolder(folder))),
      ...entries.flatMap((entry) => this.#orNothing('an entry', () => this.#admitEntry(entry))),
    ];
  }

  #remove({ kind, objectUid, recordUid }: Removal): void {
    const { shares } = this.#parts;
    const uid = uidOf(objectUid);
    if (kind === FeedKind.FOLDER) shares.folders.delete(uid);
    if (kind === FeedKind.ENTRY) shares.removeEntry(uid, uidOf(recordUid));
    if (kind !== FeedKind.GRANTS) return;
    shares.setGrants('record', uid, []); // UIDs are random: no folder has a record's
    shares.setGrants('folder', uid, []);
  }

  #admitGrants(all: ObjectGrants): StoredShare {
    if (all.grants.length > limits.grantsPerObject) throw new ProtocolError('too-large', 'too many grants');
    const [kind, uid] = [kindOf(all.objectKind), uidOf(all.objectUid)];
    const before = this.#parts.shares.grantsOf(kind, uid);
    const known = all.grants.flatMap((message) =>
      this.#orNothing('a grant', () => this.#verifyGrant(kind, uid, message, before)),
    );
    const unique = [...new Set(known)];
    this.#parts.shares.setGrants(kind, uid, unique);
    const grants = unique.map(({ message }) => message);
    const bytes = toBinary(ObjectGrantsSchema, { ...all, objectUid: uidBytes(uid), grants });
    return { kind: 'grants', key: `grants:${uid}`, bytes: copy(bytes) };
  }

  #verifyGrant(kind: SharedKind, uid: Uid, message: GrantMessage, before: readonly KnownGrant[]): KnownGrant {
    const same = before.find((known) => isSame(known.message, message));
    if (same) return same;
    const grant = verifyGrant(this.#keyOf(parseGrant(message).granterUid), message);
    if (grant.objectKind !== kind || grant.objectUid !== uid)
      throw new ProtocolError('untrusted', 'it is about another object');
    if (message.sealedKey.length > 0) requireSealedKey(grant, message.sealedKey);
    const newer = before.find(
      ({ grant: { granterUid, granteeUid, granteeKind, issuedAtMs } }) =>
        granterUid === grant.granterUid &&
        granteeUid === grant.granteeUid &&
        granteeKind === grant.granteeKind &&
        issuedAtMs > grant.issuedAtMs,
    );
    if (newer) this.#parts.warn(`the server showed a former grant on ${uid}`);
    return newer ?? { grant, message };
  }

  #admitFolder(folder: SharedFolder): StoredShare {
    const [uid, ownerUid] = [uidOf(folder.folderUid), uidOf(folder.ownerUid)];
    const known = this.#parts.shares.folders.get(uid);
    if (known && known.ownerUid !== ownerUid) throw new ProtocolError('untrusted', 'it has another owner');
    if (known && folder.revision < known.message.revision)
      throw new ProtocolError('untrusted', 'it is older than one seen before');
    const { revision, keyVersion, sealedData, signature } = folder;
    const statement = { folderUid: uid, ownerUid, revision, keyVersion, sealedData };
    verifyFolder(this.#keyOf(uidOf(folder.writerUid)), statement, signature);
    if (known?.message.revision === revision && !equal(known.message.sealedData, sealedData))
      throw new ProtocolError('untrusted', 'it is another one under the same revision');
    this.#parts.shares.folders.set(uid, { uid, ownerUid, message: folder });
    return { kind: 'folder', key: `folder:${uid}`, bytes: copy(toBinary(SharedFolderSchema, folder)) };
  }

  #admitEntry(message: EntryMessage): StoredShare {
    const known = this.#verifyEntry(message);
    const { folderUid, recordUid } = known.entry;
    const others = this.#parts.shares.entriesOf(recordUid).length;
    const before = this.#parts.shares.entry(folderUid, recordUid);
    if (before === null && others >= limits.foldersPerRecord)
      throw new ProtocolError('too-large', 'the record is in too many folders');
    if (before && before.entry.issuedAtMs > known.entry.issuedAtMs)
      throw new ProtocolError('untrusted', 'it is older than one seen before');
    this.#parts.shares.setEntry(known);
    const bytes = copy(toBinary(FolderEntrySchema, message));
    return { kind: 'entry', key: `entry:${folderUid}:${recordUid}`, bytes };
  }

  #verifyEntry(message: EntryMessage): KnownEntry {
    const entry = verifyFolderEntry(this.#keyOf(parseFolderEntry(message).authorUid), message);
    if (message.sealedKey.length > 0) requireEntryKey(entry, 'full', message.sealedKey);
    requireEntryKey(entry, 'launch', message.sealedLaunchKey);
    return { entry, message };
  }

  #keyOf(accountUid: Uid): Uint8Array {
    const key = this.#parts.signingKeyOf(accountUid);
    if (key === null) throw new ProtocolError('untrusted', 'the signer is in no roster');
    return key;
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
