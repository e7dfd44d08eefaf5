// As much as an account's applications may have, put into the store as rows: all of it is read, in pages, and one more is refused.
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBase64, encodeBase64url } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { limits } from '../../../protocol/limits.ts';
import { ClientKind } from '../../../protocol/messages/gen/application_pb.js';
import { SecretsService } from '../../../protocol/messages/gen/secrets_pb.js';
import { sealLegacyCbc, sealLegacyEcies } from '../../../protocol/secrets-manager/legacy-crypto.ts';
import {
  sealSecretFolderName,
  sealSecretJson,
  wrapSecretKey,
} from '../../../protocol/secrets-manager/secret-seal.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import type { SecretsVisit } from '../../../server/secrets-manager/method.ts';
import { readContent } from '../../../server/secrets-manager/visible-records.ts';
import { listEvents } from '../../../server/secrets/secret-events.ts';
import type { Database, Tx } from '../../../server/store/database.ts';
import type { VaultSession } from '../../../workers/engine/connection/vault-session.ts';
import { readServerState, readWrites } from '../../../workers/engine/secrets/server-state.ts';
import { addClient } from '../../fixtures/application.ts';
import { copyRows } from '../../fixtures/copied-rows.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import {
  SecretsHouse,
  type HouseFolder,
  type HouseRecord,
  type SecretsDevice,
} from '../../fixtures/secrets-house.ts';

const { records, folders, shares, writes, events } = limits.secrets;
const few = 1_000;
const direct = { direct: { editable: true } };

let open: OpenServer;
let house: SecretsHouse;
let device: SecretsDevice;
let folder: HouseFolder;
let record: HouseRecord;
beforeAll(async () => {
  open = await startOpenServer({ rates: { secrets: { burst: 1e5, perSecond: 1e5 } } });
  house = await SecretsHouse.open(open);
  folder = await house.folder('Shared', { editable: true });
  record = await house.record('one of many', { direct: { editable: true } });
  const uid = uidBytes(record.uid);
  for (const table of ['record', 'secret', 'secret_version'])
    await copyRows(open.db, { table, column: 'record_uid', uid, first: 0, count: records - 1 });
  await share(0, few - 1);
  const others = {
    first: few - 1,
    count: records - few,
    changes: { holder_uid: `'\\x${otherHolder.toString(16).repeat(16)}'` },
  };
  await copyRows(open.db, { table: 'secret_key', column: 'record_uid', uid, ...others });
  await sql`ANALYZE`.execute(open.db);
  device = await house.device();
}, 300_000);
afterAll(() => open.close());

/** Each byte of the UID of another application, which has the others. */
const otherHolder = 0xab;

/** Gives the application so many of the copies. */
async function share(first: number, count: number): Promise<void> {
  const uid = uidBytes(record.uid);
  await copyRows(open.db, { table: 'secret_key', column: 'record_uid', uid, first, count });
  await copyRows(open.db, { table: 'secret_share', column: 'object_uid', uid, first, count });
}
const session = () => house.vault as unknown as VaultSession;
const going = () => undefined;

/** Of a record that the application has. */
async function sharedUid(): Promise<Uint8Array> {
  const { object_uid } = await open.db
    .selectFrom('secret_share')
    .select('object_uid')
    .where('is_folder', '=', false)
    .limit(1)
    .executeTakeFirstOrThrow();
  return object_uid;
}

async function countOf(...tables: readonly string[]): Promise<readonly number[]> {
  const count = async (table: string) => {
    const { rows } = await sql<{ count: number }>`SELECT count(*) AS count FROM ${sql.table(table)}`.execute(
      open.db,
    );
    return rows[0]?.count ?? 0;
  };
  return await Promise.all(tables.map(count));
}

/** Rows that it took from tables, by an index or without one. */
async function rowsReadBy(work: (tx: Tx) => Promise<unknown>): Promise<ReadonlyMap<string, number>> {
  const taken = async (tx: Tx) => {
    const { rows } = await sql<{ table: string; count: number }>`
      SELECT relname AS table, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) AS count
      FROM pg_stat_xact_user_tables`.execute(tx);
    return new Map(rows.map(({ table, count }) => [table, count]));
  };
  return await open.db.transaction().execute(async (tx) => {
    const before = await taken(tx);
    await work(tx);
    const after = await taken(tx);
    return new Map([...after].map(([table, count]) => [table, count - (before.get(table) ?? 0)]));
  });
}

