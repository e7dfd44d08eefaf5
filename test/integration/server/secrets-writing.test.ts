import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBase64 } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { limits } from '../../../protocol/limits.ts';
import { SecretTransaction, SecretWriteKind } from '../../../protocol/messages/gen/secrets_pb.js';
import { sealLegacyEcies } from '../../../protocol/secrets-manager/legacy-crypto.ts';
import {
  openSecretJson,
  sealSecretJson,
  wrapSecretKey,
} from '../../../protocol/secrets-manager/secret-seal.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { joinVault } from '../../fixtures/link-client.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import {
  SecretsHouse,
  titlesOf,
  type HouseFolder,
  type ReadRecord,
  type SecretsDevice,
} from '../../fixtures/secrets-house.ts';

const often = { rates: { secrets: { burst: 1e5, perSecond: 1e5 } } };
let open: OpenServer;
beforeAll(async () => void (open = await startOpenServer(often)));
afterAll(() => open.close());

const only = async (device: SecretsDevice): Promise<ReadRecord> => {
  const { records, folders } = await device.read();
  const [record] = [...records, ...folders.flatMap((folder) => folder.records ?? [])];
  if (!record) throw new Error('no record');
  return record;
};

/** What an SDK sends to create a record in a shared folder. */
const creationOf = async (house: SecretsHouse, root: HouseFolder, title: string, members: object = {}) => {
  const key = randomBytes(32);
  const data = await sealSecretJson(key, { title, type: 'login', fields: [] });
  return {
    ...{ recordUid: newUid(), folderUid: root.uid, data: encodeBase64(data) },
    recordKey: encodeBase64(await sealLegacyEcies(house.owner.publicKey, key)),
    folderKey: encodeBase64(await wrapSecretKey(root.key, key)),
    ...members,
  };
};

