// Files by the official SDK: whole, of every size, for all who have the record.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeeperRecord } from '@keeper-security/secrets-manager-core';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { openSecretFile, unwrapSecretKey } from '../../../protocol/secrets-manager/secret-seal.ts';
import { uidOf } from '../../../protocol/uid.ts';
import type { SdkDevice } from '../../fixtures/secrets/sdk-device.ts';
import {
  SecretsVault,
  type VaultApplication,
  type VaultFolder,
} from '../../fixtures/secrets/secrets-vault.ts';
import { startTrustedServer, type TrustedServer } from '../../fixtures/secrets/trusted-server.ts';

let server: TrustedServer;
let vault: SecretsVault;
let application: VaultApplication;
let folder: VaultFolder;
let device: SdkDevice;
let onlooker: SdkDevice;

beforeAll(async () => {
  server = await startTrustedServer();
  vault = await SecretsVault.open(server.server);
  application = await vault.createApplication();
  const other = await vault.createApplication('other');
  folder = await vault.createFolder('Shared');
  await vault.share(application, [folder], true);
  await vault.share(other, [folder], true);
  [device, onlooker] = [await vault.addDevice(application), await vault.addDevice(other)];
});
afterAll(() => server.close());

const mebibyte = 2 ** 20;
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const newSecret = () => vault.putSecret({ title: 'with files' }, { holders: [folder] });

/** Bytes that no two sizes share, without a hundred megabytes of randomness. */
function content(size: number): Uint8Array {
  const pattern = randomBytes(Math.min(Math.max(size, 1), 65_521));
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += pattern.length) bytes.set(pattern.subarray(0, size - at), at);
  return bytes;
}

async function upload(by: SdkDevice, uid: string, name: string, data: Uint8Array): Promise<string> {
  const record = await by.readOne(uid);
  return await by.sdk.uploadFile(by.options, record, { name, title: `title of ${name}`, type: 'a/b', data });
}

async function download(by: SdkDevice, uid: string, fileUid: string): Promise<Uint8Array> {
  const file = fileOf(await by.readOne(uid), fileUid);
  return await by.sdk.downloadFile(file);
}

function fileOf({ files = [] }: KeeperRecord, fileUid: string) {
  const file = files.find((one) => one.fileUid === fileUid);
  if (!file) throw new Error('the file is not there');
  return file;
}

