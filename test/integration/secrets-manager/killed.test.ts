// The server is killed (kill -9) in the middle of what the official SDK does: nothing half written is read, nothing stays for good,
// and the client may do it again.
import { existsSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeeperRecord } from '@keeper-security/secrets-manager-core';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { limits } from '../../../protocol/limits.ts';
import { SecretTransaction } from '../../../protocol/messages/gen/secrets_pb.js';
import { uidBytes, uidOf } from '../../../protocol/uid.ts';
import { ChunkSweep } from '../../../server/blobs/chunk-sweep.ts';
import { ChunkWrites } from '../../../server/blobs/chunk-writes.ts';
import { openFolderStore } from '../../../server/blobs/folder-store.ts';
import { createLogger } from '../../../server/log/logger.ts';
import { expireSecretFiles } from '../../../server/secrets/secret-file-rows.ts';
import type { Tx } from '../../../server/store/database.ts';
import { startKillableServer, type KillableServer } from '../../fixtures/secrets/killable-server.ts';
import type { SdkDevice } from '../../fixtures/secrets/sdk-device.ts';
import { SecretsVault, type VaultFolder, type VaultSecret } from '../../fixtures/secrets/secrets-vault.ts';

let server: KillableServer;
let vault: SecretsVault;
let folder: VaultFolder;
let device: SdkDevice;
let onlooker: SdkDevice;

beforeAll(async () => {
  server = await startKillableServer();
  vault = await SecretsVault.open(server);
  folder = await vault.createFolder('Shared');
  const [one, other] = [await vault.createApplication(), await vault.createApplication('other')];
  for (const application of [one, other]) await vault.share(application, [folder], true);
  [device, onlooker] = [await vault.addDevice(one), await vault.addDevice(other)];
});
afterAll(() => server.close());

const mebibyte = limits.secrets.fileChunk;
const login = (password: string) => ({
  ...{ title: 'login', type: 'login', custom: [] },
  fields: [{ type: 'password', value: [password] }],
});
const newSecret = () => vault.putSecret(login('first'), { holders: [folder] });

/** What the store has of a record that a half-done change would leave its trace in. */
async function rowsOf({ uid }: VaultSecret) {
  const { db } = server;
  const secret = db.selectFrom('secret').select('revision').where('record_uid', '=', uidBytes(uid));
  const files = db.selectFrom('secret_file').select('finished').where('record_uid', '=', uidBytes(uid));
  const writes = db.selectFrom('secret_write').select('transaction').where('object_uid', '=', uidBytes(uid));
  return {
    ...(await secret.executeTakeFirstOrThrow()),
    files: (await files.execute()).map(({ finished }) => finished),
    writes: (await writes.execute()).map(({ transaction }) => transaction),
  };
}

/** The record's file, or the record itself, for {@link KillableServer.killWaiting}. */
const holdFile =
  ({ uid }: VaultSecret) =>
  (tx: Tx) =>
    tx.selectFrom('secret_file').select('size').where('record_uid', '=', uidBytes(uid)).forUpdate().execute();
const holdSecret =
  ({ uid }: VaultSecret) =>
  (tx: Tx) =>
    tx.selectFrom('secret').select('revision').where('record_uid', '=', uidBytes(uid)).forUpdate().execute();

type Send = () => Promise<{ readonly statusCode: number }>;

/** By the SDK. `around` gets how it would send the sealed bytes, which sends them again when it is called again. */
async function upload(
  record: KeeperRecord,
  data: Uint8Array,
  around: (send: Send, blob: Uint8Array) => ReturnType<Send> = (send) => send(),
): Promise<string> {
  const { sdk, options } = device;
  const { platform } = sdk;
  const { fileUpload } = platform;
  platform.fileUpload = async (url, parameters, blob) => {
    if (!(blob instanceof Uint8Array)) throw new Error('not bytes');
    return await around(() => fileUpload(url, parameters, blob), blob);
  };
  try {
    return await sdk.uploadFile(options, record, { name: 'data.bin', title: 'data', data });
  } finally {
    platform.fileUpload = fileUpload;
  }
}

