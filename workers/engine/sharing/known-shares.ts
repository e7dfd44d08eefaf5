import type {
  FolderEntry as EntryMessage,
  Grant as GrantMessage,
  SharedFolder,
} from '../../../protocol/messages/gen/sharing_pb.js';
import { empty } from '../../../protocol/bytes.ts';
import { AccessRules } from '../../../protocol/sharing/access.ts';
import type { FolderEntry } from '../../../protocol/sharing/folder-entry.ts';
import type { Grant, SharedKind } from '../../../protocol/sharing/grant.ts';
import type { Roster } from '../../../protocol/signed/roster.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { beforeEveryEnd, type People } from './departed.ts';
import { Revocations, type Revocation } from './revocations.ts';
import type { WrittenFolder } from './shared-keys.ts';

export interface KnownGrant {
  readonly grant: Grant;
  readonly message: GrantMessage;
}

export interface KnownEntry {
  readonly entry: FolderEntry;
  readonly message: EntryMessage;
}

export interface KnownFolder {
  readonly uid: Uid;
  readonly ownerUid: Uid;
  readonly message: SharedFolder;
}

/** Everything signed about sharing that this account was shown, and what it comes to. It holds no key. */
export class KnownShares {
  readonly folders = new Map<Uid, KnownFolder>();
  readonly revocations = new Revocations();
  readonly #grants = new Map<string, readonly KnownGrant[]>();
  /** The last word of each granter to each grantee that the server does not show any more, without its key. */
  readonly #former = new Map<string, readonly KnownGrant[]>();
  readonly #byRecord = new Map<Uid, Map<Uid, KnownEntry>>();
  readonly #byFolder = new Map<Uid, Map<Uid, KnownEntry>>();
  #rules: { readonly rules: AccessRules; readonly roster: Roster } | null = null;

  grantsOf(kind: SharedKind, uid: Uid): readonly KnownGrant[] {
    return this.#grants.get(nameOf(kind, uid)) ?? [];
  }

  /** Replaces what was known of the object's grants. */
  setGrants(kind: SharedKind, uid: Uid, grants: readonly KnownGrant[]): void {
    if (grants.length === 0) this.#grants.delete(nameOf(kind, uid));
    else this.#grants.set(nameOf(kind, uid), grants);
    this.#rules = null;
  }

  /** What was shown before and is not now: an older word than that does not come back. */
  formerGrantsOf(kind: SharedKind, uid: Uid): readonly KnownGrant[] {
    return this.#former.get(nameOf(kind, uid)) ?? [];
  }

  setFormerGrants(kind: SharedKind, uid: Uid, former: readonly KnownGrant[]): void {
    if (former.length === 0) this.#former.delete(nameOf(kind, uid));
    else this.#former.set(nameOf(kind, uid), former);
  }

  /** Takes that back, of what is known and of what is still to come. */
  revoke(revocations: readonly Revocation[]): void {
    if (!this.revocations.add(revocations)) return;
    for (const [name, grants] of this.#grants) {
      const left = grants.filter(({ grant }) => !this.revocations.isRevoked(grant));
      const gone = grants.filter((known) => !left.includes(known)).map(withoutKey);
      if (gone.length > 0) this.#former.set(name, [...(this.#former.get(name) ?? []), ...gone]);
      if (left.length === 0) this.#grants.delete(name);
      else if (left.length < grants.length) this.#grants.set(name, left);
    }
    for (const { kind, objectUid, outUid } of revocations) {
      const known = kind === 'entry' ? this.entry(objectUid, outUid) : null;
      if (known && this.revocations.isTaken(known.entry)) this.removeEntry(objectUid, outUid);
    }
    this.#rules = null;
  }

  entry(folderUid: Uid, recordUid: Uid): KnownEntry | null {
    return this.#byFolder.get(folderUid)?.get(recordUid) ?? null;
  }

