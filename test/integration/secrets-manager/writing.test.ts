// What the official SDK writes: what others read of it at once, and what the vault gets to take over.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SecretTransaction, SecretWriteKind } from '../../../protocol/messages/gen/secrets_pb.js';
import { openOwnerKey, openSecretJson } from '../../../protocol/secrets-manager/secret-seal.ts';
import { newUid, uidOf } from '../../../protocol/uid.ts';
import type { SdkDevice } from '../../fixtures/secrets/sdk-device.ts';
import {
  SecretsVault,
  type VaultApplication,
  type VaultFolder,
  type VaultSecret,
} from '../../fixtures/secrets/secrets-vault.ts';
import { startTrustedServer, type TrustedServer } from '../../fixtures/secrets/trusted-server.ts';

let server: TrustedServer;
let vault: SecretsVault;
let application: VaultApplication;
let other: VaultApplication;
let device: SdkDevice;
let onlooker: SdkDevice;
let folder: VaultFolder;
let subfolder: VaultFolder;

beforeAll(async () => {
  server = await startTrustedServer();
  vault = await SecretsVault.open(server.server);
  [application, other] = [await vault.createApplication(), await vault.createApplication('other')];
  folder = await vault.createFolder('Shared');
  subfolder = await vault.createSubfolder(folder, 'Below');
  await vault.share(application, [folder], true);
  await vault.share(other, [folder], true);
  [device, onlooker] = [await vault.addDevice(application), await vault.addDevice(other)];
});
afterAll(() => server.close());

const login = (password: string, title = 'login') => ({
  title,
  type: 'login',
  fields: [{ type: 'password', value: [password] }],
  custom: [],
});
const newSecret = (title = 'login') => vault.putSecret(login('first', title), { holders: [folder] });
const refusedAs = (error: string) =>
  expect.objectContaining({ message: expect.stringContaining(`"${error}"`) });

async function passwordOf(reader: SdkDevice, secret: VaultSecret | string): Promise<unknown> {
  const { data } = await reader.readOne(typeof secret === 'string' ? secret : secret.uid);
  return data.fields[0].value[0];
}

async function change(writer: SdkDevice, uid: string, password: string) {
  const record = await writer.readOne(uid);
  record.data.fields[0].value[0] = password;
  await writer.sdk.updateSecret(writer.options, record);
}

async function waiting(uid: string) {
  const found = (await vault.writes()).find(({ objectUid }) => uidOf(objectUid) === uid);
  if (!found) throw new Error('nothing waits');
  return found;
}