describe('of 50,000 secrets of an account', () => {
  test('an application that has 1,000 reads those, and the store does not look at the others', async () => {
    expect(await countOf('secret', 'secret_share')).toEqual([records, few + 1]);
    const read = await device.read('get_secret');
    expect(new Set(read.records.map(({ recordUid }) => recordUid)).size).toBe(few);
    const caller = {
      ownerUid: house.vault.accountUid,
      applicationUid: uidBytes(house.application.applicationUid),
    };
    const visit = { caller, method: 'get_secret', address: '127.0.0.1', now: Date.now() } as SecretsVisit;
    const all = { records: null, folders: null };
    const readBy = await rowsReadBy((tx) =>
      readContent(tx as unknown as Database, visit, all, { links: true, mostBytes: 2 ** 30 }),
    );
    expect(readBy.get('secret')).toBeGreaterThanOrEqual(few);
    expect([...readBy].filter(([, count]) => count > 3 * few)).toEqual([]);
  });

  test('the vault reads all states, in pages, each once', async () => {
    const state = await readServerState(session(), going);
    expect(state.records.size).toBe(records);
    expect(state.records.has(record.uid)).toBe(true);
    expect(state.shares.size).toBe(few + 1);
  });

  test('there is not one more, from an application or a vault; the one that goes makes room', async () => {
    const before = await countOf('secret', 'secret_write', 'secret_version');
    const key = randomBytes(32);
    const created = async () =>
      await device.call('create_secret', {
        ...{ recordUid: newUid(), folderUid: folder.uid },
        recordKey: encodeBase64(await sealLegacyEcies(house.owner.publicKey, key)),
        folderKey: encodeBase64(await wrapSecretKey(folder.key, key)),
        data: encodeBase64url(await sealSecretJson(key, { title: 'more', type: 'login', fields: [] })),
      });
    expect(await created()).toMatchObject({
      ...{ status: 400, error: 'bad_request' },
      message: 'Applications have too many records of this account already',
    });
    expect(await countOf('secret', 'secret_write', 'secret_version')).toEqual(before);
    await open.db.deleteFrom('secret').where('record_uid', '=', uidBytes(record.uid)).execute();
    expect(await created()).toMatchObject({ status: 200 });
    expect(await created()).toMatchObject({ status: 400 });
  });
});

describe('an application with everything that one may have', () => {
  test('reads 10,000 records in an answer that stays under its bound, and is not given one more', async () => {
    const count = shares - few - 1; // with the folder, and the record that went
    await open.db
      .updateTable('secret_key')
      .set({ holder_uid: uidBytes(house.application.applicationUid) })
      .where('holder_uid', '=', Buffer.alloc(16, otherHolder))
      .execute();
    const uid = await sharedUid();
    await copyRows(open.db, { table: 'secret_share', column: 'object_uid', uid, first: few - 1, count });
    await sql`ANALYZE secret_share`.execute(open.db);
    const [given] = await countOf('secret_share');
    expect(given).toBe(shares);
    const { records: read } = await device.read('get_secret');
    expect(read.length).toBe(shares - 2);
    const more = {
      ...{ applicationUid: uidBytes(house.application.applicationUid), isFolder: false, editable: false },
      ...{
        objectUid: uidBytes(await house.record('more', {}).then(({ uid: of }) => of)),
        wrappedKey: new Uint8Array(0),
      },
    };
    const give = house.vault.call(SecretsService.method.putSecretShares, { shares: [more] });
    expect(await codeOf(give)).toBe('limit-reached');
    expect(await countOf('secret_share')).toEqual([shares]);
  });
});