describe('update_secret', () => {
  test('is read at once by every application, waits for the vault, and raises the revision', async () => {
    const house = await SecretsHouse.open(open);
    const root = await house.folder('Root', { editable: true });
    const record = await house.record('before', { folders: [root] });
    const [device, other] = [await house.device(), await house.device()];
    const read = await only(device);
    expect(await device.update(read, record.key, 'after')).toMatchObject({ status: 200, json: null });
    const seen = (await other.read()).folders[0]?.records ?? [];
    expect(await titlesOf(root.key, seen)).toEqual(['after']);
    expect(seen[0]?.revision).toBe(read.revision + 1);
    const [write] = await house.writes();
    expect(write).toMatchObject({
      kind: SecretWriteKind.UPDATE,
      base_revision: 1,
      key_version: 1,
      transaction: 0,
    });
    expect(await openSecretJson(record.key, write?.data ?? new Uint8Array(0))).toContain('after');
    expect(await other.update(seen[0] ?? read, record.key, 'after that')).toMatchObject({ status: 200 });
    const [newest, none] = await house.writes();
    expect(none).toBeUndefined();
    expect(newest?.write).toBeGreaterThan(write?.write ?? Infinity);
    expect(newest?.client_id).toEqual(Buffer.from(other.clientId));
  });

  test('of what was changed meanwhile is out of sync; of fifty at once one is taken', async () => {
    const house = await SecretsHouse.open(open);
    const record = await house.record('before', { direct: { editable: true } });
    const devices = [await house.device(), await house.device()];
    const read = await only(devices[0]!);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => devices[i % 2]!.update(read, record.key, `number ${i}`)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(new Set(refused.map(({ status, error }) => `${status} ${error}`))).toEqual(
      new Set(['409 out_of_sync']),
    );
    expect((await only(devices[0]!)).revision).toBe(read.revision + 1);
  });

  test('needs an editable share, and an account that may edit', async () => {
    const house = await SecretsHouse.open(open);
    const record = await house.record('kept', { direct: { editable: false } });
    const device = await house.device();
    const read = await only(device);
    expect(read.isEditable).toBe(false);
    expect(await device.update(read, record.key, 'x')).toMatchObject({ status: 403, error: 'access_denied' });
    const unknown = { recordUid: newUid() };
    expect(await device.update(read, record.key, 'x', unknown)).toMatchObject({
      ...{ status: 404, error: 'record_uid_not_found' },
    });
    const foreign = await (await house.another()).device();
    expect(await foreign.update(read, record.key, 'x')).toMatchObject({ status: 404 });
    expect(await house.writes()).toEqual([]);
  });

  test('takes files from the record, besides those that were taken before', async () => {
    const house = await SecretsHouse.open(open);
    const record = await house.record('with files', { direct: { editable: true } });
    const device = await house.device();
    const [one, two] = [newUid(), newUid()];
    await device.update(await only(device), record.key, 'one less', { links2Remove: [one] });
    await device.update(await only(device), record.key, 'two less', { links2Remove: [two, one, 'no uid'] });
    const [write] = await house.writes();
    expect(write?.removed_files).toEqual([one, two].map((uid) => Buffer.from(uidBytes(uid))));
  });

  test('takes no more files from a record than one has, however often it is changed', async () => {
    const house = await SecretsHouse.open(open);
    const record = await house.record('with files', { direct: { editable: true } });
    const device = await house.device();
    const names = Array.from({ length: limits.filesPerRecord }, newUid);
    const update = async (links2Remove: readonly string[]) =>
      await device.update(await only(device), record.key, 'less', { links2Remove });
    expect(await update(names)).toMatchObject({ status: 200 });
    expect(await update(names.slice(0, 10))).toMatchObject({ status: 200 });
    expect(await update([newUid()])).toMatchObject({ status: 400, error: 'bad_request' });
    expect((await house.writes())[0]?.removed_files).toHaveLength(limits.filesPerRecord);
  });

  test('on a version that the vault made since does not undo what waits: that is taken over first', async () => {
    const house = await SecretsHouse.open(open);
    const other = await house.another();
    const record = await house.record('first', { direct: { editable: true } });
    const device = await house.device();
    await device.update(await only(device), record.key, 'written on the first');
    // A new version, and an application that has come since: it has no key of the former one.
    const next = { uid: record.uid, key: randomBytes(32) };
    await house.version(next, 2, 'second');
    const of = { account_uid: house.account, record_uid: uidBytes(record.uid) };
    await open.db
      .updateTable('secret')
      .set((is) => ({ base_revision: 2, revision: is('revision', '+', 1) }))
      .where('account_uid', '=', of.account_uid)
      .execute();
    await other.shareRecord(next, true, 2);
    expect(await titlesOf(house.application.appKey, [await only(device)])).toEqual(['written on the first']);
    const newcomer = await other.device();
    const read = await only(newcomer);
    expect(await titlesOf(other.application.appKey, [read])).toEqual(['second']);
    expect(await newcomer.update(read, next.key, 'lost?')).toMatchObject({ error: 'out_of_sync' });
    await device.update(await only(device), record.key, 'still on the first');
    const writes = await house.writes();
    expect(writes.map(({ base_revision }) => base_revision)).toEqual([1]);
  });

  test('tells the devices of the account, so that the vault takes it over at once', async () => {
    const house = await SecretsHouse.open(open);
    const record = await house.record('one', { direct: { editable: true } });
    const link = await joinVault(house.vault);
    const device = await house.device();
    await link.next('secretNews');
    await device.update(await only(device), record.key, 'two');
    await link.next('secretNews');
    link.socket.close();
  });
});