describe('update', () => {
  test('is read by other applications at once, and by the vault with the key of its version', async () => {
    const secret = await newSecret();
    const { revision } = await device.readOne(secret.uid);
    await change(device, secret.uid, 'second');
    expect(await passwordOf(onlooker, secret)).toBe('second');
    expect((await device.readOne(secret.uid)).revision).toBe(revision + 1);
    const write = await waiting(secret.uid);
    expect(write).toMatchObject({ kind: SecretWriteKind.UPDATE, baseRevision: 1n });
    expect(write.transaction).toBe(SecretTransaction.NONE);
    expect(uidOf(write.applicationUid)).toBe(application.uid);
    expect(await vault.readWrite(secret, write)).toEqual(login('second'));
    // A later one of another application stands in its place.
    await change(onlooker, secret.uid, 'third');
    expect(await vault.readWrite(secret, await waiting(secret.uid))).toEqual(login('third'));
    expect((await waiting(secret.uid)).write).toBeGreaterThan(write.write);
  });

  test('made on a copy that is old is refused, and can be done again after reading', async () => {
    const secret = await newSecret();
    const [mine, theirs] = [await device.readOne(secret.uid), await onlooker.readOne(secret.uid)];
    await change(onlooker, secret.uid, 'theirs');
    mine.data.fields[0].value[0] = 'mine';
    await expect(device.sdk.updateSecret(device.options, mine)).rejects.toEqual(refusedAs('out_of_sync'));
    expect(await passwordOf(device, secret)).toBe('theirs');
    await expect(onlooker.sdk.updateSecret(onlooker.options, theirs)).rejects.toEqual(
      refusedAs('out_of_sync'),
    );
    await change(device, secret.uid, 'mine');
    expect(await passwordOf(onlooker, secret)).toBe('mine');
  });

  test('after the vault made a new version is made on that, and the key of the former one is of no use', async () => {
    const secret = await newSecret();
    const stale = await device.readOne(secret.uid);
    await vault.reviseSecret(secret, login('by a person'));
    stale.data.fields[0].value[0] = 'late';
    await expect(device.sdk.updateSecret(device.options, stale)).rejects.toEqual(refusedAs('out_of_sync'));
    await change(device, secret.uid, 'after');
    const write = await waiting(secret.uid);
    expect(write.baseRevision).toBe(2n);
    expect(await vault.readWrite(secret, write)).toEqual(login('after'));
  });

  test('of what may only be read, of what is not there, is refused', async () => {
    const [secret, only] = [await newSecret(), await vault.createApplication('reader')];
    const direct = await vault.putSecret(login('first', 'direct'), { holders: [only] });
    await vault.share(only, [folder, direct]);
    const reader = await vault.addDevice(only);
    const before = await vault.writes();
    for (const uid of [secret.uid, direct.uid])
      await expect(change(reader, uid, 'x')).rejects.toEqual(refusedAs('access_denied'));
    const record = await reader.readOne(secret.uid);
    await vault.unshare(only, folder);
    await expect(reader.sdk.updateSecret(reader.options, record)).rejects.toEqual(
      refusedAs('record_uid_not_found'),
    );
    expect(await vault.writes()).toEqual(before);
    expect(await passwordOf(device, secret)).toBe('first');
  });

  test('of a record that was shared directly, too', async () => {
    const secret = await vault.putSecret(login('first', 'direct'), { holders: [application] });
    await vault.share(application, [secret], true);
    await change(device, secret.uid, 'second');
    expect(await passwordOf(device, secret)).toBe('second');
    expect(await vault.readWrite(secret, await waiting(secret.uid))).toEqual(login('second', 'direct'));
  });
});

describe('what the vault takes over', () => {
  test('is the next revision, and waits no more', async () => {
    const secret = await newSecret();
    await change(device, secret.uid, 'second');
    const write = await waiting(secret.uid);
    await vault.takeOver(secret, write, await vault.readWrite(secret, write));
    await expect(waiting(secret.uid)).rejects.toThrow('nothing waits');
    expect(await passwordOf(onlooker, secret)).toBe('second');
    await change(device, secret.uid, 'third');
    const next = await waiting(secret.uid);
    expect(next.baseRevision).toBe(2n);
    expect(await vault.readWrite(secret, next)).toEqual(login('third'));
  });

  test('is taken over anew when an application wrote meanwhile', async () => {
    const secret = await newSecret();
    await change(device, secret.uid, 'second');
    const write = await waiting(secret.uid);
    await change(onlooker, secret.uid, 'third');
    await expect(vault.takeOver(secret, write, login('second'))).rejects.toMatchObject({ code: 'conflict' });
    expect(await passwordOf(device, secret)).toBe('third');
    expect(await vault.readWrite(secret, await waiting(secret.uid))).toEqual(login('third'));
  });
});

