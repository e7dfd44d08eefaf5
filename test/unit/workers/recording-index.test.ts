import { deflateRawSync } from 'node:zlib';
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { copy, utf8 } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { RecordingChunkSchema, RecordingTrack } from '../../../protocol/messages/gen/recording_pb.js';
import { sealChunk } from '../../../protocol/recording/chunk.ts';
import { encodeEntries } from '../../../protocol/recording/entries.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { searchIndex } from '../../../workers/engine/recordings/index-search.ts';

test('a chunk of the index is read once and in its place, however often and where a server lists it', async () => {
  const key = await SymmetricKey.import(randomBytes(32));
  const chunkAt = async (index: number, text: string) => {
    const header = {
      ...{ sessionUid: uidBytes(newUid()), index, track: RecordingTrack.INDEX },
      ...{ startMs: 0, endMs: index, keyFrame: false, final: false },
    };
    const entries = encodeEntries([{ atMs: index, kind: 'line', bytes: utf8(text) }]);
    const sealed = await sealChunk(key, header, copy(deflateRawSync(entries)));
    return create(RecordingChunkSchema, { ...header, sealed });
  };
  const chunks = [await chunkAt(0, 'plan A'), await chunkAt(1, 'plan B')];
  const read: number[] = [];
  const headers = [1, 0, 1, 1, 0].flatMap((index) => chunks[index] ?? []);
  const found = await searchIndex(
    {
      ...{ headers, key, ended: true },
      chunks: { get: async (index) => (read.push(index), chunks[index] ?? null) },
      judge: { judge: async () => null },
    },
    'plan',
  );
  expect(read).toEqual([0, 1]);
  expect(found.complete).toBe(true);
  expect(found.hits.map(({ text }) => text)).toEqual(['plan A', 'plan B']);
});