describe('transactions', () => {
  const setUp = async () => {
    const house = await SecretsHouse.open(open);
    const record = await house.record('first', { direct: { editable: true } });
    const [device, other] = [await house.device(), await house.device()];
    const title = async () => (await titlesOf(house.application.appKey, [await only(other)]))[0];
    const update = async (text: string, members: object = {}, by = device) =>
      await by.update(await only(by), record.key, text, members);
    const end = async (method: 'finalize' | 'rollback', by = device) =>
      await by.call(`${method}_secret_update`, { recordUid: record.uid });
    return { house, record, device, other, title, update, end };
  };
  const general = { transactionType: 'general' };

  test('an open one is read, and only its client goes on with it or ends it', async () => {
    const { house, other, title, update, end } = await setUp();
    expect(await update('open', { transactionType: 'rotation' })).toMatchObject({ status: 200 });
    expect(await title()).toBe('open');
    expect((await house.writes())[0]?.transaction).toBe(SecretTransaction.ROTATION);
    expect(await update('by another', {}, other)).toMatchObject({ status: 409, error: 'out_of_sync' });
    for (const method of ['finalize', 'rollback'] as const)
      expect(await end(method, other)).toMatchObject({ error: 'out_of_sync' });
    expect(await update('more', general)).toMatchObject({ status: 200 });
    expect(await end('finalize')).toMatchObject({ status: 200, json: null });
    expect(await title()).toBe('more');
    expect((await house.writes())[0]).toMatchObject({ transaction: 0, former_data: null });
    expect(await end('finalize')).toMatchObject({ error: 'out_of_sync' });
  });

  test('rolled back, what was there before is read again: the version, or what was written on it', async () => {
    const { house, title, update, end } = await setUp();
    await update('undone', general);
    await update('undone, too', general);
    expect(await end('rollback')).toMatchObject({ status: 200 });
    expect([await title(), await house.writes()]).toEqual(['first', []]);
    await update('kept');
    await update('undone', general);
    await end('rollback');
    expect(await title()).toBe('kept');
    expect(await house.writes()).toMatchObject([{ transaction: 0, former_data: null }]);
  });

  test('what was read before a rollback is out of sync after it', async () => {
    const { device, record, update, end } = await setUp();
    await update('undone', general);
    const read = await only(device);
    await end('rollback');
    expect(await device.update(read, record.key, 'late')).toMatchObject({ error: 'out_of_sync' });
  });

  test('each survives a restart of the server', async () => {
    const own = await startOpenServer(often);
    try {
      const house = await SecretsHouse.open(own);
      const record = await house.record('first', { direct: { editable: true } });
      const device = await house.device();
      await device.update(await only(device), record.key, 'open', general);
      house.vault.url = (await own.restart()).url;
      expect(await titlesOf(house.application.appKey, [await only(device)])).toEqual(['open']);
      await device.call('rollback_secret_update', { recordUid: record.uid });
      expect(await titlesOf(house.application.appKey, [await only(device)])).toEqual(['first']);
    } finally {
      await own.close();
    }
  });
});

describe('create_secret', () => {
  test('puts a record into a shared folder or its subfolder, for all applications that have it, and for the vault', async () => {
    const house = await SecretsHouse.open(open);
    const root = await house.folder('Root', { editable: true });
    const sub = await house.subfolder('Sub', root, root);
    const device = await house.device();
    const inRoot = await creationOf(house, root, 'in root');
    const inSub = await creationOf(house, root, 'in sub', { subFolderUid: sub.uid });
    expect(await device.call('create_secret', inRoot)).toMatchObject({ status: 200, json: null });
    expect(await device.call('create_secret', inSub)).toMatchObject({ status: 200 });
    const records = (await device.read()).folders[0]?.records ?? [];
    expect(await titlesOf(root.key, records)).toEqual(['in root', 'in sub']);
    expect(records.find(({ recordUid }) => recordUid === inSub.recordUid)?.innerFolderUid).toBe(sub.uid);
    expect(records.every(({ isEditable }) => isEditable)).toBe(true);
    const [write, second] = await house.writes();
    expect(write).toMatchObject({ kind: SecretWriteKind.CREATE, base_revision: 0, subfolder_uid: null });
    expect(second?.subfolder_uid).toEqual(Buffer.from(uidBytes(sub.uid)));
    expect(encodeBase64(write?.owner_key ?? new Uint8Array(0))).toBe(inRoot.recordKey);
    expect(await device.call('create_secret', inRoot)).toMatchObject({ status: 400, error: 'bad_request' });
  });

  test('an update of a record that no vault has yet keeps it a new one', async () => {
    const house = await SecretsHouse.open(open);
    const root = await house.folder('Root', { editable: true });
    const device = await house.device();
    const creation = await creationOf(house, root, 'new');
    await device.call('create_secret', creation);
    const read = await only(device);
    const data = encodeBase64(randomBytes(400));
    const update = { recordUid: read.recordUid, revision: read.revision, data };
    expect(await device.call('update_secret', update)).toMatchObject({ status: 200 });
    const [write] = await house.writes();
    expect(write).toMatchObject({ kind: SecretWriteKind.CREATE, base_revision: 0 });
    expect(encodeBase64(write?.data ?? new Uint8Array(0))).toBe(data);
    expect(encodeBase64(write?.owner_key ?? new Uint8Array(0))).toBe(creation.recordKey);
  });

  test.each([
    ['a folder that is only read', { editable: false }, {}, 'access_denied'],
    ['an unknown folder', { editable: true }, { folderUid: newUid() }, 'folder_uid_not_found'],
    ['an unknown subfolder', { editable: true }, { subFolderUid: newUid() }, 'folder_uid_not_found'],
    ['a UID that is none', { editable: true }, { recordUid: 'AAAA' }, 'bad_request'],
    ['a bare key', { editable: true }, { recordKey: encodeBase64(randomBytes(32)) }, 'bad_request'],
    ['no key', { editable: true }, { recordKey: null }, 'bad_request'],
    ['data that is none', { editable: true }, { data: 'AAAA' }, 'bad_request'],
    [
      'data that is too large',
      { editable: true },
      { data: encodeBase64(new Uint8Array(300_000)) },
      'bad_request',
    ],
  ])('%s is refused, and nothing is stored', async (_, share, members, error) => {
    const house = await SecretsHouse.open(open);
    const root = await house.folder('Root', share);
    const device = await house.device();
    expect(await device.call('create_secret', await creationOf(house, root, 'x', members))).toMatchObject({
      error,
    });
    expect([await house.writes(), (await device.read()).folders[0]?.records]).toEqual([[], []]);
  });
});