describe('a transaction', () => {
  const begin = async (secret: VaultSecret, password: string, by = device) => {
    const record = await by.readOne(secret.uid);
    record.data.fields[0].value[0] = password;
    await by.sdk.updateSecret(by.options, record, by.sdk.UpdateTransactionType.Rotation);
  };
  const end = (secret: VaultSecret, rollback: boolean, by = device) =>
    by.sdk.completeTransaction(by.options, secret.uid, rollback);

  test('is read at once, held until it is finished, and then taken over', async () => {
    const secret = await newSecret();
    await begin(secret, 'rotated');
    expect(await passwordOf(onlooker, secret)).toBe('rotated');
    expect((await waiting(secret.uid)).transaction).toBe(SecretTransaction.ROTATION);
    await end(secret, false);
    const write = await waiting(secret.uid);
    expect(write.transaction).toBe(SecretTransaction.NONE);
    expect(await vault.readWrite(secret, write)).toEqual(login('rotated'));
  });

  test('that is rolled back leaves what was there before', async () => {
    const secret = await newSecret();
    await begin(secret, 'rotated');
    await end(secret, true);
    expect(await passwordOf(onlooker, secret)).toBe('first');
    await expect(waiting(secret.uid)).rejects.toThrow('nothing waits');
    await change(device, secret.uid, 'second');
    await begin(secret, 'rotated');
    await begin(secret, 'rotated again');
    await end(secret, true);
    expect(await passwordOf(onlooker, secret)).toBe('second');
    expect(await vault.readWrite(secret, await waiting(secret.uid))).toEqual(login('second'));
  });

  test('changes the revision with its end when it changes what is read', async () => {
    const secret = await newSecret();
    const { revision } = await device.readOne(secret.uid);
    await begin(secret, 'rotated');
    const during = await device.readOne(secret.uid);
    await end(secret, true);
    const after = await device.readOne(secret.uid);
    expect([during.revision, after.revision]).toEqual([revision + 1, revision + 2]);
    await expect(device.sdk.updateSecret(device.options, during)).rejects.toEqual(refusedAs('out_of_sync'));
  });

  test('of one client is in the way of others', async () => {
    const secret = await newSecret();
    await begin(secret, 'rotated');
    await expect(change(onlooker, secret.uid, 'theirs')).rejects.toEqual(refusedAs('out_of_sync'));
    await expect(begin(secret, 'theirs', onlooker)).rejects.toEqual(refusedAs('out_of_sync'));
    await expect(end(secret, true, onlooker)).rejects.toThrow();
    await expect(end(secret, false, onlooker)).rejects.toThrow();
    expect(await passwordOf(onlooker, secret)).toBe('rotated');
    await end(secret, false);
    await change(onlooker, secret.uid, 'theirs');
    expect(await passwordOf(device, secret)).toBe('theirs');
  });

  test.each([
    ['finished', false, 'rotated'],
    ['rolled back', true, 'second'],
  ])('is %s after the server was started again', async (_, rollback, password) => {
    const secret = await newSecret();
    await change(device, secret.uid, 'second');
    await begin(secret, 'rotated');
    await server.restart();
    expect(await passwordOf(onlooker, secret)).toBe('rotated');
    expect((await waiting(secret.uid)).transaction).toBe(SecretTransaction.ROTATION);
    await end(secret, rollback);
    expect(await passwordOf(onlooker, secret)).toBe(password);
    const write = await waiting(secret.uid);
    expect(write.transaction).toBe(SecretTransaction.NONE);
    expect(await vault.readWrite(secret, write)).toEqual(login(password));
  });

  test('that the person ends in place of a client that never comes back', async () => {
    const [undone, done] = [await newSecret(), await newSecret()];
    for (const secret of [undone, done]) await begin(secret, 'rotated');
    await vault.endTransaction(await waiting(undone.uid), false);
    await vault.endTransaction(await waiting(done.uid), true);
    expect([await passwordOf(onlooker, undone), await passwordOf(onlooker, done)]).toEqual([
      'first',
      'rotated',
    ]);
    expect((await waiting(done.uid)).transaction).toBe(SecretTransaction.NONE);
  });
});

