// The rows of versions: one statement for all of a request.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import { SecretLinkSchema, type SecretVersion } from '../../protocol/messages/gen/secrets_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import type { Office } from './secret-rights.ts';

/** A subfolder belongs to its shared folder, which belongs to the account's side; and the record is in that folder. */
export async function requirePlaces(
  { tx, accountUid }: Office,
  versions: readonly SecretVersion[],
): Promise<void> {
  const account = uidBytes(accountUid);
  const { rows } = await sql`
    SELECT 1 FROM ${placesOf(versions)}
    WHERE NOT EXISTS (SELECT FROM folder_entry entry
        WHERE entry.folder_uid = p.root_uid AND entry.record_uid = p.record_uid AND cap IS NOT NULL)
      OR NOT EXISTS (SELECT FROM secret_folder root
        WHERE root.account_uid = ${account} AND root.folder_uid = p.root_uid AND root.root_uid = p.root_uid)
      OR (p.subfolder_uid IS NOT NULL AND NOT EXISTS (SELECT FROM secret_folder sub
        WHERE sub.account_uid = ${account} AND sub.folder_uid = p.subfolder_uid AND sub.root_uid = p.root_uid
          AND sub.folder_uid <> sub.root_uid))
    LIMIT 1`.execute(tx);
  if (rows.length > 0) throw new ProtocolError('not-found', 'the record is in no such folder');
}

/** Files that arrived, of the very records. */
export async function requireFiles(
  { tx, accountUid }: Office,
  versions: readonly SecretVersion[],
): Promise<void> {
  const { rows } = await sql`
    SELECT 1 FROM ${filesIn(versions)} LEFT JOIN secret_file file
      ON file.account_uid = ${uidBytes(accountUid)} AND file.file_uid = f.file_uid
      AND file.record_uid = f.record_uid AND NOT file.added AND finished
    WHERE file.file_uid IS NULL LIMIT 1`.execute(tx);
  if (rows.length > 0) throw new ProtocolError('not-found', 'no such file of the record');
}

/**
 * A record that was removed and comes back continues after what its clients may know: its revisions begin with the time.
 * A version of the same revision takes the place of the former one.
 */
export async function storeVersions(
  { tx, accountUid, now }: Office,
  versions: readonly SecretVersion[],
): Promise<void> {
  if (versions.length === 0) return;
  const account = uidBytes(accountUid);
  await sql`
    INSERT INTO secret (account_uid, record_uid, revision, base_revision)
    SELECT ${account}, record_uid, ${now}, base_revision FROM ${basesIn(versions)}
    ON CONFLICT (account_uid, record_uid) DO UPDATE SET base_revision = excluded.base_revision`.execute(tx);
  await sql`
    INSERT INTO secret_version (account_uid, record_uid, base_revision, key_version, data, links)
    SELECT ${account}, record_uid, base_revision, key_version, data, ARRAY(
      SELECT link FROM ${linksIn(versions)} WHERE l.record_uid = v.record_uid ORDER BY place)
    FROM ${versionsIn(versions)}
    ON CONFLICT (account_uid, record_uid, base_revision) DO UPDATE SET key_version = excluded.key_version,
      data = excluded.data, links = excluded.links`.execute(tx);
}

/** Who is no holder any more loses the keys of versions that still wait, too. */
export async function storeKeys(
  { tx, accountUid }: Office,
  versions: readonly SecretVersion[],
): Promise<void> {
  const account = uidBytes(accountUid);
  const keys = versions.flatMap(({ recordUid, baseRevision, keys }) =>
    keys.map(({ holderUid, wrappedKey }) => ({ recordUid, baseRevision, holderUid, wrappedKey })),
  );
  const given = sql`unnest(
    ${bytesOf(keys, ({ recordUid }) => recordUid)}, ${keys.map(({ baseRevision }) => baseRevision)}::bigint[],
    ${bytesOf(keys, ({ holderUid }) => holderUid)}, ${bytesOf(keys, ({ wrappedKey }) => wrappedKey)})
    AS k(record_uid, base_revision, holder_uid, wrapped_key)`;
  await sql`
    DELETE FROM secret_key held WHERE account_uid = ${account} AND record_uid = ANY(${recordsOf(versions)})
      AND NOT EXISTS (SELECT FROM ${given}
        WHERE k.record_uid = held.record_uid AND k.holder_uid = held.holder_uid)`.execute(tx);
  await sql`
    INSERT INTO secret_key (account_uid, record_uid, base_revision, holder_uid, wrapped_key)
    SELECT ${account}, * FROM ${given}
    ON CONFLICT (account_uid, record_uid, base_revision, holder_uid)
      DO UPDATE SET wrapped_key = excluded.wrapped_key`.execute(tx);
}

