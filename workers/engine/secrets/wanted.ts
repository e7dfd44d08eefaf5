// What applications are to have, worked out from their sealed records and from what this account may give.
import { wipe, type Bytes } from '../../../protocol/bytes.ts';
import { secretFolderKeyOf } from '../../../protocol/secrets-manager/secret-seal.ts';
import type { Access } from '../../../protocol/sharing/access.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { RecordBook } from '../records/record-book.ts';
import { isOrdinary } from '../records/record-entry.ts';
import type { KnownFolder } from '../sharing/known-shares.ts';
import type { RosterSource } from '../sharing/roster-source.ts';
import type { ShareBook } from '../sharing/share-book.ts';
import type { SharedFolderEntry } from '../sharing/shared-keys.ts';
import type { Application } from './application-book.ts';
import type { SealedShare } from './application-content.ts';

/** A shared folder, or a subfolder of one. */
export interface WantedFolder {
  readonly uid: Uid;
  readonly rootUid: Uid;
  /** Null for a shared folder and right below one. */
  readonly parentUid: Uid | null;
  readonly name: string;
  /** Its secrets key, 32 bytes. */
  readonly key: Bytes;
  /** Of the shared folder. */
  readonly revision: bigint;
  readonly keyVersion: number;
}

export interface WantedRecord {
  readonly uid: Uid;
  /** Applications and shared folders under whose keys its versions' keys are. */
  readonly holders: ReadonlySet<Uid>;
  /** Subfolder, or null, by shared folder. */
  readonly places: ReadonlyMap<Uid, Uid | null>;
}

export interface WantedShare extends SealedShare {
  readonly applicationUid: Uid;
}

export interface Wanted {
  /** Each after the one that it is in. */
  readonly folders: ReadonlyMap<Uid, WantedFolder>;
  readonly records: ReadonlyMap<Uid, WantedRecord>;
  readonly shares: readonly WantedShare[];
}

export interface WantedParts {
  readonly accountUid: Uid;
  readonly book: RecordBook;
  readonly shares: ShareBook;
  readonly rosters: RosterSource;
  readonly now: () => number;
}

/** Deeper than anybody nests folders. */
const deepest = 64;

/** The keys in it are the caller's to wipe, by {@link wipeWanted}. */
export async function wantedOf(parts: WantedParts, applications: readonly Application[]): Promise<Wanted> {
  const asked = applications.flatMap((application) =>
    application.shares.map((share) => ({ ...share, applicationUid: application.uid })),
  );
  const shares = asked.flatMap((share) => givable(parts, share));
  const folders = new Map<Uid, WantedFolder>();
  const records = new Map<Uid, { holders: Set<Uid>; places: Map<Uid, Uid | null> }>();
  const put = (uid: Uid, holder: Uid) => {
    const known = records.get(uid) ?? { holders: new Set<Uid>(), places: new Map<Uid, Uid | null>() };
    records.set(uid, known);
    known.holders.add(holder);
    return known;
  };
  const open = new Set<Uid>();
  for (const uid of new Set(shares.filter(({ kind }) => kind === 'folder').map((share) => share.uid))) {
    const entry = await openFolder(parts, uid, folders);
    if (entry === null) continue;
    open.add(uid);
    for (const [recordUid, subfolderUid] of entry.places) {
      if (!mayRead(parts, recordUid) || !isPlaced(parts, uid, recordUid)) continue;
      const place = subfolderUid !== null && folders.has(subfolderUid) ? subfolderUid : null;
      put(recordUid, uid).places.set(uid, place);
    }
  }
  for (const { uid, applicationUid } of shares.filter(({ kind }) => kind === 'record'))
    put(uid, applicationUid);
  return {
    folders,
    records: new Map([...records].map(([uid, one]) => [uid, { uid, ...one }])),
    shares: shares.filter(({ kind, uid }) => kind === 'record' || open.has(uid)),
  };
}