describe('a new record', () => {
  test.each([
    ['in a shared folder', () => undefined],
    ['in a subfolder', () => subfolder.uid],
  ])('%s is there for all who have the folder, and for the vault', async (title, subFolderUid) => {
    const below = subFolderUid();
    const uid = await device.sdk.createSecret2(
      device.options,
      { folderUid: folder.uid, ...(below && { subFolderUid: below }) },
      login('made by a script', title),
    );
    for (const reader of [device, onlooker]) {
      const record = await reader.readOne(uid);
      expect(record).toMatchObject({ data: login('made by a script', title), folderUid: folder.uid });
      expect(record.innerFolderUid).toBe(below);
    }
    const write = await waiting(uid);
    expect(write).toMatchObject({ kind: SecretWriteKind.CREATE, baseRevision: 0n });
    expect(write.ownerKey).toHaveLength(125);
    const key = await openOwnerKey(application.owner.privateKey, write.ownerKey);
    expect(JSON.parse(await openSecretJson(key, write.data))).toEqual(login('made by a script', title));
    expect(uidOf(write.place?.folderUid ?? new Uint8Array(0))).toBe(folder.uid);
    // Changed before anybody took it over, it is still a new record.
    await change(onlooker, uid, 'changed at once');
    const next = await waiting(uid);
    expect(next.kind).toBe(SecretWriteKind.CREATE);
    expect(JSON.parse(await openSecretJson(key, next.data))).toEqual(login('changed at once', title));
    const secret = await vault.adopt(next, [below ? subfolder : folder], login('changed at once', title));
    await expect(waiting(uid)).rejects.toThrow('nothing waits');
    expect(await passwordOf(onlooker, uid)).toBe('changed at once');
    await change(device, uid, 'after the vault');
    expect(await vault.readWrite(secret, await waiting(uid))).toMatchObject(login('after the vault', title));
  });

  test('that a client puts where it may not write, or where there is nothing, is refused', async () => {
    const only = await vault.createApplication('reader');
    const elsewhere = await vault.createFolder('Elsewhere');
    await vault.share(only, [folder, elsewhere]);
    const reader = await vault.addDevice(only);
    await reader.read();
    const before = await vault.writes();
    const create = (by: SdkDevice, folderUid: string, subFolderUid?: string) =>
      by.sdk.createSecret2(by.options, { folderUid, ...(subFolderUid && { subFolderUid }) }, login('x'));
    await expect(create(reader, folder.uid)).rejects.toEqual(refusedAs('access_denied'));
    await device.read();
    await expect(create(device, folder.uid, newUid())).rejects.toEqual(refusedAs('folder_uid_not_found'));
    await vault.share(application, [elsewhere]);
    await device.read();
    await vault.unshare(application, elsewhere);
    await expect(create(device, elsewhere.uid)).rejects.toEqual(refusedAs('folder_uid_not_found'));
    expect(await vault.writes()).toEqual(before);
  });
});

describe('deleting', () => {
  test('hides a record from applications and asks the person, who keeps it or not', async () => {
    const [kept, gone] = [await newSecret('kept'), await newSecret('gone')];
    const unknown = newUid();
    const answer = await device.sdk.deleteSecret(device.options, [kept.uid, gone.uid, unknown]);
    const codes = new Map(answer.records.map(({ recordUid, responseCode }) => [recordUid, responseCode]));
    expect([codes.get(kept.uid), codes.get(gone.uid)]).toEqual(['ok', 'ok']);
    expect(codes.get(unknown)).not.toBe('ok');
    const read = () => onlooker.sdk.getSecrets(onlooker.options, [kept.uid, gone.uid]);
    expect((await read()).records).toEqual([]);
    const writes = [await waiting(kept.uid), await waiting(gone.uid)];
    expect(writes.map(({ kind }) => kind)).toEqual([SecretWriteKind.DELETE, SecretWriteKind.DELETE]);
    await vault.settle(await waiting(kept.uid), true);
    await vault.settle(await waiting(gone.uid), false);
    expect((await read()).records.map(({ recordUid }) => recordUid)).toEqual([kept.uid]);
  });

  test('a new record that nobody took over leaves nothing', async () => {
    await device.read();
    const uid = await device.sdk.createSecret(device.options, folder.uid, login('x'));
    const { records } = await device.sdk.deleteSecret(device.options, [uid]);
    expect(records).toMatchObject([{ recordUid: uid, responseCode: 'ok' }]);
    expect((await onlooker.sdk.getSecrets(onlooker.options, [uid])).records).toEqual([]);
  });

  test('a new record, and a new folder, that a vault was given already ask the person', async () => {
    await device.read();
    const { sdk, options } = device;
    const made = await sdk.createFolder(options, { folderUid: folder.uid }, 'Short');
    const uid = await sdk.createSecret(options, folder.uid, login('x'));
    const [given, givenFolder] = [await waiting(uid), await waiting(made)];
    expect((await sdk.deleteSecret(options, [uid])).records).toMatchObject([{ responseCode: 'ok' }]);
    expect((await sdk.deleteFolder(options, [made])).folders).toMatchObject([{ responseCode: 'ok' }]);
    expect((await onlooker.sdk.getSecrets(onlooker.options, [uid])).records).toEqual([]);
    const [deletion, ofFolder] = [await waiting(uid), await waiting(made)];
    const { DELETE, DELETE_FOLDER } = SecretWriteKind;
    expect([deletion.kind, ofFolder.kind]).toEqual([DELETE, DELETE_FOLDER]);
    await expect(vault.adopt(given, [folder], login('x'))).rejects.toMatchObject({ code: 'conflict' });
    await vault.settle(ofFolder, true);
    await vault.settle(deletion, true);
    expect([await waiting(uid), await waiting(made)]).toEqual([given, givenFolder]);
    expect(await passwordOf(onlooker, uid)).toBe('x');
  });

  test('what may only be read is refused, one by one', async () => {
    const secret = await newSecret();
    const only = await vault.createApplication('reader');
    await vault.share(only, [folder]);
    const reader = await vault.addDevice(only);
    const { records } = await reader.sdk.deleteSecret(reader.options, [secret.uid]);
    expect(records).toMatchObject([{ recordUid: secret.uid, responseCode: 'access_denied' }]);
    expect(await passwordOf(device, secret)).toBe('first');
  });
});

