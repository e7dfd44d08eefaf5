import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chunkCountOf, sealedFileSize } from '../../../protocol/file-layout.ts';
import { limits } from '../../../protocol/limits.ts';
import { FileService } from '../../../protocol/messages/gen/file_pb.js';
import { newUid, uidBytes, uidOf } from '../../../protocol/uid.ts';
import { ApiClient, envelopeOf } from '../../fixtures/api-client.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';
import { sealedChunks } from '../../fixtures/sealed-file.ts';

const { startFile, putChunk, finishFile, listFileChunks, listUploads, getChunk, deleteFile } =
  FileService.method;
const quota = 12 * limits.fileChunk;
const largest = 6 * limits.fileChunk;

describe('files', () => {
  let server: TestServer;
  let count = 0;
  beforeAll(async () => void (server = await startTestServer({ fileBounds: { largest, quota } })));
  afterAll(() => server.close());

  const person = async () => {
    const client = await ApiClient.connect(server.url);
    await client.register(`files${count++}@example.test`, 'correct horse battery');
    const recordUid = uidBytes(newUid());
    const change = { recordUid, sealedKey: envelopeOf('key'), sealedData: envelopeOf('data') };
    await client.putRecords([change]);
    return { client, recordUid };
  };
  const announce = (recordUid: Uint8Array, size: number, fileUid = uidBytes(newUid())) => ({
    fileUid,
    recordUid,
    chunkCount: chunkCountOf(size),
    sealedSize: BigInt(sealedFileSize(size)),
    sealedNote: envelopeOf('note'),
  });
  const stored = async (size = 100) => {
    const { client, recordUid } = await person();
    const started = announce(recordUid, size);
    await client.call(startFile, started);
    const chunks = sealedChunks(size);
    for (const [index, sealed] of chunks.entries())
      await client.call(putChunk, { fileUid: started.fileUid, index, sealed });
    await client.call(finishFile, { fileUid: started.fileUid });
    return { client, recordUid, fileUid: started.fileUid, chunks };
  };

  test('what was put comes back, byte for byte, once the file is finished', async () => {
    const size = 2 * limits.fileChunk + 5;
    const { client, fileUid, chunks } = await stored(size);
    for (const [index, sealed] of chunks.entries()) {
      const got = await client.call(getChunk, { fileUid, index });
      expect(Buffer.from(got.sealed).equals(sealed)).toBe(true);
    }
    expect(await codeOf(client.call(getChunk, { fileUid, index: chunks.length }))).toBe('malformed');
  });

  test('an upload goes on where it was: chunks in any order, each again, none missing at the end', async () => {
    const { client, recordUid } = await person();
    const size = 3 * limits.fileChunk;
    const started = announce(recordUid, size);
    const { fileUid } = started;
    await client.call(startFile, started);
    await client.call(startFile, started);
    const chunks = sealedChunks(size);
    for (const index of [2, 0, 2])
      await client.call(putChunk, { fileUid, index, sealed: chunks[index] ?? new Uint8Array() });
    expect(await client.call(listFileChunks, { fileUid })).toMatchObject({ stored: Uint8Array.of(0b101) });
    expect(await codeOf(client.call(finishFile, { fileUid }))).toBe('conflict');
    expect(await codeOf(client.call(getChunk, { fileUid, index: 0 }))).toBe('not-found');
    const { uploads } = await client.call(listUploads, {});
    expect(uploads.map((upload) => uidOf(upload.fileUid))).toEqual([uidOf(fileUid)]);
    expect(Buffer.from(uploads[0]?.sealedNote ?? []).equals(started.sealedNote)).toBe(true);
    for (const index of [1, 3])
      await client.call(putChunk, { fileUid, index, sealed: chunks[index] ?? new Uint8Array() });
    await client.call(finishFile, { fileUid });
    await client.call(finishFile, { fileUid });
    const again = { fileUid, index: 1, sealed: chunks[1] ?? new Uint8Array() };
    expect(await codeOf(client.call(putChunk, again))).toBe('conflict');
  });

  test('a record that names a file ends its upload, and the note with its key goes', async () => {
    const { client, recordUid, fileUid } = await stored();
    expect((await client.call(listUploads, {})).uploads).toHaveLength(1);
    const change = {
      ...{ recordUid, baseRevision: 1n, fileUids: [fileUid] },
      ...{ sealedKey: envelopeOf('key'), sealedData: envelopeOf('data') },
    };
    await client.putRecords([change]);
    expect((await client.call(listUploads, {})).uploads).toEqual([]);
    expect((await client.call(getChunk, { fileUid, index: 0 })).sealed.length).toBeGreaterThan(0);
  });

  test("another account's files are not there, neither to read nor to change", async () => {
    const { fileUid, recordUid } = await stored();
    const { client: stranger, recordUid: own } = await person();
    const sealed = sealedChunks(100)[0] ?? new Uint8Array();
    const calls = [
      stranger.call(getChunk, { fileUid, index: 0 }),
      stranger.call(putChunk, { fileUid, index: 0, sealed }),
      stranger.call(finishFile, { fileUid }),
      stranger.call(listFileChunks, { fileUid }),
      stranger.call(deleteFile, { fileUid }),
      stranger.call(startFile, announce(recordUid, 100)),
      stranger.call(startFile, announce(uidBytes(newUid()), 100)),
    ];
    expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'not-found'));
    expect(await codeOf(stranger.call(startFile, announce(own, 100, fileUid)))).toBe('conflict');
    expect((await stranger.call(listUploads, {})).uploads).toEqual([]);
  });

  test('bounds are refused by name: one file, the quota, and layouts that no file has', async () => {
    const { client, recordUid } = await person();
    const message = (call: Promise<unknown>) => call.catch((error: unknown) => (error as Error).message);
    expect(
      await message(client.call(startFile, announce(recordUid, largest + limits.fileChunkPadding))),
    ).toBe('a file may have 6 MiB');
    await client.call(startFile, announce(recordUid, largest));
    expect(await message(client.call(startFile, announce(recordUid, largest)))).toBe(
      'the files of this account may take 12 MiB',
    );
    const odd = (change: object) =>
      codeOf(client.call(startFile, { ...announce(recordUid, 100), ...change }));
    expect(await odd({ chunkCount: 0 })).toBe('malformed');
    expect(await odd({ chunkCount: 2 })).toBe('malformed');
    expect(await odd({ sealedSize: 300n })).toBe('malformed');
    expect(await odd({ sealedNote: new Uint8Array(20) })).toBe('malformed');
    expect(await odd({ fileUid: new Uint8Array(15) })).toBe('malformed');
  });

  test('a chunk of another length, or in clear, is refused', async () => {
    const { client, recordUid } = await person();
    const started = announce(recordUid, 100);
    await client.call(startFile, started);
    const { fileUid } = started;
    const sealed = sealedChunks(100)[0] ?? new Uint8Array();
    const put = (bytes: Uint8Array, index = 0) =>
      codeOf(client.call(putChunk, { fileUid, index, sealed: bytes }));
    expect(await put(sealed.subarray(1))).toBe('malformed');
    expect(await put(sealed, 1)).toBe('malformed');
    expect(await put(sealed.map((byte, at) => (at === 0 ? 0x50 : byte)))).toBe('malformed');
    expect(await put(sealed)).toBe('done');
  });

  test('a removed file leaves nothing on the disk', async () => {
    const { client, fileUid } = await stored();
    const folder = join(server.config.dataFolder, 'files');
    const path = join(folder, Buffer.from(fileUid).toString('hex'));
    expect(readdirSync(path)).toEqual(['0']);
    expect(statSync(path).mode & 0o077).toBe(0);
    await client.call(deleteFile, { fileUid });
    await expect.poll(() => readdirSync(folder).includes(Buffer.from(fileUid).toString('hex'))).toBe(false);
    expect(await codeOf(client.call(getChunk, { fileUid, index: 0 }))).toBe('not-found');
  });
});
