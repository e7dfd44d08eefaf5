// New versions of what applications see, and with them the end of what they wrote. protocol.md §31.4.
import { encodeBase64url } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type {
  PutSecretsRequest,
  RemoveSecretsRequest,
  SecretVersion,
} from '../../protocol/messages/gen/secrets_pb.js';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import { rightsBits } from '../sharing/rights-bits.ts';
import { lockAccount } from '../store/account-lock.ts';
import type { Database } from '../store/database.ts';
import { checkNames, checkUids, checkVersion } from './secret-bounds.ts';
import { lockSecrets, raiseRevisions } from './secret-locks.ts';
import { ownApplications, readRecordsNow, requireRoom, type Office } from './secret-rights.ts';
import {
  deleteSecrets,
  dropFormerVersions,
  filesOf,
  requireFiles,
  requirePlaces,
  storeFiles,
  storeKeys,
  storePlaces,
  storeVersions,
} from './secret-rows.ts';
import { requireNoWrites, takeWrites, takenRecords } from './taken-writes.ts';

/**
 * All of it or nothing. Gives whether files went with it. Throws `not-found` and `not-allowed` for what the account may not give, `conflict` when the record or
 * an application's write is another than the vault knows, `limit-reached`, `malformed`, `too-large`.
 */
export async function putSecrets(
  db: Database,
  accountUid: Uid,
  { versions, taken }: PutSecretsRequest,
  now: number,
): Promise<boolean> {
  checkNames(taken);
  checkUids(versions.map(({ recordUid }) => recordUid));
  versions.forEach(checkVersion);
  return await db.transaction().execute(async (tx) => {
    const office = { tx, accountUid, now };
    await lockAccount(tx, accountUid);
    const objects = [
      ...versions.map(({ recordUid }) => recordUid),
      ...taken.map(({ objectUid }) => objectUid),
    ];
    const before = await lockSecrets(tx, accountUid, objects);
    await requireRevisions(office, versions, before);
    await requireHolders(office, versions);
    await requirePlaces(office, versions);
    await requireFiles(office, versions);
    const records = [...new Set(objects.map(uidOf))];
    const formerFiles = await filesOf(office, records);
    const created = await takeWrites(office, taken, takenRecords);
    await storeVersions(office, versions);
    await storePlaces(office, versions);
    await storeKeys(office, versions);
    const refiled = await storeFiles(office, versions);
    const filesGone = await dropFormerVersions(office, records, formerFiles);
    requireTakenOver(created, versions, before);
    const moved = versions.filter((version) => before.get(uidOf(version.recordUid)) !== baseOf(version));
    const changed = [...moved.map(({ recordUid }) => recordUid), ...taken.map(({ objectUid }) => objectUid)];
    await raiseRevisions(tx, accountUid, new Set([...changed.map(uidOf), ...refiled]));
    // Applications that create at once may have more by then: what is there goes on all the same.
    if (records.some((uid) => !before.has(uid))) await requireRoom(office, 'secret');
    return filesGone;
  });
}

/** Atomic. Gives whether files went with it. Throws `conflict` while something of an application waits there, unless that is to go, too. */
export async function removeSecrets(
  db: Database,
  accountUid: Uid,
  { recordUids, dropWrites }: RemoveSecretsRequest,
  now: number,
): Promise<boolean> {
  checkUids(recordUids);
  return await db.transaction().execute(async (tx) => {
    const office = { tx, accountUid, now };
    await lockAccount(tx, accountUid);
    await lockSecrets(tx, accountUid, recordUids);
    if (!dropWrites) await requireNoWrites(office, recordUids);
    const records = recordUids.map(uidOf);
    const files = await filesOf(office, records);
    await deleteSecrets(office, recordUids);
    return await dropFormerVersions(office, records, files);
  });
}

function baseOf({ baseRevision }: SecretVersion): number {
  return Number(baseRevision);
}

/** Of a record that the account may read, a revision that there was, and none older than the one that is there. */
async function requireRevisions(
  office: Office,
  versions: readonly SecretVersion[],
  before: ReadonlyMap<Uid, number>,
): Promise<void> {
  const records = await readRecordsNow(
    office,
    versions.map(({ recordUid }) => uidOf(recordUid)),
  );
  for (const version of versions) {
    const uid = uidOf(version.recordUid);
    const record = records.get(uid);
    if (!record || (record.rights & rightsBits.read) === 0)
      throw new ProtocolError('not-allowed', 'the record may not be read');
    const known = baseOf(version) <= record.revision && version.keyVersion <= record.keyVersion;
    if (!known || baseOf(version) < (before.get(uid) ?? 0))
      throw new ProtocolError('conflict', 'the record has another revision');
  }
}

/** Keys are for own applications, and for the shared folders that hold the record. */
async function requireHolders(office: Office, versions: readonly SecretVersion[]): Promise<void> {
  const holders = versions.flatMap(({ keys }) => keys.map(({ holderUid }) => uidOf(holderUid)));
  const applications = await ownApplications(office, holders);
  for (const { keys, places } of versions) {
    const folders = new Set(places.map(({ folderUid }) => encodeBase64url(folderUid)));
    for (const { holderUid } of keys)
      if (!applications.has(uidOf(holderUid)) && !folders.has(encodeBase64url(holderUid)))
        throw new ProtocolError('not-found', 'no such application, and no folder of the record');
  }
}

/** What an application created is a record of the vault's from now on, or it still waits. */
function requireTakenOver(
  created: readonly Uid[],
  versions: readonly SecretVersion[],
  before: ReadonlyMap<Uid, number>,
): void {
  const made = new Set(versions.map(({ recordUid }) => uidOf(recordUid)));
  if (created.some((uid) => !made.has(uid) && (before.get(uid) ?? 0) === 0))
    throw new ProtocolError('malformed', 'a new record is taken over with a version of it');
}
