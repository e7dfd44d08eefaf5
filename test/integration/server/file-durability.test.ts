import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chunkCountOf, sealedFileSize } from '../../../protocol/file-layout.ts';
import { limits } from '../../../protocol/limits.ts';
import { FileService } from '../../../protocol/messages/gen/file_pb.js';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { ApiClient, envelopeOf } from '../../fixtures/api-client.ts';
import { sealedChunks } from '../../fixtures/sealed-file.ts';
import { startServerProcess } from '../../fixtures/server-process.ts';

const { startFile, putChunk, finishFile, listFileChunks, getChunk } = FileService.method;
const kills = 6;
const size = 48 * limits.fileChunk;

test(
  `a chunk that was acknowledged is there after kill -9: ${kills} kills in the middle of an upload`,
  { timeout: 300_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-file-durability-'));
    const settings = { SALLYPORT_DATA: folder, OPEN_SIGN_UP: 'true' };
    const chunks = sealedChunks(size);
    const fileUid = uidBytes(newUid());
    try {
      let server = await startServerProcess(settings);
      const client = await ApiClient.connect(server.url);
      await client.register('durable@example.test', 'correct horse battery');
      const recordUid = uidBytes(newUid());
      const change = { recordUid, sealedKey: envelopeOf('key'), sealedData: envelopeOf('data') };
      await client.putRecords([change]);
      const layout = { chunkCount: chunkCountOf(size), sealedSize: BigInt(sealedFileSize(size)) };
      await client.call(startFile, { fileUid, recordUid, ...layout, sealedNote: envelopeOf('note') });

      const acknowledged = new Set<number>();
      for (let kill = 1; kill <= kills; kill++) {
        client.url = server.url;
        const enough = Math.min(chunks.length - 1, kill * 7);
        let killing: Promise<void> | null = null;
        const missing = [...chunks.keys()].filter((index) => !acknowledged.has(index));
        const upload = async () => {
          for (let index = missing.shift(); index !== undefined; index = missing.shift()) {
            const sealed = chunks[index] ?? new Uint8Array();
            if (!(await client.call(putChunk, { fileUid, index, sealed }).catch(() => null))) return;
            acknowledged.add(index);
            if (acknowledged.size >= enough) killing ??= server.kill();
          }
        };
        await Promise.all([upload(), upload(), upload()]);
        await killing;
        server = await startServerProcess(settings);
        client.url = server.url;
        const { stored } = await client.call(listFileChunks, { fileUid });
        const there = (index: number) => (((stored[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
        expect([...acknowledged].filter((index) => !there(index))).toEqual([]);
      }

      for (const index of chunks.keys()) {
        if (acknowledged.has(index)) continue;
        await client.call(putChunk, { fileUid, index, sealed: chunks[index] ?? new Uint8Array() });
      }
      await client.call(finishFile, { fileUid });
      for (const [index, sealed] of chunks.entries()) {
        const got = await client.call(getChunk, { fileUid, index });
        expect(Buffer.compare(got.sealed, sealed)).toBe(0);
      }
      expect(await server.stop()).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