export function wipeWanted({ folders }: Wanted): void {
  for (const { key } of folders.values()) wipe(key);
}

/** Whether the account may give it so: what it may only read, its applications may only read. None when it may not at all. */
export function givable<S extends SealedShare>(parts: WantedParts, share: S): S[] {
  const rights =
    share.kind === 'record' ? recordAccess(parts, share.uid)?.rights : folderAccess(parts, share.uid)?.rights;
  if (!rights || rights.launchOnly) return [];
  if (share.kind === 'folder') return rights.manageRecords ? [share] : [];
  return rights.share && mayRead(parts, share.uid)
    ? [{ ...share, editable: share.editable && rights.edit }]
    : [];
}

/** What this account may do with a record that is in nobody's trash; null when nothing, and for what no application reads. */
export function recordAccess({ book, shares }: WantedParts, uid: Uid): Access | null {
  const entry = book.entry(uid);
  if (entry === null || entry.launchOnly || !isOrdinary(entry.type)) return null;
  return shares.accessTo(uid, entry.ownerUid);
}

function mayRead(parts: WantedParts, uid: Uid): boolean {
  const access = recordAccess(parts, uid);
  return access !== null && !access.rights.launchOnly;
}

/** Whether who put it there might. */
function isPlaced({ shares, rosters, now }: WantedParts, folderUid: Uid, recordUid: Uid): boolean {
  const known = shares.shares.entry(folderUid, recordUid);
  return known !== null && shares.shares.rules(rosters.roster).ofEntry(known.entry, now()) !== null;
}

export function folderAccess({ shares }: WantedParts, uid: Uid): Access | null {
  const known = shares.shares.folders.get(uid);
  return known ? shares.accessToFolder(uid, known.ownerUid) : null;
}

/** Puts it and its subfolders to the others; null when it does not open. */
async function openFolder(
  { accountUid, shares }: WantedParts,
  uid: Uid,
  folders: Map<Uid, WantedFolder>,
): Promise<SharedFolderEntry | null> {
  const known = shares.shares.folders.get(uid);
  const entry = known ? await shares.folder(known) : null;
  const rootKey = known && entry ? await shares.keyring.ofFolder('full', uid, known.ownerUid) : null;
  if (!known || entry === null || rootKey === null) return null;
  const wanted = (of: Uid, name: string, parentUid: Uid | null): WantedFolder => ({
    ...{ uid: of, rootUid: uid, parentUid, name },
    key: secretFolderKeyOf(rootKey, accountUid, of),
    ...revisionOf(known),
  });
  folders.set(uid, wanted(uid, entry.name, null));
  for (const { uid: subfolderUid, name, parentUid } of inOrder(entry.subfolders))
    if (!folders.has(subfolderUid)) folders.set(subfolderUid, wanted(subfolderUid, name, parentUid));
  wipe(rootKey);
  return entry;
}

function revisionOf({ message }: KnownFolder) {
  return { revision: message.revision, keyVersion: message.keyVersion || 1 };
}

type Subfolder = SharedFolderEntry['subfolders'][number];

/** Each after its parent. What hangs on nothing, or on itself, hangs on the shared folder. */
function inOrder(subfolders: readonly Subfolder[]): readonly Subfolder[] {
  const byUid = new Map(subfolders.map((one) => [one.uid, one]));
  const depthOf = ({ parentUid }: Subfolder): number => {
    let depth = 0;
    for (let at = parentUid; at !== null && depth <= deepest; at = byUid.get(at)?.parentUid ?? null) depth++;
    return depth;
  };
  return subfolders
    .map((one) => ({ one, depth: depthOf(one) }))
    .map(({ one, depth }) => {
      const isLoose = depth > deepest || (one.parentUid !== null && !byUid.has(one.parentUid));
      return isLoose ? { one: { ...one, parentUid: null }, depth: 0 } : { one, depth };
    })
    .toSorted((a, b) => a.depth - b.depth)
    .map(({ one }) => one);
}
