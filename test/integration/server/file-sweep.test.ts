import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chunkCountOf, sealedFileSize } from '../../../protocol/file-layout.ts';
import { limits } from '../../../protocol/limits.ts';
import { FileService } from '../../../protocol/messages/gen/file_pb.js';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { ChunkWrites } from '../../../server/blobs/chunk-writes.ts';
import { openFolderStore } from '../../../server/blobs/folder-store.ts';
import { ChunkSweep } from '../../../server/blobs/chunk-sweep.ts';
import { expireUploads } from '../../../server/files/file-rows.ts';
import { createLogger } from '../../../server/log/logger.ts';
import { openDatabase } from '../../../server/store/database.ts';
import { startEmbeddedPostgres } from '../../../server/store/embedded-postgres.ts';
import { ApiClient, envelopeOf } from '../../fixtures/api-client.ts';
import { sealedChunks } from '../../fixtures/sealed-file.ts';
import { startTestServer } from '../../fixtures/server.ts';

const { startFile, putChunk, finishFile, getChunk } = FileService.method;

test('what no record named within a day goes, chunks and all; what one names stays', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-sweep-'));
  const postgres = await startEmbeddedPostgres({ folder });
  const { host, user, database } = postgres.connection;
  const databaseUrl = `postgres:///${database}?host=${encodeURIComponent(host)}&user=${user}`;
  const server = await startTestServer({ databaseUrl });
  const { db, close } = await openDatabase(postgres.connection, () => undefined);
  try {
    const client = await ApiClient.connect(server.url);
    await client.register('sweep@example.test', 'correct horse battery');
    const recordUid = uidBytes(newUid());
    const write = (baseRevision: bigint, fileUids: Uint8Array[]) =>
      client.putRecords([
        { recordUid, baseRevision, fileUids, sealedKey: envelopeOf('k'), sealedData: envelopeOf('d') },
      ]);
    await write(0n, []);
    const upload = async (finished: boolean) => {
      const fileUid = uidBytes(newUid());
      const layout = { chunkCount: chunkCountOf(100), sealedSize: BigInt(sealedFileSize(100)) };
      await client.call(startFile, { fileUid, recordUid, ...layout, sealedNote: envelopeOf('note') });
      await client.call(putChunk, { fileUid, index: 0, sealed: sealedChunks(100)[0] ?? new Uint8Array() });
      if (finished) await client.call(finishFile, { fileUid });
      return fileUid;
    };
    const [unfinished, unnamed, named] = [await upload(false), await upload(true), await upload(true)];
    await write(1n, [named]);
    const blobs = join(server.config.dataFolder, 'files');
    const onDisk = () => readdirSync(blobs).filter((name) => name !== 'incoming');
    const sweep = new ChunkSweep(
      ...([db, openFolderStore(blobs), new ChunkWrites()] as const),
      createLogger('silent'),
      [expireUploads],
    );
    await sweep.run(Date.now() + limits.uploadMs - 60_000);
    expect(onDisk()).toHaveLength(3);
    await sweep.run(Date.now() + limits.uploadMs + 60_000);
    expect(onDisk()).toEqual([Buffer.from(named).toString('hex')]);
    expect((await client.call(getChunk, { fileUid: named, index: 0 })).sealed.length).toBeGreaterThan(0);
    for (const fileUid of [unfinished, unnamed])
      await expect(client.call(getChunk, { fileUid, index: 0 })).rejects.toMatchObject({ code: 'not-found' });
    await sweep.close();
  } finally {
    await close();
    await server.close();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