describe('folders', () => {
  const names = async (reader: SdkDevice) =>
    new Map((await reader.sdk.getFolders(reader.options)).map(({ folderUid, name }) => [folderUid, name]));

  test('are made, one below another, renamed and filled', async () => {
    await device.read();
    const { sdk, options } = device;
    const outer = await sdk.createFolder(options, { folderUid: folder.uid }, 'Outer');
    const inner = await sdk.createFolder(options, { folderUid: folder.uid, subFolderUid: outer }, 'Inner');
    const found = await onlooker.sdk.getFolders(onlooker.options);
    expect(found).toContainEqual({ folderUid: outer, parentUid: folder.uid, name: 'Outer' });
    expect(found).toContainEqual({ folderUid: inner, parentUid: outer, name: 'Inner' });
    await sdk.getFolders(options);
    await sdk.updateFolder(options, inner, 'Inmost');
    await sdk.updateFolder(options, subfolder.uid, 'Further down');
    const now = await names(onlooker);
    expect([now.get(inner), now.get(subfolder.uid)]).toEqual(['Inmost', 'Further down']);
    const uid = await sdk.createSecret2(
      options,
      { folderUid: folder.uid, subFolderUid: inner },
      login('x', 'inmost'),
    );
    expect(await onlooker.readOne(uid)).toMatchObject({ folderUid: folder.uid, innerFolderUid: inner });
    const kinds = new Map((await vault.writes()).map(({ objectUid, kind }) => [uidOf(objectUid), kind]));
    const { CREATE_FOLDER, UPDATE_FOLDER } = SecretWriteKind;
    expect([outer, inner, subfolder.uid].map((it) => kinds.get(it as typeof subfolder.uid))).toEqual([
      ...[CREATE_FOLDER, CREATE_FOLDER, UPDATE_FOLDER],
    ]);
  });

  test('that hold something are deleted by force alone', async () => {
    await device.read();
    const { sdk, options } = device;
    const outer = await sdk.createFolder(options, { folderUid: folder.uid }, 'Outer');
    await sdk.getFolders(options);
    const uid = await sdk.createSecret2(
      options,
      { folderUid: folder.uid, subFolderUid: outer },
      login('x', 'inside'),
    );
    const refused = await sdk.deleteFolder(options, [outer]);
    expect(refused.folders).toMatchObject([{ folderUid: outer }]);
    expect(refused.folders[0]?.responseCode).not.toBe('ok');
    expect(refused.records).toEqual([]);
    expect((await names(onlooker)).has(outer)).toBe(true);
    const done = await sdk.deleteFolder(options, [outer, newUid()], true);
    expect(done.folders).toMatchObject([{ folderUid: outer, responseCode: 'ok' }]);
    expect((await names(onlooker)).has(outer)).toBe(false);
    expect((await onlooker.sdk.getSecrets(onlooker.options, [uid])).records).toEqual([]);
  });
});
