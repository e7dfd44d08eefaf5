import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBase64url } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { SecretWriteKind } from '../../../protocol/messages/gen/secrets_pb.js';
import { sealSecretFolderName, wrapSubfolderKey } from '../../../protocol/secrets-manager/secret-seal.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import {
  folderNameOf,
  SecretsHouse,
  type HouseFolder,
  type SecretsDevice,
} from '../../fixtures/secrets-house.ts';

let open: OpenServer;
beforeAll(
  async () => void (open = await startOpenServer({ rates: { secrets: { burst: 1e5, perSecond: 1e5 } } })),
);
afterAll(() => open.close());

const setUp = async (editable = true) => {
  const house = await SecretsHouse.open(open);
  const root = await house.folder('Root', { editable });
  return { house, root, device: await house.device() };
};

/** What an SDK sends to create a folder. */
const creationOf = async (root: HouseFolder, name: string, members: object = {}) => {
  const folder = { uid: newUid(), key: randomBytes(32), rootUid: root.uid };
  const payload = {
    ...{ folderUid: folder.uid, sharedFolderUid: root.uid },
    sharedFolderKey: encodeBase64url(await wrapSubfolderKey(root.key, folder.key)),
    data: encodeBase64url(await sealSecretFolderName(folder.key, name)),
    ...members,
  };
  return { folder, payload };
};

const uidsOf = async (device: SecretsDevice) =>
  (await device.read('get_folders')).folders.map(({ folderUid }) => folderUid);

describe('create_folder', () => {
  test('makes a subfolder, and one in it, that applications see at once and the vault takes over', async () => {
    const { house, root, device } = await setUp();
    const outer = await creationOf(root, 'Outer', { parentUid: '' });
    const inner = await creationOf(root, 'Inner', { parentUid: outer.folder.uid });
    expect(await device.call('create_folder', outer.payload)).toMatchObject({ status: 200, json: null });
    expect(await device.call('create_folder', inner.payload)).toMatchObject({ status: 200 });
    const { folders } = await device.read('get_folders');
    expect(folders.map(({ folderUid, parent }) => [folderUid, parent])).toEqual([
      [root.uid, null],
      [outer.folder.uid, root.uid],
      [inner.folder.uid, outer.folder.uid],
    ]);
    expect(await folderNameOf(inner.folder.key, folders[2]?.data ?? '')).toBe('Inner');
    const writes = await house.writes();
    expect(writes.map(({ kind, base_revision, root_uid }) => [kind, base_revision, root_uid])).toEqual(
      [0, 1].map(() => [SecretWriteKind.CREATE_FOLDER, 0, null]),
    );
    expect(await device.call('create_folder', outer.payload)).toMatchObject({ error: 'bad_request' });
  });

  test.each([
    ['in a folder that is only read', false, {}, 'access_denied'],
    ['in an unknown folder', true, { sharedFolderUid: newUid() }, 'folder_uid_not_found'],
    ['below an unknown folder', true, { parentUid: newUid() }, 'folder_uid_not_found'],
    [
      'with a key of another length',
      true,
      { sharedFolderKey: encodeBase64url(randomBytes(60)) },
      'bad_request',
    ],
    ['with a name that is no whole block', true, { data: encodeBase64url(randomBytes(33)) }, 'bad_request'],
    ['with a name that is too long', true, { data: encodeBase64url(randomBytes(8192)) }, 'bad_request'],
  ])('%s is refused', async (_, editable, members, error) => {
    const { house, root, device } = await setUp(editable);
    const { payload } = await creationOf(root, 'x', members);
    expect(await device.call('create_folder', payload)).toMatchObject({ error });
    expect([await house.writes(), await uidsOf(device)]).toEqual([[], [root.uid]]);
  });
});