export async function storePlaces(
  { tx, accountUid }: Office,
  versions: readonly SecretVersion[],
): Promise<void> {
  const account = uidBytes(accountUid);
  await sql`
    DELETE FROM secret_place held WHERE account_uid = ${account} AND record_uid = ANY(${recordsOf(versions)})
      AND NOT EXISTS (SELECT FROM ${placesOf(versions)}
        WHERE p.record_uid = held.record_uid AND p.root_uid = held.root_uid)`.execute(tx);
  await sql`
    INSERT INTO secret_place (account_uid, record_uid, root_uid, subfolder_uid)
    SELECT ${account}, * FROM ${placesOf(versions)}
    ON CONFLICT (account_uid, record_uid, root_uid) DO UPDATE SET subfolder_uid = excluded.subfolder_uid
      WHERE secret_place.subfolder_uid IS DISTINCT FROM excluded.subfolder_uid`.execute(tx);
}

/** What an application added stays beside them. Gives the records whose files are others than before. */
export async function storeFiles(
  { tx, accountUid }: Office,
  versions: readonly SecretVersion[],
): Promise<readonly Uid[]> {
  const account = uidBytes(accountUid);
  const given = filesIn(versions);
  const { rows } = await sql<{ record_uid: Uint8Array }>`
    WITH gone AS (
      DELETE FROM secret_file_key held USING ${basesIn(versions)}
      WHERE held.account_uid = ${account} AND held.record_uid = v.record_uid
        AND held.base_revision = v.base_revision AND NOT held.added
        AND NOT EXISTS (SELECT FROM ${given} WHERE f.record_uid = held.record_uid AND f.file_uid = held.file_uid)
      RETURNING held.record_uid
    ), come AS (
      INSERT INTO secret_file_key AS held (account_uid, record_uid, base_revision, file_uid, wrapped_key)
      SELECT ${account}, record_uid, base_revision, file_uid, wrapped_key FROM ${given}
      ON CONFLICT (account_uid, record_uid, base_revision, file_uid)
        DO UPDATE SET wrapped_key = excluded.wrapped_key, added = false
      RETURNING held.record_uid, (xmax = 0) AS is_new
    )
    SELECT record_uid FROM gone UNION SELECT record_uid FROM come WHERE is_new`.execute(tx);
  return rows.map(({ record_uid }) => uidOf(record_uid));
}

export interface NamedFile {
  readonly file_uid: Uint8Array;
  /** By an application: the vault's own of the same UID is another. */
  readonly added: boolean;
}

/** Files that any version of these records names. */
export async function filesOf(
  { tx, accountUid }: Office,
  recordUids: readonly Uid[],
): Promise<readonly NamedFile[]> {
  const { rows } = await sql<NamedFile>`
    SELECT DISTINCT file_uid, added FROM secret_file_key
    WHERE account_uid = ${uidBytes(accountUid)} AND record_uid = ANY(${uidArray(recordUids)})`.execute(tx);
  return rows;
}

/**
 * A former version stays while something that was made from it waits. Files that no version names any more go with theirs.
 * Gives whether any did.
 */
export async function dropFormerVersions(
  { tx, accountUid }: Office,
  recordUids: readonly Uid[],
  formerFiles: readonly NamedFile[],
): Promise<boolean> {
  const account = uidBytes(accountUid);
  await sql`
    DELETE FROM secret_version version USING secret
    WHERE secret.account_uid = ${account} AND secret.record_uid = ANY(${uidArray(recordUids)})
      AND version.account_uid = ${account} AND version.record_uid = secret.record_uid
      AND version.base_revision <> secret.base_revision
      AND NOT EXISTS (SELECT FROM secret_write waiting WHERE waiting.account_uid = ${account}
        AND waiting.object_uid = version.record_uid AND waiting.base_revision = version.base_revision)`.execute(
    tx,
  );
  return await dropFiles({ tx, accountUid }, formerFiles);
}

