// One page of an account's feed: what each thing is now, as that account may see it. protocol.md §9.10.
import { sql } from 'kysely';
import { empty } from '../../protocol/bytes.ts';
import { limits } from '../../protocol/limits.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { Database, Tx } from '../store/database.ts';
import {
  readCards,
  readEntries,
  readFolders,
  readGrants,
  readRecords,
  takeOverOf,
  type Viewer,
} from './feed-objects.ts';
import { FeedKind } from './feed.ts';

export interface FeedRow {
  readonly kind: number;
  readonly object_uid: Uint8Array;
  readonly record_uid: Uint8Array;
  readonly cursor: number;
}

/**
 * All that goes along with a page's rows. The largest row by itself, a record with its grants and handovers, is about
 * 1 MiB; so that a page always fits a response of limits.apiBody with its padding and framing.
 */
const pageBytes = limits.apiBody / 2;
/** The removal of a record that was handed on, with the statement that did it. */
const removalBytes = 1_400;

/** Everything of a page is read at one moment, so that its manifest fits its records. */
export async function readPage(db: Database, account: Uid, cursor: number, now: number) {
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      const rows = await readFeed(tx, account, cursor);
      const state = await readState(tx, account);
      const reached = rows.at(-1)?.cursor ?? Math.max(cursor, state.cursor);
      const hasMore = rows.length > 0 && (await isMore(tx, account, reached));
      const objects = await readObjects({ tx, account: uidBytes(account), now }, rows);
      return {
        ...objects,
        cursor: BigInt(hasMore ? reached : Math.max(reached, state.cursor)),
        hasMore,
        rosterVersion: BigInt(state.roster_version),
        successionVersion: BigInt(state.succession_version),
        ...(!hasMore && state.manifest_version > 0 && { manifest: manifestOf(state) }),
      };
    });
}

/** The bytes of a record, and of its grants, in an answer: 400 and 200 stand for what has one length, and framing. */
const recordSize = sql`octet_length(sealed_key) + octet_length(sealed_data) + octet_length(sealed_launch) + 400
  + 18 * cardinality(file_uids)
  + (SELECT coalesce(sum(octet_length(statement) + 100), 0) FROM unnest(handover_bodies) statement)`;
const grantsSize = sql`coalesce(sum(octet_length(body) + 200), 0)`;

/**
 * The next things after `cursor`, at least one when there is one; fewer than a page when they are large. An entry counts
 * with all that it stands for (withRecordsOfEntries), also when all of it is gone.
 */
async function readFeed(tx: Tx, account: Uid, cursor: number): Promise<FeedRow[]> {
  const { rows } = await sql<FeedRow>`
    SELECT kind, object_uid, record_uid, cursor FROM (
      SELECT kind, object_uid, record_uid, cursor,
        sum(bytes) OVER so_far AS bytes, row_number() OVER so_far AS place,
        sum(CASE kind WHEN ${FeedKind.ENTRY} THEN 3 ELSE 1 END) OVER so_far AS objects FROM (
        SELECT kind, object_uid, record_uid, cursor, 64 + coalesce(CASE kind
          WHEN ${FeedKind.RECORD} THEN coalesce((SELECT ${recordSize}
            FROM record WHERE record.record_uid = next.object_uid), ${removalBytes})
          WHEN ${FeedKind.CARD} THEN (SELECT octet_length(sealed) FROM card
            WHERE card.account_uid = next.account_uid AND card.object_uid = next.object_uid)
          WHEN ${FeedKind.FOLDER} THEN (SELECT octet_length(sealed_data) + 600 FROM shared_folder
            WHERE folder_uid = next.object_uid)
          WHEN ${FeedKind.GRANTS} THEN (SELECT ${grantsSize} FROM sharing_grant
            WHERE sharing_grant.object_uid = next.object_uid)
          ELSE coalesce((SELECT ${recordSize} FROM record WHERE record.record_uid = next.record_uid), ${removalBytes})
            + (SELECT ${grantsSize} FROM sharing_grant WHERE sharing_grant.object_uid = next.record_uid)
            + coalesce((SELECT octet_length(body) + 1000 FROM folder_entry
              WHERE folder_entry.folder_uid = next.object_uid AND folder_entry.record_uid = next.record_uid), 0)
          END, 0) AS bytes
        FROM (SELECT * FROM feed WHERE account_uid = ${uidBytes(account)} AND cursor > ${cursor}
          ORDER BY cursor LIMIT ${limits.syncPageObjects}) next
        OFFSET 0 -- or each size is looked up once more
      ) sized WINDOW so_far AS (ORDER BY cursor)
    ) page WHERE place = 1 OR (bytes <= ${pageBytes} AND objects <= ${limits.syncPageObjects}) ORDER BY cursor`.execute(
    tx,
  );
  return rows;
}

