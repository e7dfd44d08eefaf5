import { toBinary } from '@bufbuild/protobuf';
import { copy, equal } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { FeedKind, type Removal } from '../../../protocol/messages/gen/record_pb.js';
import {
  FolderEntrySchema,
  SharedFolderSchema,
  type FolderEntry as EntryMessage,
  type ObjectGrants,
  type SharedFolder,
} from '../../../protocol/messages/gen/sharing_pb.js';
import {
  parseFolderEntry,
  requireEntryKey,
  verifyFolderEntry,
} from '../../../protocol/sharing/folder-entry.ts';
import { verifyFolder } from '../../../protocol/signed/folder-signature.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import { objectKey, type StoredObject } from '../storage.ts';
import { GrantAdmission } from './grant-admission.ts';
import { peopleFor } from './departed.ts';
import type { KnownEntry, KnownShares } from './known-shares.ts';
import { ShareChecks, type ShareChecksParts } from './share-checks.ts';
import type { SharePage } from './shared-keys.ts';

export interface ShareAdmissionParts extends ShareChecksParts {
  readonly shares: KnownShares;
  readonly ownUid: Uid;
}

/** What was signed and waits for what gives its signer the right. */
const mostWaiting = 1_000;

/**
 * Judges what the server gives about sharing: what its signer in the roster signed is taken over, the rest is dropped.
 * What an older signed word says does not take the place of a newer one, even of one that was gone meanwhile; what this
 * account took back does not come again. A folder or entry that holds is replaced only by one whose signer may: such a
 * one may come a page before what it rests on, so it waits. protocol.md §19.5.
 */
export class ShareAdmission {
  readonly #parts: ShareAdmissionParts;
  readonly #checks: ShareChecks;
  readonly #grants: GrantAdmission;
  #folders = new Map<Uid, SharedFolder>();
  #entries = new Map<string, EntryMessage>();

  constructor(parts: ShareAdmissionParts) {
    this.#parts = parts;
    this.#checks = new ShareChecks(parts);
    this.#grants = new GrantAdmission(parts.shares, this.#checks, parts.ownUid, parts.warn);
  }

  /** Takes over what holds, and gives it as it is to be stored. */
  admit({ grants, folders, entries, removals }: SharePage): StoredObject[] {
    const removed = removals.flatMap((removal) => this.#remove(removal));
    const waiting = { folders: [...this.#folders.values()], entries: [...this.#entries.values()] };
    [this.#folders, this.#entries] = [new Map(), new Map()];
    return [
      ...removed,
      ...grants.flatMap((all) => this.#checks.orNothing('grants', () => this.#grants.admit(all)).flat()),
      ...[...waiting.folders, ...folders].flatMap((folder) =>
        this.#checks.orNothing('a folder', () => this.#admitFolder(folder)).flat(),
      ),
      ...[...waiting.entries, ...entries].flatMap((entry) =>
        this.#checks.orNothing('an entry', () => this.#admitEntry(entry)).flat(),
      ),
    ];
  }

  /** Grants as they were stored before. Gives what of them is to be stored anew. */
  admitStored(all: ObjectGrants): StoredObject[] {
    return this.#checks.orNothing('stored grants', () => this.#grants.admitStored(all)).flat();
  }

  /** Grants that were seen and are gone, as they were stored before: their times count on. */
  admitFormer(all: ObjectGrants): void {
    this.#grants.admitFormer(all);
  }

  clear(): void {
    this.#folders.clear();
    this.#entries.clear();
  }

  #remove({ kind, objectUid, recordUid }: Removal): StoredObject[] {
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
    return kind === FeedKind.GRANTS ? this.#grants.remove(uid) : [];
  }

  #admitFolder(folder: SharedFolder): StoredObject[] {
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
    const writerUid = uidOf(folder.writerUid);
    const isOwn = ownerUid === this.#parts.ownUid;
    verifyFolder(this.#checks[isOwn ? 'formerKeyOf' : 'keyOf'](writerUid), statement, signature);
    if (known && before === revision && !equal(known.message.sealedData, sealedData))
      throw new ProtocolError('untrusted', 'it is another one under the same revision');
    if (known && before !== revision && !this.#mayReplace(known.message, folder)) {
      if (!isOlder && this.#folders.size < mostWaiting) this.#folders.set(uid, folder);
      return [];
    }
    folders.set(uid, { uid, ownerUid, message: folder });
    return [
      { kind: 'folder', key: objectKey('folder', uid), bytes: copy(toBinary(SharedFolderSchema, folder)) },
    ];
  }

  /**
   * Only a folder's owner replaces its key. What is not its writer's to write gives way to what is; and while it has its
   * key, to what was written by who might then.
   */
  #mayReplace(known: SharedFolder, next: SharedFolder): boolean {
    const keepsKey = next.keyVersion === known.keyVersion || equal(next.writerUid, next.ownerUid);
    if (!this.#mayWrite(known)) return next.revision > known.revision || this.#mayWrite(next);
    const mayWrite = this.#mayWrite(next) || this.#mightHaveWritten(next);
    return keepsKey && next.keyVersion >= known.keyVersion && mayWrite;
  }

  #mightHaveWritten({ folderUid, ownerUid, writerUid, keyVersion }: SharedFolder): boolean {
    const { shares, roster, ownUid } = this.#parts;
    const written = { folderUid: uidOf(folderUid), ownerUid: uidOf(ownerUid), keyVersion };
    const people = peopleFor(written, roster(), ownUid);
    return shares.mightHaveWrittenFolder(people, uidOf(writerUid), written);
  }

  #mayWrite({ folderUid, ownerUid, writerUid, keyVersion }: SharedFolder): boolean {
    const [writer, folder, owner] = [uidOf(writerUid), uidOf(folderUid), uidOf(ownerUid)];
    const access = this.#rules().toFolder(writer, folder, owner, this.#parts.now(), keyVersion);
    return access?.rights.manageRecords ?? false;
  }

  #admitEntry(message: EntryMessage): StoredObject[] {
    const { shares, now } = this.#parts;
    const known = this.#verifyEntry(message);
    const { folderUid, recordUid, issuedAtMs } = known.entry;
    const others = shares.entriesOf(recordUid).length;
    const before = shares.entry(folderUid, recordUid);
    this.#checks.requirePast(issuedAtMs);
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
    return [{ kind: 'entry', key: objectKey('entry', folderUid, recordUid), bytes }];
  }

  #verifyEntry(message: EntryMessage): KnownEntry {
    const entry = verifyFolderEntry(this.#checks.keyOf(parseFolderEntry(message).authorUid), message);
    if (message.sealedKey.length > 0) requireEntryKey(entry, 'full', message.sealedKey);
    requireEntryKey(entry, 'launch', message.sealedLaunchKey);
    return { entry, message };
  }

  #rules() {
    return this.#parts.shares.rules(this.#parts.roster());
  }
}

function isSameEntry(one: KnownEntry, other: KnownEntry): boolean {
  return equal(one.message.body, other.message.body) && equal(one.message.signature, other.message.signature);
}

function entryName(folderUid: Uid, recordUid: Uid): string {
  return `${folderUid} ${recordUid}`;
}
