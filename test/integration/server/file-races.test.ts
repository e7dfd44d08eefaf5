// Calls that are under way while others finish or remove the file: what was acknowledged stays as it was, nothing is left.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type DescMethod, type MessageShape } from '@bufbuild/protobuf';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { chunkCountOf, sealedFileSize } from '../../../protocol/file-layout.ts';
import {
  DeleteFileRequestSchema,
  FileService,
  FinishFileRequestSchema,
  PutChunkRequestSchema,
} from '../../../protocol/messages/gen/file_pb.js';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import type { BlobStore } from '../../../server/blobs/blob-store.ts';
import type { Handler } from '../../../server/api/call.ts';
import { ChunkWrites } from '../../../server/blobs/chunk-writes.ts';
import { fileHandlers } from '../../../server/files/file-service.ts';
import { openFolderStore } from '../../../server/blobs/folder-store.ts';
import { ChunkSweep } from '../../../server/blobs/chunk-sweep.ts';
import { expireUploads } from '../../../server/files/file-rows.ts';
import { createLogger } from '../../../server/log/logger.ts';
import { openDatabase, type Database } from '../../../server/store/database.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../../server/store/embedded-postgres.ts';
import { ApiClient, envelopeOf } from '../../fixtures/api-client.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { sealedChunks } from '../../fixtures/sealed-file.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-file-races-'));
const log = createLogger('silent');
let postgres: EmbeddedPostgres;
let server: TestServer;
let opened: { readonly db: Database; close(): Promise<void> };
let client: ApiClient;
let recordUid: Uint8Array;

beforeAll(async () => {
  postgres = await startEmbeddedPostgres({ folder });
  const { host, user, database } = postgres.connection;
  const databaseUrl = `postgres:///${database}?host=${encodeURIComponent(host)}&user=${user}`;
  server = await startTestServer({ databaseUrl });
  opened = await openDatabase(postgres.connection, () => undefined);
  client = await ApiClient.connect(server.url);
  await client.register('races@example.test', 'correct horse battery');
  recordUid = uidBytes(newUid());
  await client.putRecords([{ recordUid, sealedKey: envelopeOf('k'), sealedData: envelopeOf('d') }]);
});
afterAll(async () => {
  await opened.close();
  await server.close();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The server's own parts over a store that writes when it is told to. */
let writing: (() => void)[];
let started: PromiseWithResolvers<void>;
let parts: ReturnType<typeof fileHandlers>;
let sweep: ChunkSweep;
let disk: string;
let fileUid: Uint8Array;

beforeEach(async () => {
  writing = [];
  started = Promise.withResolvers();
  disk = mkdtempSync(join(folder, 'files-'));
  const plain = openFolderStore(disk);
  const blobs: BlobStore = {
    ...plain,
    put: async (key, bytes) => {
      const go = Promise.withResolvers<void>();
      writing.push(() => go.resolve());
      started.resolve();
      await go.promise;
      await plain.put(key, bytes);
    },
  };
  const writes = new ChunkWrites();
  sweep = new ChunkSweep(opened.db, blobs, writes, log, [expireUploads]);
  parts = fileHandlers({ db: opened.db, blobs, writes, sweep, bounds: { largest: 2 ** 24, quota: 2 ** 26 } });
  fileUid = uidBytes(newUid());
  const layout = { chunkCount: chunkCountOf(100), sealedSize: BigInt(sealedFileSize(100)) };
  await client.call(FileService.method.startFile, {
    fileUid,
    recordUid,
    ...layout,
    sealedNote: envelopeOf('n'),
  });
});

const call = () => ({
  ...{ address: '127.0.0.1', host: 'localhost', now: Date.now() },
  session: {
    ...{ tokenHash: new Uint8Array(32), accountUid: client.accountUid, deviceUid: newUid() },
    ...{ devicePublicKey: new Uint8Array(65), loginAt: Date.now(), expiresAt: Date.now() + 60_000 },
  },
});
const ask = <M extends DescMethod>(handler: Handler<M>, input: MessageShape<M['input']>) =>
  handler.access === 'signed-in' ? handler.handle(input, call()) : expect.unreachable();
const put = (sealed: Uint8Array) =>
  ask(parts.putChunk, create(PutChunkRequestSchema, { fileUid, index: 0, sealed }));
const finish = () => ask(parts.finishFile, create(FinishFileRequestSchema, { fileUid }));
const remove = () => ask(parts.deleteFile, create(DeleteFileRequestSchema, { fileUid }));
const [first, second] = [sealedChunks(100)[0], sealedChunks(100)[0]] as [Buffer, Buffer];
const onDisk = () => readdirSync(disk).filter((name) => name !== 'incoming');

test('a second put that comes while the first is written changes nothing, before and after the end', async () => {
  const [one, other] = [put(first), put(second)];
  await started.promise;
  expect(writing).toHaveLength(1);
  writing[0]?.();
  await one;
  await finish();
  expect(await other).toEqual({});
  expect(writing).toHaveLength(1);
  const [name] = onDisk();
  expect(readFileSync(join(disk, name ?? '', '0')).equals(first)).toBe(true);
  expect(await codeOf(put(second))).toBe('conflict');
});

test('a put that fails leaves its turn to the next', async () => {
  const [wrong, right] = [put(first.subarray(1)), put(second)];
  expect(await codeOf(wrong)).toBe('malformed');
  await started.promise;
  writing[0]?.();
  expect(await right).toEqual({});
});

test('a chunk that is on its way when its file is removed is not left behind', async () => {
  const late = put(first);
  await started.promise;
  await remove();
  const swept = sweep.run(Date.now());
  const waiting = put(second);
  waiting.catch(() => undefined); // looked at below, once the other is
  expect(
    await Promise.race([swept.then(() => 'swept'), codeOf(client.call(FileService.method.listUploads, {}))]),
  ).toBe('done');
  writing[0]?.();
  expect(await codeOf(late)).toBe('conflict');
  expect(await codeOf(waiting)).toBe('not-found');
  await swept;
  expect(onDisk()).toEqual([]);
  await sweep.close();
});