describe('what waits for the vault', () => {
  test('is 10,000 changes, which it reads in pages of 200, each once and in order; one more is refused', async () => {
    const [first, second] = [await house.record('first', direct), await house.record('second', direct)];
    const update = async (of: HouseRecord) => {
      const read = (await device.read('get_secret', { requestedRecords: [of.uid] })).records[0];
      if (!read) throw new Error('not read');
      return await device.update(read, of.key, 'changed');
    };
    expect(await update(first)).toMatchObject({ status: 200 });
    const [before] = await countOf('secret_write');
    const count = writes - (before ?? 0);
    const copies = { table: 'secret_write', column: 'object_uid', uid: uidBytes(first.uid), first: 0, count };
    await copyRows(open.db, copies);
    expect(await update(second)).toMatchObject({
      ...{ status: 400, error: 'bad_request' },
      message: 'Too many changes wait for the vault: open it, so that it takes them over',
    });
    expect(await countOf('secret_write')).toEqual([writes]);
    const pages: number[] = [];
    const call: VaultSession['call'] = async (method, request) => {
      const answer = await house.vault.call(method, request);
      pages.push((answer as unknown as { readonly writes: readonly object[] }).writes.length);
      return answer;
    };
    const read = await readWrites({ call } as VaultSession, going);
    expect(new Set(read.map(({ objectUid }) => encodeBase64(objectUid))).size).toBe(writes);
    expect(read.every(({ write }, at) => at === 0 || write > (read[at - 1]?.write ?? write))).toBe(true);
    expect(Math.max(...pages)).toBeLessThanOrEqual(200);
    expect(await update(first)).toMatchObject({ status: 200 }); // in the place of what waits of it
  });
});

describe('what applications did', () => {
  test('is paged through to the first of 100,000, and a page does not read the others', async () => {
    const { applicationUid } = house.application;
    const uid = uidBytes(applicationUid);
    const [before] = await countOf('secret_event');
    await open.db.deleteFrom('secret_event').where('name', '!=', 'app_client_connected').execute();
    const [left] = await countOf('secret_event');
    expect([before, left]).toEqual([expect.any(Number), 1]);
    const copies = { table: 'secret_event', column: 'application_uid', uid, first: 1, count: events - 1 };
    const changes = { application_uid: 'copied.application_uid', at: 'n * 1000' };
    await copyRows(open.db, { ...copies, changes });
    await sql`ANALYZE secret_event`.execute(open.db);
    const seen = new Set<bigint>();
    for (let beforeMs = 0n, more = true; more;) {
      const page = await house.vault.call(SecretsService.method.listSecretEvents, {
        applicationUid: uid,
        beforeMs,
      });
      expect(page.events.length).toBeLessThanOrEqual(500);
      for (const { atMs } of page.events) seen.add(atMs);
      [beforeMs, more] = [page.events.at(-1)?.atMs ?? 0n, page.hasMore];
    }
    expect(seen.size).toBe(events);
    const middle = { applicationUid: uid, beforeMs: BigInt(events * 500), limit: 0 };
    for (const request of [middle, { ...middle, applicationUid: new Uint8Array(0) }]) {
      const read = await rowsReadBy((tx) =>
        listEvents(
          tx as unknown as Database,
          house.vault.accountUid,
          request as Parameters<typeof listEvents>[2],
        ),
      );
      expect(read.get('secret_event')).toBeGreaterThanOrEqual(500);
      expect(read.get('secret_event')).toBeLessThan(1_100);
    }
  });
});

describe('folders and devices', () => {
  test('are 10,000 and 200, all are read, and there is not one more', async () => {
    const below = await house.subfolder('Below', folder, folder);
    const uid = uidBytes(below.uid);
    const count = folders - 2;
    await copyRows(open.db, { table: 'secret_folder', column: 'folder_uid', uid, first: 0, count });
    await sql`ANALYZE secret_folder`.execute(open.db);
    const { folders: read } = await device.read('get_folders');
    expect(new Set(read.map(({ folderUid }) => folderUid)).size).toBe(folders);
    const key = randomBytes(32);
    const more = await device.call('create_folder', {
      ...{ folderUid: newUid(), sharedFolderUid: folder.uid },
      sharedFolderKey: encodeBase64url(await sealLegacyCbc(folder.key, key)),
      data: encodeBase64url(await sealSecretFolderName(key, 'more')),
    });
    expect(more).toMatchObject({
      ...{ status: 400, error: 'bad_request' },
      message: 'Applications have too many folders of this account already',
    });
    expect(await countOf('secret_folder')).toEqual([folders]);

    const { application, vault } = house;
    const [clients = 0] = await countOf('client');
    for (let i = clients; i < 200; i++) await addClient(vault, application, { kind: ClientKind.GENERAL });
    expect(await codeOf(addClient(vault, application, { kind: ClientKind.GENERAL }))).toBe('limit-reached');
    const listed = await vault.call(SecretsService.method.listClients, {});
    expect(new Set(listed.clients.map(({ clientId }) => encodeBase64(clientId))).size).toBe(200);
  });
});