/** Those of them that no version names any more. */
async function dropFiles(
  { tx, accountUid }: Pick<Office, 'tx' | 'accountUid'>,
  former: readonly NamedFile[],
): Promise<boolean> {
  if (former.length === 0) return false;
  const account = uidBytes(accountUid);
  const { numAffectedRows } = await sql`
    DELETE FROM secret_file file USING unnest(${uidArray(former.map(({ file_uid }) => file_uid))},
      ${former.map(({ added }) => added)}::boolean[]) AS former(file_uid, added)
    WHERE account_uid = ${account} AND file.file_uid = former.file_uid AND file.added = former.added
      AND NOT EXISTS (SELECT FROM secret_file_key named WHERE named.account_uid = ${account}
        AND named.file_uid = file.file_uid AND named.added = file.added)`.execute(tx);
  return (numAffectedRows ?? 0n) > 0n;
}

/** With everything that applications wrote there. Their shares stay: whether there is something behind them is no matter of theirs. */
export async function deleteSecrets(
  { tx, accountUid }: Office,
  recordUids: readonly Uint8Array[],
): Promise<void> {
  const account = uidBytes(accountUid);
  const uids = uidArray(recordUids);
  await sql`DELETE FROM secret_write WHERE account_uid = ${account} AND object_uid = ANY(${uids})`.execute(
    tx,
  );
  await sql`DELETE FROM secret WHERE account_uid = ${account} AND record_uid = ANY(${uids})`.execute(tx);
}

function recordsOf(versions: readonly SecretVersion[]) {
  return uidArray(versions.map(({ recordUid }) => recordUid));
}

function basesIn(versions: readonly SecretVersion[]) {
  return sql`unnest(${recordsOf(versions)}, ${versions.map(({ baseRevision }) => baseRevision)}::bigint[])
    AS v(record_uid, base_revision)`;
}

function versionsIn(versions: readonly SecretVersion[]) {
  return sql`unnest(
    ${recordsOf(versions)}, ${versions.map(({ baseRevision }) => baseRevision)}::bigint[],
    ${versions.map(({ keyVersion }) => keyVersion)}::integer[], ${bytesOf(versions, ({ data }) => data)})
    AS v(record_uid, base_revision, key_version, data)`;
}

function placesOf(versions: readonly SecretVersion[]) {
  const places = versions.flatMap(({ recordUid, places }) =>
    places.map(({ folderUid, subfolderUid }) => ({ recordUid, folderUid, subfolderUid })),
  );
  const subfolders = places.map(({ subfolderUid }) =>
    subfolderUid.length > 0 ? Buffer.from(subfolderUid) : null,
  );
  return sql`unnest(${bytesOf(places, ({ recordUid }) => recordUid)},
    ${bytesOf(places, ({ folderUid }) => folderUid)}, ${subfolders}::bytea[])
    AS p(record_uid, root_uid, subfolder_uid)`;
}

function filesIn(versions: readonly SecretVersion[]) {
  const files = versions.flatMap(({ recordUid, baseRevision, files }) =>
    files.map(({ fileUid, wrappedKey }) => ({ recordUid, baseRevision, fileUid, wrappedKey })),
  );
  return sql`unnest(
    ${bytesOf(files, ({ recordUid }) => recordUid)}, ${files.map(({ baseRevision }) => baseRevision)}::bigint[],
    ${bytesOf(files, ({ fileUid }) => fileUid)}, ${bytesOf(files, ({ wrappedKey }) => wrappedKey)})
    AS f(record_uid, base_revision, file_uid, wrapped_key)`;
}

function linksIn(versions: readonly SecretVersion[]) {
  const links = versions.flatMap(({ recordUid, links }) =>
    links.map((link, place) => ({ recordUid, place, link: encodeMessage(SecretLinkSchema, link) })),
  );
  return sql`unnest(${bytesOf(links, ({ recordUid }) => recordUid)},
    ${links.map(({ place }) => place)}::integer[], ${bytesOf(links, ({ link }) => link)})
    AS l(record_uid, place, link)`;
}

function bytesOf<T>(things: readonly T[], read: (thing: T) => Uint8Array) {
  return sql`${things.map((thing) => Buffer.from(read(thing)))}::bytea[]`;
}