describe('update_folder', () => {
  test('names shared folders and subfolders; a new folder stays a new one', async () => {
    const { house, root, device } = await setUp();
    const { folder, payload } = await creationOf(root, 'First');
    await device.call('create_folder', payload);
    const rename = async ({ uid, key }: HouseFolder, name: string) =>
      await device.call('update_folder', {
        folderUid: uid,
        data: encodeBase64url(await sealSecretFolderName(key, name)),
      });
    expect(await rename(root, 'Root again')).toMatchObject({ status: 200, json: null });
    expect(await rename(folder, 'Second')).toMatchObject({ status: 200 });
    expect(await rename(folder, 'Third')).toMatchObject({ status: 200 });
    const { folders } = await device.read('get_folders');
    expect(await folderNameOf(root.key, folders[0]?.data ?? '')).toBe('Root again');
    expect(await folderNameOf(folder.key, folders[1]?.data ?? '')).toBe('Third');
    const kinds = (await house.writes()).map(({ kind }) => kind);
    expect(kinds).toEqual([SecretWriteKind.UPDATE_FOLDER, SecretWriteKind.CREATE_FOLDER]);
    expect(await rename({ ...root, uid: newUid() }, 'x')).toMatchObject({ error: 'folder_uid_not_found' });
  });

  test('not where the application only reads', async () => {
    const { root, device } = await setUp(false);
    const data = encodeBase64url(await sealSecretFolderName(root.key, 'x'));
    const answer = await device.call('update_folder', { folderUid: root.uid, data });
    expect(answer).toMatchObject({ status: 403, error: 'access_denied' });
  });
});

describe('delete_folder', () => {
  const remove = async (device: SecretsDevice, folderUids: readonly string[], forceDeletion = false) =>
    (await device.call('delete_folder', { folderUids, forceDeletion })).json;

  test('each by itself, what there is not left out, and never what has something in it', async () => {
    const { house, root, device } = await setUp();
    const [full, empty] = [
      await house.subfolder('Full', root, root),
      await house.subfolder('Empty', root, root),
    ];
    await house.record('inside', { folders: [full] });
    expect(await remove(device, [newUid(), 'x', full.uid, empty.uid, root.uid])).toEqual({
      folders: [
        { folderUid: full.uid, responseCode: 'bad_request', errorMessage: 'The folder is not empty' },
        { folderUid: empty.uid, responseCode: 'ok', errorMessage: null },
        { folderUid: root.uid, responseCode: 'access_denied', errorMessage: expect.any(String) },
      ],
      records: [],
    });
    expect(new Set(await uidsOf(device))).toEqual(new Set([root.uid, full.uid]));
    expect((await house.writes()).map(({ kind }) => kind)).toEqual([SecretWriteKind.DELETE_FOLDER]);
  });

  test('with force everything in it goes, new things without a trace', async () => {
    const { house, root, device } = await setUp();
    const outer = await house.subfolder('Outer', root, root);
    const inner = await house.subfolder('Inner', outer, root);
    const record = await house.record('inside', { folders: [inner] });
    await house.record('beside', { folders: [root] });
    const { payload } = await creationOf(root, 'New', { parentUid: inner.uid });
    await device.call('create_folder', payload);
    expect(await remove(device, [outer.uid], true)).toEqual({
      folders: [{ folderUid: outer.uid, responseCode: 'ok', errorMessage: null }],
      records: [],
    });
    expect(await uidsOf(device)).toEqual([root.uid]);
    expect((await device.read()).folders[0]?.records).toHaveLength(1);
    const writes = await house.writes();
    const { DELETE, DELETE_FOLDER } = SecretWriteKind;
    expect(writes.map(({ kind }) => kind)).toEqual([DELETE, DELETE_FOLDER, DELETE_FOLDER]);
    expect(writes[0]?.object_uid).toEqual(Buffer.from(uidBytes(record.uid)));
  });

  test('as long as a transaction is open in it, all of it stays', async () => {
    const { house, root, device } = await setUp();
    const sub = await house.subfolder('Sub', root, root);
    const record = await house.record('inside', { folders: [sub] });
    await house.record('inside, too', { folders: [sub] });
    const [read] =
      (await device.read('get_secret', { requestedRecords: [record.uid] })).folders[0]?.records ?? [];
    await device.update(read!, record.key, 'open', { transactionType: 'general' });
    expect(await remove(device, [sub.uid], true)).toMatchObject({
      folders: [{ responseCode: 'out_of_sync' }],
    });
    expect((await device.read()).folders[0]?.records).toHaveLength(2);
  });
});
