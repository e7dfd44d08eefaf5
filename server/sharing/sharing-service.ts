import { ProtocolError } from '../../protocol/errors.ts';
import {
  ObjectKind,
  type DeleteFolderRequest,
  type LeaveSharesRequest,
  type PutEntriesRequest,
  type PutFolderRequest,
  type PutGrantsRequest,
  type RemoveEntriesRequest,
  type RevokeGrantsRequest,
  type SharingService,
} from '../../protocol/messages/gen/sharing_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import {
  announce,
  FeedKind,
  lockOrganisation,
  merged,
  newsFor,
  publish,
  type Reached,
} from '../records/feed.ts';
import { checkManifest, requireManifest, storeManifest } from '../records/manifests.ts';
import { signingKeyOf } from '../records/signatures.ts';
import type { Head } from '../router/head/head.ts';
import type { Database } from '../store/database.ts';
import { refreshAccess } from './access-refresh.ts';
import { entriesToTake, removeEntries, requireCounting, storeEntries } from './entries.ts';
import type { ExpiryWatch } from './expiry-watch.ts';
import { deleteFolder } from './folder-removal.ts';
import { endFormerGrants, storeFolder } from './folders.ts';
import { leaveGrants, removeGrants, storeGrants, type EndedGrants, type Party } from './grants.ts';
import { requireShareRoom } from './share-room.ts';
import { readFolders, readRecords } from './shared-objects.ts';
import { checkEntry, checkFolder, checkGrant, requireCount } from './sharing-bounds.ts';
import { newsOfEntryPairs, newsOfFolders } from './sharing-news.ts';

export interface SharingParts {
  readonly db: Database;
  readonly head: Head;
  readonly expiry: ExpiryWatch;
}

/** protocol.md §19. Every change is one transaction, alone in its organisation. */
export function sharingHandlers({ db, head, expiry }: SharingParts): Handlers<typeof SharingService> {
  /** Does it, tells who is concerned, and answers with the caller's new position. */
  async function change({ session, now }: SignedInCall, run: (party: Party) => Promise<Reached>) {
    const caller = session.accountUid;
    const key = await signingKeyOf(db, caller);
    const reached = await db.transaction().execute(async (tx) => {
      const organisation = await lockOrganisation(tx, caller, 'to-share');
      return await run({ tx, caller, key, organisation, now });
    });
    publish(head, reached);
    await expiry.look();
    return { cursor: BigInt(reached.get(caller) ?? (await cursorOf(caller))) };
  }

  async function cursorOf(account: Uid): Promise<number> {
    const { cursor } = await db
      .selectFrom('account')
      .select('cursor')
      .where('account_uid', '=', uidBytes(account))
      .executeTakeFirstOrThrow();
    return cursor;
  }

  async function putGrants(input: PutGrantsRequest, call: SignedInCall) {
    requireCount(input.grants.length, 1);
    return await change(call, async (party) => {
      const grants = input.grants.map((grant) => checkGrant(grant, party.caller, party.now));
      await storeGrants(party, grants);
      await requireShareRoom(party, { grants });
      const uidsOf = (kind: 'record' | 'folder') =>
        grants.filter(({ objectKind }) => objectKind === kind).map(({ objectUid }) => objectUid);
      return await refreshAccess(
        party.tx,
        { records: uidsOf('record'), folders: uidsOf('folder') },
        party.now,
      );
    });
  }

  async function revokeGrants(input: RevokeGrantsRequest, call: SignedInCall) {
    requireCount(input.granteeUids.length, 1);
    const grantees = input.granteeUids.map(uidOf);
    const kind = input.objectKind === ObjectKind.FOLDER ? 'folder' : 'record';
    const uid = uidOf(input.objectUid);
    return await change(call, async (party) => {
      const object = (await (kind === 'folder' ? readFolders : readRecords)(party, [uid])).get(uid);
      if (!object) throw new ProtocolError('not-found', 'no such record or folder');
      await removeGrants(party, kind, { uid, ...object }, grantees);
      return await refreshAccess(
        party.tx,
        kind === 'folder' ? { folders: [uid] } : { records: [uid] },
        party.now,
      );
    });
  }

  async function leaveShares({ granterUid }: LeaveSharesRequest, call: SignedInCall) {
    let ended: EndedGrants = { records: [], folders: [], hasMore: false };
    const answer = await change(call, async (party) => {
      ended = await leaveGrants(party, uidOf(granterUid));
      return await refreshAccess(party.tx, ended, party.now);
    });
    return { ...answer, left: ended.records.length + ended.folders.length, hasMore: ended.hasMore };
  }

  async function putFolder(input: PutFolderRequest, call: SignedInCall) {
    checkFolder(input);
    requireCount(Math.max(input.grants.length, input.entries.length), 0);
    const answer = await change(call, (party) => changeFolder(party, input));
    return { ...answer, revision: input.baseRevision + 1n };
  }

  async function removeFolder({ folderUid, manifest }: DeleteFolderRequest, call: SignedInCall) {
    return await change(call, (party) => deleteFolder(party, uidOf(folderUid), manifest));
  }

  async function putEntries(input: PutEntriesRequest, call: SignedInCall) {
    requireCount(input.entries.length, 1);
    return await change(call, async (party) => {
      const entries = input.entries.map((entry) => checkEntry(entry, party.caller, party.now));
      await storeEntries(party, entries);
      await requireShareRoom(party, { entries });
      const records = entries.map(({ recordUid }) => recordUid);
      const reached = await refreshAccess(party.tx, { records }, party.now);
      await requireCounting(party.tx, entries);
      return reached;
    });
  }

  async function takeEntries(input: RemoveEntriesRequest, call: SignedInCall) {
    requireCount(input.recordUids.length, 1);
    const folderUid = uidOf(input.folderUid);
    const records = input.recordUids.map(uidOf);
    return await change(call, async (party) => {
      const folder = (await readFolders(party, [folderUid])).get(folderUid);
      const pairs = await entriesToTake(party, folderUid, folder, records);
      const told = await announce(party.tx, newsOfEntryPairs(pairs));
      await removeEntries(party.tx, folderUid, pairs);
      return merged(told, await refreshAccess(party.tx, { records }, party.now));
    });
  }

  return {
    putGrants: signedIn(putGrants),
    revokeGrants: signedIn(revokeGrants),
    leaveShares: signedIn(leaveShares),
    putFolder: signedIn(putFolder),
    deleteFolder: signedIn(removeFolder),
    putEntries: signedIn(putEntries),
    removeEntries: signedIn(takeEntries),
  };
}