describe('delete_secret', () => {
  test('each by itself: hidden at once, for the person of the vault to delete', async () => {
    const house = await SecretsHouse.open(open);
    const [mine, readOnly] = [
      await house.record('mine', { direct: { editable: true } }),
      await house.record('read only', { direct: { editable: false } }),
    ];
    const device = await house.device();
    const unknown = newUid();
    const { json } = await device.call('delete_secret', {
      recordUids: [unknown, mine.uid, readOnly.uid, 'x'],
    });
    expect(json).toEqual({
      records: [
        { recordUid: unknown, responseCode: 'record_uid_not_found', errorMessage: expect.any(String) },
        { recordUid: mine.uid, responseCode: 'ok', errorMessage: null },
        { recordUid: readOnly.uid, responseCode: 'access_denied', errorMessage: expect.any(String) },
        { recordUid: 'x', responseCode: 'record_uid_not_found', errorMessage: expect.any(String) },
      ],
    });
    expect(await titlesOf(house.application.appKey, (await device.read()).records)).toEqual(['read only']);
    expect(await house.writes()).toMatchObject([{ kind: SecretWriteKind.DELETE, base_revision: 1 }]);
  });

  test('what was changed before is kept beside the deletion; what no vault has is gone', async () => {
    const house = await SecretsHouse.open(open);
    const root = await house.folder('Root', { editable: true });
    const record = await house.record('first', { folders: [root] });
    const device = await house.device();
    await device.update(await only(device), record.key, 'changed');
    const creation = await creationOf(house, root, 'new');
    await device.call('create_secret', creation);
    await device.call('delete_secret', { recordUids: [record.uid, creation.recordUid] });
    const [write, none] = await house.writes();
    expect([write?.kind, none]).toEqual([SecretWriteKind.DELETE, undefined]);
    expect(await openSecretJson(record.key, write?.data ?? new Uint8Array(0))).toContain('changed');
    expect((await device.read()).folders[0]?.records).toEqual([]);
  });

  test('not while a transaction is open', async () => {
    const house = await SecretsHouse.open(open);
    const record = await house.record('first', { direct: { editable: true } });
    const device = await house.device();
    await device.update(await only(device), record.key, 'open', { transactionType: 'general' });
    expect((await device.call('delete_secret', { recordUids: [record.uid] })).json).toMatchObject({
      records: [{ responseCode: 'out_of_sync' }],
    });
  });
});

test('what applications did is noted: writes with their object, accesses counted', async () => {
  const house = await SecretsHouse.open(open);
  const record = await house.record('first', { direct: { editable: true } });
  const device = await house.device();
  for (let i = 0; i < 5; i++) await device.read();
  await device.update(await only(device), record.key, 'second');
  const events = await house.events();
  const named = events.map(({ name, method }) => `${name} ${method}`);
  expect(named).toEqual([
    'app_client_connected ',
    'app_client_access get_secret',
    'app_client_record_update update_secret',
    'app_client_access update_secret',
  ]);
  expect(events[2]?.object_uid).toEqual(Buffer.from(uidBytes(record.uid)));
  expect(events.every(({ address }) => address === '127.0.0.1')).toBe(true);
  const [row] = await open.db
    .selectFrom('client')
    .selectAll()
    .where('client_id', '=', device.clientId)
    .execute();
  expect(row).toMatchObject({ client_version: 'mx1.0.0', address: '127.0.0.1', encrypted_app_key: null });
});