async function readState(tx: Tx, account: Uid) {
  return await tx
    .selectFrom('account')
    .innerJoin('organisation', 'organisation.organisation_uid', 'account.organisation_uid')
    .select([
      'cursor',
      'manifest_version',
      'manifest_sealed',
      'manifest_signature',
      'roster_version',
      'succession_version',
    ])
    .where('account_uid', '=', uidBytes(account))
    .executeTakeFirstOrThrow();
}

function manifestOf(state: Awaited<ReturnType<typeof readState>>) {
  return {
    version: BigInt(state.manifest_version),
    sealed: state.manifest_sealed,
    signature: state.manifest_signature,
  };
}

/** A thing that changed twice leaves a gap behind it, so the newest position alone does not say. */
async function isMore(tx: Tx, account: Uid, reached: number): Promise<boolean> {
  const next = await tx
    .selectFrom('feed')
    .select('cursor')
    .where('account_uid', '=', uidBytes(account))
    .where('cursor', '>', reached)
    .limit(1)
    .executeTakeFirst();
  return next !== undefined;
}

/** An entry stands for its record and the record's grants, too. */
function withRecordsOfEntries(rows: readonly FeedRow[]): FeedRow[] {
  if (!rows.some(({ kind }) => kind === Number(FeedKind.ENTRY))) return [...rows];
  const implied = rows
    .filter((row) => row.kind === Number(FeedKind.ENTRY))
    .flatMap((row) =>
      [FeedKind.RECORD, FeedKind.GRANTS].map((kind) => ({
        kind,
        object_uid: row.record_uid,
        record_uid: empty,
        cursor: row.cursor,
      })),
    );
  const each = new Map(
    [...implied, ...rows].map((row) => [nameOf(row.kind, row.object_uid, row.record_uid), row]),
  );
  return [...each.values()];
}

async function readObjects(viewer: Viewer, feed: readonly FeedRow[]) {
  const rows = withRecordsOfEntries(feed);
  const of = (kind: FeedKind) => rows.filter((row) => row.kind === Number(kind));
  const records = await readRecords(viewer, of(FeedKind.RECORD));
  const cards = await readCards(viewer, of(FeedKind.CARD));
  const folders = await readFolders(viewer, of(FeedKind.FOLDER));
  const entries = await readEntries(viewer, of(FeedKind.ENTRY));
  const grants = await readGrants(viewer, of(FeedKind.GRANTS));
  const objects = { records, cards, folders, entries, grants };
  // Nothing is answered twice: as many as were asked for are all of them.
  const answered = Object.values(objects).reduce((sum, { length }) => sum + length, 0);
  if (answered === rows.length) return { ...objects, removals: [] };
  const seen = new Set([
    ...records.map((record) => nameOf(FeedKind.RECORD, record.recordUid)),
    ...cards.map((card) => nameOf(FeedKind.CARD, card.objectUid)),
    ...folders.map((folder) => nameOf(FeedKind.FOLDER, folder.folderUid)),
    ...entries.map((entry) => nameOf(FeedKind.ENTRY, entry.folderUid, entry.recordUid)),
    ...grants.map((grant) => nameOf(FeedKind.GRANTS, grant.objectUid)),
  ]);
  const gone = rows.filter((row) => !seen.has(nameOf(row.kind, row.object_uid, row.record_uid)));
  const covered = await readTransfers(viewer, gone);
  const removals = gone.map((row) => {
    const transfer = row.kind === Number(FeedKind.RECORD) ? covered.get(uidOf(row.object_uid)) : undefined;
    return {
      kind: row.kind,
      objectUid: row.object_uid,
      recordUid: row.record_uid,
      ...transfer,
    };
  });
  return { ...objects, removals };
}

/** Records that were the account's, and that its manifest still covers. */
async function readTransfers({ tx, account }: Viewer, gone: readonly FeedRow[]) {
  const uids = gone.filter((row) => row.kind === Number(FeedKind.RECORD)).map((row) => row.object_uid);
  if (uids.length === 0) return new Map<Uid, never>();
  const rows = await tx
    .selectFrom('record_transfer')
    .select([
      'record_uid',
      'revision',
      'tag',
      'deleted',
      'key_version',
      'handover_body',
      'handover_signature',
      'taken_revision',
      'taken_data_hash',
      'taken_launch_hash',
      'taken_signature',
    ])
    .where('account_uid', '=', account)
    .where('record_uid', 'in', uids)
    .execute();
  return new Map(
    rows.map((row) => [
      uidOf(row.record_uid),
      {
        covered: {
          revision: BigInt(row.revision),
          tag: row.tag,
          deleted: row.deleted,
          keyVersion: row.key_version,
          taken: takeOverOf(row),
        },
        handovers: [{ body: row.handover_body, signature: row.handover_signature }],
      },
    ]),
  );
}

function nameOf(kind: number, object: Uint8Array, record?: Uint8Array): string {
  const entry = record && record.length > 0 ? uidOf(record) : '';
  return `${kind} ${uidOf(object)} ${entry}`;
}