/** The SDK sends the file; the server dies when its first chunks are on the disk. Resolves with what was sent, and how to again. */
async function uploadUntilKilled(record: KeeperRecord, data: Uint8Array) {
  let sent: { readonly send: Send; readonly blob: Uint8Array } | null = null;
  const uploaded = upload(record, data, async (send, blob) => {
    sent = { send, blob };
    const [end] = await Promise.allSettled([send(), killAtFirstChunk()]);
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
  await expect(uploaded).rejects.toThrow(diedIn);
  if (!sent) throw new Error('nothing was sent');
  return sent as { readonly send: Send; readonly blob: Uint8Array };
}

/** Of a folder that is not there yet. */
async function killAtFirstChunk(): Promise<void> {
  const closing = new AbortController();
  const { signal } = closing;
  await new Promise<void>((resolve) => {
    watch(server.blobs, { signal }, (_, name) => {
      if (!name?.startsWith('a')) return;
      const folder = join(server.blobs, name);
      if (readdirSync(folder).length > 0) resolve();
      else watch(folder, { signal }, () => resolve());
    });
  });
  closing.abort();
  await server.kill();
}

/** What a connection of Node says whose other end is gone. */
const diedIn = /socket hang up|ECONNRESET|EPIPE/;

async function readFiles(reader: SdkDevice, { uid }: VaultSecret): Promise<Uint8Array[]> {
  const { files = [] } = await reader.readOne(uid);
  return await Promise.all(files.map((file) => reader.sdk.downloadFile(file)));
}

/** Whether each of them is that one: the SDK gives Buffers, whose comparison by Vitest is slow. */
async function filesAre(reader: SdkDevice, secret: VaultSecret, data: Uint8Array): Promise<boolean[]> {
  return (await readFiles(reader, secret)).map((read) => Buffer.compare(read, data) === 0);
}

/** The same of large ones: the SDK copies all it has with each piece that comes. */
async function blobsAre(reader: SdkDevice, { uid }: VaultSecret, blob: Uint8Array): Promise<boolean[]> {
  const { files = [] } = await reader.readOne(uid);
  const blobs = files.map(async ({ url = '' }) => (await fetch(url)).arrayBuffer());
  return (await Promise.all(blobs)).map((read) => Buffer.compare(new Uint8Array(read), blob) === 0);
}

/** As the server sweeps at that time. */
async function sweepAt(now: number): Promise<void> {
  const { db, blobs } = server;
  const log = createLogger('silent');
  await new ChunkSweep(db, openFolderStore(blobs), new ChunkWrites(), log, [expireSecretFiles]).run(now);
}

const passwordOf = async (reader: SdkDevice, { uid }: VaultSecret) =>
  (await reader.readOne(uid)).data.fields[0].value[0];

describe('a server that is killed while a file comes', () => {
  test('shows nothing of it afterwards; the client sends it again to the same address', async () => {
    const secret = await newSecret();
    const data = content(40 * mebibyte);
    const before = server.chunks();
    const { send, blob } = await uploadUntilKilled(await device.readOne(secret.uid), data);
    const half = newSince(before);
    expect(half).toHaveLength(1);
    expect(half[0]?.[1]).toBeGreaterThan(0);
    expect(half[0]?.[1]).toBeLessThan(40);
    await server.start();
    expect(readdirSync(join(server.blobs, 'incoming'))).toEqual([]);
    expect(await rowsOf(secret)).toMatchObject({ files: [false], writes: [SecretTransaction.NONE] });
    for (const reader of [device, onlooker]) expect(await readFiles(reader, secret)).toEqual([]);
    expect(await waitingFiles(secret)).toEqual([0n]);
    expect(await send()).toMatchObject({ statusCode: 201 });
    for (const reader of [device, onlooker]) expect(await blobsAre(reader, secret, blob)).toEqual([true]);
    expect(await waitingFiles(secret)).toEqual([BigInt(blob.length)]);
  });

  test('lets the client begin anew; what came of the first file goes after a day', async () => {
    const secret = await newSecret();
    const before = server.chunks();
    await uploadUntilKilled(await device.readOne(secret.uid), content(40 * mebibyte));
    const half = newSince(before).map(([name]) => name);
    expect(half).toHaveLength(1);
    await server.start();
    const data = content(mebibyte);
    await upload(await device.readOne(secret.uid), data);
    expect(await filesAre(onlooker, secret, data)).toEqual([true]);
    const left = () => half.filter((name) => existsSync(join(server.blobs, name)));
    await sweepAt(Date.now() + limits.uploadMs - 60_000);
    expect(left()).toEqual(half);
    await sweepAt(Date.now() + limits.uploadMs + 60_000);
    expect(left()).toEqual([]);
    expect(await rowsOf(secret)).toMatchObject({ files: [true] });
    expect(await server.db.selectFrom('chunk_removal').selectAll().execute()).toEqual([]);
    expect(await filesAre(onlooker, secret, data)).toEqual([true]);
  });

  test('and all of its bytes are there, but not the word that they are: it is not there, and is sent again', async () => {
    const secret = await newSecret();
    const data = content(3 * mebibyte);
    const before = server.chunks();
    let sendAgain: Send | null = null;
    const uploaded = upload(await device.readOne(secret.uid), data, async (send) => {
      sendAgain = send;
      return await server.killWaiting(holdFile(secret), send);
    });
    await expect(uploaded).rejects.toThrow(diedIn);
    expect(newSince(before).map(([, count]) => count)).toEqual([4]);
    await server.start();
    expect(await rowsOf(secret)).toMatchObject({ files: [false] });
    expect(await readFiles(onlooker, secret)).toEqual([]);
    expect(await waitingFiles(secret)).toEqual([0n]);
    expect(await (sendAgain as Send | null)?.()).toMatchObject({ statusCode: 201 });
    expect(await filesAre(onlooker, secret, data)).toEqual([true]);
    expect(newSince(before).map(([, count]) => count)).toEqual([4]);
  });

  test('between its announcement and its first byte: the address is good in the next life', async () => {
    const secret = await newSecret();
    const data = content(1000);
    await upload(await device.readOne(secret.uid), data, async (send) => {
      await server.kill();
      await expect(send()).rejects.toThrow('ECONNREFUSED');
      await server.start();
      expect((await onlooker.readOne(secret.uid)).files ?? []).toEqual([]);
      return await send();
    });
    expect(await filesAre(onlooker, secret, data)).toEqual([true]);
  });

  test('in its announcement: the record is as it was, and the same copy of it is good for another try', async () => {
    const secret = await newSecret();
    const data = content(1000);
    const record = await device.readOne(secret.uid);
    const before = await rowsOf(secret);
    const announced = server.killWaiting(holdSecret(secret), () => upload(structuredClone(record), data));
    await expect(announced).rejects.toThrow(diedIn);
    await server.start();
    expect(await rowsOf(secret)).toEqual(before);
    expect((await onlooker.readOne(secret.uid)).data).toEqual(record.data);
    await upload(await device.readOne(secret.uid), data);
    expect(await filesAre(onlooker, secret, data)).toEqual([true]);
  });
});

describe('a server that is killed in a transaction', () => {
  const begin = async (secret: VaultSecret, password: string) => {
    const record = await device.readOne(secret.uid);
    record.data.fields[0].value[0] = password;
    const { sdk, options } = device;
    await sdk.updateSecret(options, record, sdk.UpdateTransactionType.Rotation);
  };
  const end = (secret: VaultSecret, rollback: boolean) =>
    device.sdk.completeTransaction(device.options, secret.uid, rollback);

  test.each([
    ['finishes', false, 'rotated', [SecretTransaction.NONE]],
    ['takes back', true, 'first', []],
  ])('%s it afterwards as its client wants', async (_, rollback, password, writes) => {
    const secret = await newSecret();
    await begin(secret, 'rotated');
    await server.kill();
    await server.start();
    expect(await passwordOf(onlooker, secret)).toBe('rotated');
    expect(await rowsOf(secret)).toMatchObject({ writes: [SecretTransaction.ROTATION] });
    await end(secret, rollback);
    expect(await passwordOf(onlooker, secret)).toBe(password);
    expect(await rowsOf(secret)).toMatchObject({ writes });
  });

  test('has not begun one whose beginning it was killed in', async () => {
    const secret = await newSecret();
    const before = await rowsOf(secret);
    await expect(server.killWaiting(holdSecret(secret), () => begin(secret, 'rotated'))).rejects.toThrow(
      diedIn,
    );
    await server.start();
    expect(await rowsOf(secret)).toEqual(before);
    expect(await passwordOf(onlooker, secret)).toBe('first');
    await expect(end(secret, false)).rejects.toThrow('out_of_sync');
    await begin(secret, 'rotated');
    await end(secret, false);
    expect(await passwordOf(onlooker, secret)).toBe('rotated');
  });

  test.each([
    ['finish', false, 'rotated'],
    ['rollback', true, 'first'],
  ])(
    'has it open still when it was killed in its %s, which is asked for again',
    async (_, rollback, password) => {
      const secret = await newSecret();
      await begin(secret, 'rotated');
      const before = await rowsOf(secret);
      const ended = server.killWaiting(holdSecret(secret), () => end(secret, rollback));
      await expect(ended).rejects.toThrow(diedIn);
      await server.start();
      expect(await rowsOf(secret)).toEqual(before);
      await end(secret, rollback);
      expect(await passwordOf(onlooker, secret)).toBe(password);
    },
  );
});

/** Bytes that no two sizes share. */
function content(size: number): Uint8Array {
  const pattern = randomBytes(Math.min(size, 65_521));
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += pattern.length) bytes.set(pattern.subarray(0, size - at), at);
  return bytes;
}

function newSince(before: Readonly<Record<string, number>>) {
  return Object.entries(server.chunks()).filter(([name]) => !(name in before));
}

/** Sizes of files that the vault is offered to take over; 0: it has not come. */
async function waitingFiles({ uid }: VaultSecret): Promise<bigint[]> {
  const write = (await vault.writes()).find(({ objectUid }) => uidOf(objectUid) === uid);
  return write?.files.map(({ size }) => size) ?? [];
}