async function changeFolder(party: Party, input: PutFolderRequest): Promise<Reached> {
  const { tx, caller, key, now } = party;
  const grants = input.grants.map((grant) => checkGrant(grant, caller, now));
  const entries = input.entries.map((entry) => checkEntry(entry, caller, now));
  const folder = await storeFolder(party, input);
  requireOfFolder(folder.folderUid, [...grants, ...entries]);
  if (folder.ownerUid !== caller && input.manifest)
    throw new ProtocolError('malformed', 'the folder is not in the manifest of a member');
  if (input.manifest) await checkManifest(key, caller, input.manifest);
  await storeGrants(party, grants);
  await storeEntries(party, entries);
  if (folder.rotated) await endFormerGrants(tx, folder);
  await requireShareRoom(party, { grants, entries });
  const told = await announce(
    tx,
    newsFor([caller], FeedKind.FOLDER, [folder.folderUid]),
    newsOfFolders(FeedKind.FOLDER, [folder.folderUid]),
  );
  if (folder.ownerUid === caller) await storeManifest(tx, caller, requireManifest(input.manifest));
  const records = entries.map(({ recordUid }) => recordUid);
  const folders = grants.length > 0 || folder.rotated ? [folder.folderUid] : [];
  const reached = await refreshAccess(tx, { records, folders }, now);
  await requireCounting(tx, entries);
  return merged(told, reached);
}

function requireOfFolder(
  folderUid: Uid,
  shares: readonly ({ readonly objectUid: Uid; readonly objectKind: string } | { readonly folderUid: Uid })[],
): void {
  const sound = shares.every((share) =>
    'folderUid' in share
      ? share.folderUid === folderUid
      : share.objectKind === 'folder' && share.objectUid === folderUid,
  );
  if (!sound) throw new ProtocolError('malformed', 'a grant or entry of another folder');
}
