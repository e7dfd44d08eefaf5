// The vault's side of files that applications read: stored in pieces, within the account's room, and nobody else's.
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chunkCountOf, sealedFileSize } from '../../../protocol/file-layout.ts';
import { limits } from '../../../protocol/limits.ts';
import { FileService } from '../../../protocol/messages/gen/file_pb.js';
import { SecretsService } from '../../../protocol/messages/gen/secrets_pb.js';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { ChunkSweep } from '../../../server/blobs/chunk-sweep.ts';
import { ChunkWrites } from '../../../server/blobs/chunk-writes.ts';
import { openFolderStore } from '../../../server/blobs/folder-store.ts';
import { createLogger } from '../../../server/log/logger.ts';
import { expireSecretFiles } from '../../../server/secrets/secret-file-rows.ts';
import { ApiClient, envelopeOf } from '../../fixtures/api-client.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { codeOf } from '../../fixtures/outcome.ts';

const { startSecretFile, putSecretFileChunk, finishSecretFile, getSecretFileChunk } = SecretsService.method;
const mib = limits.secrets.fileChunk;
const quota = 8 * mib;

describe('files for applications, as vaults store them', () => {
  let house: OpenServer;
  let count = 0;
  beforeAll(
    async () => void (house = await startOpenServer({}, { fileBounds: { largest: 2 ** 31, quota } })),
  );
  afterAll(() => house.close());

  const person = async () => {
    const vault = await ApiClient.connect(house.server.url);
    await vault.register(`secret-files${count++}@example.test`, 'correct horse battery');
    const recordUid = uidBytes(newUid());
    await vault.putRecords([{ recordUid, sealedKey: envelopeOf('key'), sealedData: envelopeOf('data') }]);
    return { vault, recordUid };
  };
  const announce = (recordUid: Uint8Array, size: number, fileUid = uidBytes(newUid())) => ({
    ...{ fileUid, recordUid, size: BigInt(size), data: new Uint8Array(randomBytes(400)) },
  });
  const chunk = (length: number) => new Uint8Array(randomBytes(length));
  const put = (vault: ApiClient, fileUid: Uint8Array, index: number, length: number) =>
    vault.call(putSecretFileChunk, { fileUid, index, chunk: chunk(length) });
  const onDisk = () =>
    readdirSync(join(house.server.config.dataFolder, 'files')).filter((name) => name !== 'incoming');

  test('are gone on with where an upload was, and end when no chunk is missing', async () => {
    const { vault, recordUid } = await person();
    const file = announce(recordUid, 2 * mib + 5);
    const { fileUid } = file;
    expect(await vault.call(startSecretFile, file)).toMatchObject({ finished: false });
    await put(vault, fileUid, 2, 5);
    await put(vault, fileUid, 0, mib);
    await put(vault, fileUid, 0, mib);
    const again = await vault.call(startSecretFile, file);
    expect([...again.stored]).toEqual([0b101]);
    expect(await codeOf(vault.call(finishSecretFile, { fileUid }))).toBe('conflict');
    expect(await codeOf(put(vault, fileUid, 1, mib - 1))).toBe('malformed');
    expect(await codeOf(put(vault, fileUid, 1, 0))).toBe('malformed');
    expect(await codeOf(put(vault, fileUid, 2, 6))).toBe('malformed');
    expect(await codeOf(put(vault, fileUid, 3, 5))).toBe('malformed');
    await put(vault, fileUid, 1, mib);
    await vault.call(finishSecretFile, { fileUid });
    await vault.call(finishSecretFile, { fileUid });
    expect(await codeOf(put(vault, fileUid, 1, mib))).toBe('conflict');
    expect(await vault.call(startSecretFile, file)).toMatchObject({ finished: true });
  });

  test('take another name when their attachment does, and no other content', async () => {
    const { vault, recordUid } = await person();
    const file = announce(recordUid, 100);
    await vault.call(startSecretFile, file);
    await put(vault, file.fileUid, 0, 100);
    await vault.call(finishSecretFile, file);
    const renamed = { ...file, data: new Uint8Array(randomBytes(384)) };
    expect(await vault.call(startSecretFile, renamed)).toMatchObject({ finished: true });
    const row = await house.db
      .selectFrom('secret_file')
      .select('data')
      .where('file_uid', '=', file.fileUid)
      .executeTakeFirstOrThrow();
    expect(Buffer.from(row.data).equals(renamed.data)).toBe(true);
    expect(await codeOf(vault.call(startSecretFile, { ...file, size: 101n }))).toBe('conflict');
    const other = uidBytes(newUid());
    await vault.putRecords([{ recordUid: other, sealedKey: envelopeOf('k'), sealedData: envelopeOf('d') }]);
    expect(await codeOf(vault.call(startSecretFile, { ...file, recordUid: other }))).toBe('conflict');
  });

  test('of one account are not there for another, which may have the same UID itself', async () => {
    const [one, other] = [await person(), await person()];
    const file = announce(one.recordUid, 100);
    await one.vault.call(startSecretFile, file);
    const { fileUid } = file;
    expect(await codeOf(put(other.vault, fileUid, 0, 100))).toBe('not-found');
    expect(await codeOf(other.vault.call(finishSecretFile, { fileUid }))).toBe('not-found');
    expect(await codeOf(other.vault.call(getSecretFileChunk, { fileUid, index: 0 }))).toBe('not-found');
    expect(await codeOf(other.vault.call(startSecretFile, file))).toBe('not-found');
    const own = announce(other.recordUid, 200, fileUid);
    await other.vault.call(startSecretFile, own);
    await put(other.vault, fileUid, 0, 200);
    await put(one.vault, fileUid, 0, 100);
    await one.vault.call(finishSecretFile, { fileUid });
    await other.vault.call(finishSecretFile, { fileUid });
  });

  test('are not given back to vaults, which have the attachment: only what applications added is', async () => {
    const { vault, recordUid } = await person();
    const file = announce(recordUid, 100);
    await vault.call(startSecretFile, file);
    await put(vault, file.fileUid, 0, 100);
    await vault.call(finishSecretFile, file);
    const read = vault.call(getSecretFileChunk, { fileUid: file.fileUid, index: 0 });
    expect(await codeOf(read)).toBe('not-found');
  });

  test("count for the account's files, and attachments count for them", async () => {
    const { vault, recordUid } = await person();
    const message = (call: Promise<unknown>) => call.catch((error: unknown) => (error as Error).message);
    await vault.call(startSecretFile, announce(recordUid, 5 * mib));
    const attachment = (size: number) => ({
      ...{ fileUid: uidBytes(newUid()), recordUid, sealedNote: envelopeOf('note') },
      ...{ chunkCount: chunkCountOf(size), sealedSize: BigInt(sealedFileSize(size)) },
    });
    const full = 'the files of this account may take 8 MiB';
    expect(await message(vault.call(FileService.method.startFile, attachment(3 * mib)))).toBe(full);
    await vault.call(FileService.method.startFile, attachment(2 * mib));
    expect(await message(vault.call(startSecretFile, announce(recordUid, mib)))).toBe(full);
    await vault.call(startSecretFile, announce(recordUid, mib / 4));
  });

  test('are refused when no file is so, or is larger than applications may have', async () => {
    const { vault, recordUid } = await person();
    const code = (change: object) =>
      codeOf(vault.call(startSecretFile, { ...announce(recordUid, 100), ...change }));
    expect(await code({ size: 27n })).toBe('malformed');
    expect(await code({ size: 2n ** 60n })).toBe('limit-reached');
    expect(await code({ size: BigInt(limits.secrets.file) + 1n })).toBe('limit-reached');
    expect(await code({ data: new Uint8Array(29) })).toBe('malformed');
    expect(await code({ data: new Uint8Array(8193) })).toBe('malformed');
    expect(await code({ fileUid: new Uint8Array(15) })).toBe('malformed');
    expect(await code({ recordUid: uidBytes(newUid()) })).toBe('not-found');
  });

  test('go after a day when they stand still, or nothing names them; with their chunks', async () => {
    const { vault, recordUid } = await person();
    const before = new Set(onDisk());
    const [half, whole] = [announce(recordUid, mib + 1), announce(recordUid, 50)];
    for (const file of [half, whole]) await vault.call(startSecretFile, file);
    await put(vault, half.fileUid, 0, mib);
    await put(vault, whole.fileUid, 0, 50);
    await vault.call(finishSecretFile, whole);
    const mine = () => onDisk().filter((name) => !before.has(name));
    expect(mine()).toHaveLength(2);
    const blobs = openFolderStore(join(house.server.config.dataFolder, 'files'));
    const sweep = new ChunkSweep(house.db, blobs, new ChunkWrites(), createLogger('silent'), [
      expireSecretFiles,
    ]);
    await sweep.run(Date.now() + limits.uploadMs - 60_000);
    expect(mine()).toHaveLength(2);
    await sweep.run(Date.now() + limits.uploadMs + 60_000);
    expect(mine()).toEqual([]);
    expect(await codeOf(put(vault, half.fileUid, 1, 1))).toBe('not-found');
    expect(await vault.call(startSecretFile, whole)).toMatchObject({ finished: false });
  });
});
