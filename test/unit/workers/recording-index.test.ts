import { deflateRawSync } from 'node:zlib';
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { copy, empty, utf8 } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import {
  RecordingChunkSchema,
  RecordingTrack,
  type RecordingChunk,
} from '../../../protocol/messages/gen/recording_pb.js';
import { sealChunk } from '../../../protocol/recording/chunk.ts';
import { encodeEntries, type RecordingEntry } from '../../../protocol/recording/entries.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { searchIndex, type IndexParts } from '../../../workers/engine/recordings/index-search.ts';

const key = await SymmetricKey.import(randomBytes(32));
const cut: RecordingEntry = { atMs: 9, kind: 'cut', bytes: empty };

async function chunkAt(index: number, text: string, ...more: RecordingEntry[]): Promise<RecordingChunk> {
  const header = {
    ...{ sessionUid: uidBytes(newUid()), index, track: RecordingTrack.INDEX },
    ...{ startMs: 0, endMs: 9, keyFrame: false, final: false },
  };
  const entries = encodeEntries([{ atMs: index, kind: 'line', bytes: utf8(text) }, ...more]);
  const sealed = await sealChunk(key, header, copy(deflateRawSync(entries)));
  return create(RecordingChunkSchema, { ...header, sealed });
}

const closed = { reason: 'closed', indexChunks: 2 };
const partsOf = (chunks: readonly RecordingChunk[], changes: Partial<IndexParts> = {}): IndexParts => ({
  ...{ headers: chunks, key, closing: closed },
  chunks: { get: async (index) => chunks[index] ?? null },
  judge: { judge: async (_, chunk) => (chunk === null ? 'missing-chunk' : null) },
  ...changes,
});

test('a chunk of the index is read once and in its place, however often and where a server lists it', async () => {
  const chunks = [await chunkAt(0, 'plan A'), await chunkAt(1, 'plan B')];
  const read: number[] = [];
  const headers = [1, 0, 1, 1, 0].flatMap((index) => chunks[index] ?? []);
  const get = async (index: number) => (read.push(index), chunks[index] ?? null);
  const found = await searchIndex(partsOf(chunks, { headers, chunks: { get } }), 'plan');
  expect(read).toEqual([0, 1]);
  expect(found.index).toBe('whole');
  expect(found.hits.map(({ text }) => text)).toEqual(['plan A', 'plan B']);
});

describe('how much of an index was searched', () => {
  const states: readonly (readonly [string, string, Partial<IndexParts>, number])[] = [
    ['of all of it', 'whole', {}, 2],
    ['of a session without text', 'whole', { closing: { reason: 'closed', indexChunks: 0 } }, 0],
    ['by a gateway of before', 'whole', { closing: { reason: 'closed' } }, 2],
    ['that its gateway did not make', 'none', { closing: { reason: 'closed' } }, 0],
    ['of which the server lists less than was signed', 'damaged', {}, 1],
    ['of which the server lists nothing', 'damaged', {}, 0],
    ['of a session that goes on', 'running', { closing: null }, 2],
    ['of a gateway that went down', 'interrupted', { closing: { reason: 'interrupted' } }, 1],
    ['of a recorder that gave up', 'interrupted', { closing: { reason: 'recording-failed' } }, 0],
  ];
  test.each(states)('%s: %s', async (_, expected, changes, count) => {
    const chunks = [await chunkAt(0, 'plan'), await chunkAt(1, 'plan')].slice(0, count);
    const { hits, index } = await searchIndex(partsOf(chunks, changes), 'plan');
    expect({ index, hits: hits.length }).toEqual({ index: expected, hits: count });
  });

  test('that was cut says so, in whatever chunk', async () => {
    const chunks = [await chunkAt(0, 'plan', cut), await chunkAt(1, 'plan')];
    expect((await searchIndex(partsOf(chunks), 'plan')).index).toBe('cut');
  });

  test('a chunk that was lost, changed or does not open: damaged, whatever else it is', async () => {
    const chunks = [await chunkAt(0, 'plan', cut), await chunkAt(1, 'plan')];
    const lost = { get: async (index: number) => (index === 1 ? (chunks[1] ?? null) : null) };
    const closing = { reason: 'interrupted' };
    const { hits, index } = await searchIndex(partsOf(chunks, { chunks: lost, closing }), 'plan');
    expect({ index, hits: hits.length }).toEqual({ index: 'damaged', hits: 1 });
    const judge = { judge: async () => 'changed-chunk' as const };
    expect(await searchIndex(partsOf(chunks, { judge }), 'plan')).toEqual({ hits: [], index: 'damaged' });
  });
});
