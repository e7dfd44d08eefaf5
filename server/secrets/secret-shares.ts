// Which application has which record or shared folder. protocol.md §31.4.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type {
  PutSecretSharesRequest,
  RemoveSecretSharesRequest,
  SecretShare,
} from '../../protocol/messages/gen/secrets_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import { rightsBits } from '../sharing/rights-bits.ts';
import { lockAccount } from '../store/account-lock.ts';
import type { Database } from '../store/database.ts';
import { checkShare, checkUids } from './secret-bounds.ts';
import { addEvents, type NewEvent } from './secret-events.ts';
import { lockSecrets } from './secret-locks.ts';
import { ownApplications, readFoldersNow, readRecordsNow, type Office } from './secret-rights.ts';

/** Who asks, and from where. */
export interface Asker {
  readonly accountUid: Uid;
  readonly address: string;
  readonly now: number;
}

/** Atomic. Throws `not-found`, `not-allowed` for what the account may not share or not do itself, `limit-reached`, `malformed`. */
export async function putSecretShares(
  db: Database,
  { accountUid, address, now }: Asker,
  { shares }: PutSecretSharesRequest,
): Promise<void> {
  if (shares.length > limits.changesPerRequest) throw new ProtocolError('too-large', 'too many shares');
  shares.forEach(checkShare);
  const named = shares.map(({ applicationUid, objectUid }) => `${uidOf(applicationUid)} ${uidOf(objectUid)}`);
  if (new Set(named).size !== named.length) throw new ProtocolError('malformed', 'a share is named twice');
  await db.transaction().execute(async (tx) => {
    const office = { tx, accountUid, now };
    await lockAccount(tx, accountUid);
    await requireShareable(office, shares);
    const events = await storeShares(office, shares);
    await requireShareRoom(office, shares);
    await addEvents(
      tx,
      events.map((event) => ({ ...event, accountUid, address, at: now })),
    );
  });
}

/** Atomic; what is not there is passed over. The keys of records that were sealed to the application go with its shares. */
export async function removeSecretShares(
  db: Database,
  { accountUid, address, now }: Asker,
  { applicationUid, objectUids }: RemoveSecretSharesRequest,
): Promise<void> {
  checkUids(objectUids);
  const application = uidOf(applicationUid);
  await db.transaction().execute(async (tx) => {
    const office = { tx, accountUid, now };
    await lockAccount(tx, accountUid);
    await lockSecrets(tx, accountUid, objectUids);
    await requireApplications(office, [application]);
    const { rows } = await sql<{ object_uid: Uint8Array; is_folder: boolean }>`
      DELETE FROM secret_share WHERE application_uid = ${applicationUid} AND object_uid = ANY(${uidArray(objectUids)})
      RETURNING object_uid, is_folder`.execute(tx);
    await sql`DELETE FROM secret_key WHERE account_uid = ${uidBytes(accountUid)}
      AND holder_uid = ${applicationUid} AND record_uid = ANY(${uidArray(objectUids)})`.execute(tx);
    await addEvents(
      tx,
      rows.map(({ object_uid, is_folder }) => ({
        ...{ accountUid, applicationUid: application, address, at: now, objectUid: object_uid },
        name: is_folder ? 'app_folder_removed' : 'app_record_removed',
      })),
    );
  });
}

/** Of a record: own, or shared on; and an application may do nothing there that the account may not. */
async function requireShareable(office: Office, shares: readonly SecretShare[]): Promise<void> {
  await requireApplications(
    office,
    shares.map(({ applicationUid }) => uidOf(applicationUid)),
  );
  const uidsOf = (folders: boolean) =>
    shares.filter(({ isFolder }) => isFolder === folders).map(({ objectUid }) => uidOf(objectUid));
  await readFoldersNow(office, uidsOf(true));
  const records = await readRecordsNow(office, uidsOf(false));
  for (const { objectUid, isFolder, editable } of shares) {
    if (isFolder) continue;
    const demanded = rightsBits.read | rightsBits.share | (editable ? rightsBits.edit : 0);
    const held = records.get(uidOf(objectUid))?.rights ?? 0;
    if ((held & demanded) !== demanded)
      throw new ProtocolError('not-allowed', 'the record is not yours to give so');
  }
}

async function requireApplications(office: Office, applications: readonly Uid[]): Promise<void> {
  const own = await ownApplications(office, applications);
  if (!applications.every((uid) => own.has(uid))) throw new ProtocolError('not-found', 'no such application');
}

/** Gives what people will read of it: a key that was only sealed anew is no news. */
async function storeShares(
  { tx }: Office,
  shares: readonly SecretShare[],
): Promise<Pick<NewEvent, 'applicationUid' | 'objectUid' | 'name'>[]> {
  const column = (read: (share: SecretShare) => Uint8Array) =>
    sql`${shares.map((share) => Buffer.from(read(share)))}::bytea[]`;
  const { rows } = await sql<ShareRow>`
    WITH given AS MATERIALIZED (
      SELECT * FROM unnest(${column(({ applicationUid }) => applicationUid)}, ${column(({ objectUid }) => objectUid)},
        ${shares.map(({ isFolder }) => isFolder)}::boolean[], ${shares.map(({ editable }) => editable)}::boolean[],
        ${column(({ wrappedKey }) => wrappedKey)})
        AS s(application_uid, object_uid, is_folder, editable, wrapped_key)
    ), stored AS (
      INSERT INTO secret_share (application_uid, object_uid, is_folder, editable, wrapped_key)
      SELECT * FROM given
      ON CONFLICT (application_uid, object_uid) DO UPDATE SET is_folder = excluded.is_folder,
        editable = excluded.editable, wrapped_key = excluded.wrapped_key
    )
    SELECT given.application_uid, given.object_uid, given.is_folder, before.application_uid IS NULL AS is_new
    FROM given LEFT JOIN secret_share before USING (application_uid, object_uid)
    WHERE before.editable IS DISTINCT FROM given.editable`.execute(tx);
  return rows.map((row) => ({
    applicationUid: uidOf(row.application_uid),
    objectUid: row.object_uid,
    name: `app_${row.is_folder ? 'folder' : 'record'}_${row.is_new ? 'shared' : 'share_changed'}`,
  }));
}

interface ShareRow {
  readonly application_uid: Uint8Array;
  readonly object_uid: Uint8Array;
  readonly is_folder: boolean;
  readonly is_new: boolean;
}

/** Under the account's lock. */
async function requireShareRoom({ tx }: Office, shares: readonly SecretShare[]): Promise<void> {
  const applications = uidArray(new Set(shares.map(({ applicationUid }) => uidOf(applicationUid))));
  const { rows } = await sql`
    SELECT 1 FROM secret_share WHERE application_uid = ANY(${applications})
    GROUP BY application_uid HAVING count(*) > ${limits.secrets.shares} LIMIT 1`.execute(tx);
  if (rows.length > 0) throw new ProtocolError('limit-reached', 'the application has too much already');
}