  /** In which folders the record is. */
  entriesOf(recordUid: Uid): readonly KnownEntry[] {
    return [...(this.#byRecord.get(recordUid)?.values() ?? [])];
  }

  entriesIn(folderUid: Uid): readonly KnownEntry[] {
    return [...(this.#byFolder.get(folderUid)?.values() ?? [])];
  }

  setEntry(known: KnownEntry): void {
    const { folderUid, recordUid } = known.entry;
    put(this.#byRecord, recordUid, folderUid, known);
    put(this.#byFolder, folderUid, recordUid, known);
    this.#rules = null;
  }

  removeEntry(folderUid: Uid, recordUid: Uid): void {
    this.#byRecord.get(recordUid)?.delete(folderUid);
    this.#byFolder.get(folderUid)?.delete(recordUid);
    this.#rules = null;
  }

  /** What all of it comes to, by the people of that roster. */
  rules(roster: Roster): AccessRules {
    if (this.#rules?.roster === roster) return this.#rules.rules;
    const members = new Set(roster.members.map(({ accountUid }) => accountUid));
    const grants = [...this.#grants.values()].flat().map(({ grant }) => grant);
    const entries = [...this.#byRecord.values()].flatMap((all) =>
      [...all.values()].map(({ entry }) => entry),
    );
    const rules = new AccessRules(roster, {
      grants: grants.filter(({ granterUid }) => members.has(granterUid)),
      entries: entries.filter(({ authorUid }) => members.has(authorUid)),
    });
    this.#rules = { rules, roster };
    return rules;
  }

  /** What everything about a record comes to, and its folders, with the grants that are gone since. */
  rulesWithFormer(people: People, recordUid: Uid): AccessRules {
    const entries = this.entriesOf(recordUid).map(({ entry }) => entry);
    const grants = [
      ...this.#everyGrantOn('record', recordUid),
      ...entries.flatMap(({ folderUid }) => this.#everyGrantOn('folder', folderUid)),
    ];
    const members = new Set(people.members.map(({ accountUid }) => accountUid));
    const among = {
      grants: grants.filter(({ granterUid }) => members.has(granterUid)),
      entries: entries.filter(({ authorUid }) => members.has(authorUid)),
    };
    return new AccessRules(people, among, people.formerTeamMembers);
  }

  /** Whether that writer could write that folder while it had that key, by grants that were seen and ended since. */
  mightHaveWrittenFolder(people: People, writerUid: Uid, written: WrittenFolder): boolean {
    const { folderUid, ownerUid, keyVersion } = written;
    const members = new Set(people.members.map(({ accountUid }) => accountUid));
    const grants = this.#everyGrantOn('folder', folderUid).filter(({ granterUid }) =>
      members.has(granterUid),
    );
    const rules = new AccessRules(people, { grants, entries: [] }, people.formerTeamMembers);
    const access = rules.toFolder(writerUid, folderUid, ownerUid, beforeEveryEnd, keyVersion);
    return access?.rights.manageRecords ?? false;
  }

  #everyGrantOn(kind: SharedKind, uid: Uid): Grant[] {
    return [...this.formerGrantsOf(kind, uid), ...this.grantsOf(kind, uid)].map(({ grant }) => grant);
  }

  /** Everything known, for a look over all of it. */
  allGrants(): IterableIterator<readonly KnownGrant[]> {
    return this.#grants.values();
  }

  allFormerGrants(): IterableIterator<readonly KnownGrant[]> {
    return this.#former.values();
  }

  *allEntries(): Iterable<KnownEntry> {
    for (const all of this.#byRecord.values()) yield* all.values();
  }

  clear(): void {
    this.folders.clear();
    this.#grants.clear();
    this.#former.clear();
    this.revocations.clear();
    this.#byRecord.clear();
    this.#byFolder.clear();
    this.#rules = null;
  }
}

function nameOf(kind: SharedKind, uid: Uid): string {
  return `${kind} ${uid}`;
}

function put<T>(map: Map<Uid, Map<Uid, T>>, outer: Uid, inner: Uid, value: T): void {
  const known = map.get(outer);
  if (known) known.set(inner, value);
  else map.set(outer, new Map([[inner, value]]));
}

/** What is remembered of a grant that is gone. */
export function withoutKey({ grant, message }: KnownGrant): KnownGrant {
  return message.sealedKey.length === 0
    ? { grant, message }
    : { grant, message: { ...message, sealedKey: empty } };
}