describe('a file', () => {
  test.each([0, 1, 15, 16, 65_536, mebibyte - 28, mebibyte - 27, mebibyte, 9 * mebibyte + 7])(
    'of %i bytes arrives as it went',
    async (size) => {
      const secret = await newSecret();
      const data = content(size);
      const fileUid = await upload(device, secret.uid, 'data.bin', data);
      for (const reader of [device, onlooker]) {
        const record = await reader.readOne(secret.uid);
        expect(record.data.fields).toContainEqual({ type: 'fileRef', value: [fileUid] });
        const file = fileOf(record, fileUid);
        expect(file.data).toMatchObject({ name: 'data.bin', title: 'title of data.bin', type: 'a/b', size });
        expect(hashOf(await reader.sdk.downloadFile(file))).toBe(hashOf(data));
      }
    },
    120_000,
  );

  test('of a hundred megabytes arrives as it went', async () => {
    const secret = await newSecret();
    const data = content(100_000_000);
    const fileUid = await upload(device, secret.uid, 'large.bin', data);
    const { data: described, url = '' } = fileOf(await onlooker.readOne(secret.uid), fileUid);
    expect(described).toMatchObject({ name: 'large.bin', size: data.length });
    // At the address that the SDK gives, but not by the SDK: it copies all it has with each 16 KiB that come.
    const response = await fetch(url);
    expect(response.headers.get('content-length')).toBe(String(data.length + 28));
    const blob = new Uint8Array(await response.arrayBuffer());
    const write = (await vault.writes()).find(({ objectUid }) => uidOf(objectUid) === secret.uid);
    const [file] = write?.files ?? [];
    const key = await unwrapSecretKey(vault.keyOf(secret, 1n), file?.wrappedKey ?? new Uint8Array(0));
    expect(hashOf(await openSecretFile(key, blob))).toBe(hashOf(data));
  });

  test('is offered to the vault with what it takes to open it', async () => {
    const secret = await newSecret();
    const fileUid = await upload(device, secret.uid, 'a.txt', content(100));
    const write = (await vault.writes()).find(({ objectUid }) => uidOf(objectUid) === secret.uid);
    expect(write?.files.map((file) => [uidOf(file.fileUid), file.size])).toEqual([[fileUid, 128n]]);
    if (!write) throw new Error('nothing waits');
    expect(await vault.readWrite(secret, write)).toMatchObject({
      fields: [{ type: 'fileRef', value: [fileUid] }],
    });
  });

  test('is one of several, found by its name', async () => {
    const secret = await newSecret();
    const first = await upload(device, secret.uid, 'first.txt', content(10));
    const second = await upload(onlooker, secret.uid, 'second.txt', content(20));
    const { files = [] } = await device.readOne(secret.uid);
    expect(files.map(({ fileUid }) => fileUid).sort()).toEqual([first, second].sort());
    const [value] = await device.sdk.getNotationResults(device.options, `${secret.uid}/file/second.txt`);
    expect(hashOf(Buffer.from(value ?? '', 'base64url'))).toBe(
      hashOf(await download(device, secret.uid, second)),
    );
  });

  test('is there only when it arrived', async () => {
    const secret = await newSecret();
    const { sdk, options } = device;
    const record = await device.readOne(secret.uid);
    const broken = { ...options };
    // The SDK asks for a place first; what comes then never arrives.
    broken.queryFunction = async (url, transmissionKey, payload) => {
      const answer = await sdk.postFunction(url, transmissionKey, payload);
      if (answer.statusCode === 200) throw new Error('the script was ended');
      return answer;
    };
    const file = { name: 'lost.txt', title: 'lost', data: content(10) };
    await expect(sdk.uploadFile(broken, record, file)).rejects.toThrow('the script was ended');
    expect((await onlooker.readOne(secret.uid)).files ?? []).toEqual([]);
  });

  test('made on a copy of the record that is old is refused', async () => {
    const secret = await newSecret();
    const stale = await device.readOne(secret.uid);
    await upload(onlooker, secret.uid, 'theirs.txt', content(5));
    const file = { name: 'mine.txt', title: 'mine', data: content(5) };
    await expect(device.sdk.uploadFile(device.options, stale, file)).rejects.toThrow('out_of_sync');
    const { files = [] } = await device.readOne(secret.uid);
    expect(files.map(({ data }) => data.name)).toEqual(['theirs.txt']);
  });

  test('that a client takes off the record is not there any more', async () => {
    const secret = await newSecret();
    const gone = await upload(device, secret.uid, 'gone.txt', content(5));
    const kept = await upload(device, secret.uid, 'kept.txt', content(5));
    const record = await device.readOne(secret.uid);
    await device.sdk.updateSecret2(device.options, record, { links2Remove: [gone] });
    const { files = [], data } = await onlooker.readOne(secret.uid);
    expect(files.map(({ fileUid }) => fileUid)).toEqual([kept]);
    expect(data.fields).toContainEqual({ type: 'fileRef', value: [kept] });
  });

  test('of a record that may only be read is read, and none is added', async () => {
    const secret = await newSecret();
    const data = content(1000);
    const fileUid = await upload(device, secret.uid, 'a.bin', data);
    const only = await vault.createApplication('reader');
    await vault.share(only, [folder]);
    const reader = await vault.addDevice(only);
    expect(hashOf(await download(reader, secret.uid, fileUid))).toBe(hashOf(data));
    await expect(upload(reader, secret.uid, 'b.bin', data)).rejects.toThrow('access_denied');
  });
});
