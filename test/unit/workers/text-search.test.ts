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
import { searchText, type SearchParts } from '../../../workers/engine/recordings/text-search.ts';

const key = await SymmetricKey.import(randomBytes(32));
const other = await SymmetricKey.import(randomBytes(32));
const cut: RecordingEntry = { atMs: 9, kind: 'cut', bytes: empty };

type Track = RecordingTrack.TEXT | RecordingTrack.INDEX;

async function chunkOf(track: Track, index: number, listed: RecordingEntry[]): Promise<RecordingChunk> {
  const header = {
    ...{ sessionUid: uidBytes(newUid()), index, track },
    ...{ startMs: 0, endMs: 9, keyFrame: false, final: false },
  };
  const entries = encodeEntries(listed);
  const sealed = await sealChunk(key, header, copy(deflateRawSync(entries)));
  return create(RecordingChunkSchema, { ...header, sealed });
}

/** Of the lines that a former gateway took down. */
const chunkAt = (index: number, text: string, ...more: RecordingEntry[]) =>
  chunkOf(RecordingTrack.INDEX, index, [{ atMs: index, kind: 'line', bytes: utf8(text) }, ...more]);

/** Of what a terminal wrote. */
const textAt = (index: number, ...written: string[]) =>
  chunkOf(
    RecordingTrack.TEXT,
    index,
    written.map((text) => ({ atMs: index, kind: 'output', bytes: utf8(text) })),
  );

const closed = { reason: 'closed', indexChunks: 2 };
const partsOf = (chunks: readonly RecordingChunk[], changes: Partial<SearchParts> = {}): SearchParts => ({
  ...{ track: RecordingTrack.INDEX, headers: chunks, closing: closed },
  keys: { index: key, content: other },
  chunks: { get: async (index) => chunks[index] ?? null },
  judge: { judge: async (_, chunk) => (chunk === null ? 'missing-chunk' : null) },
  ...changes,
});

test('a chunk of the index is read once and in its place, however often and where a server lists it', async () => {
  const chunks = [await chunkAt(0, 'plan A'), await chunkAt(1, 'plan B')];
  const read: number[] = [];
  const headers = [1, 0, 1, 1, 0].flatMap((index) => chunks[index] ?? []);
  const get = async (index: number) => (read.push(index), chunks[index] ?? null);
  const found = await searchText(partsOf(chunks, { headers, chunks: { get } }), 'plan');
  expect(read).toEqual([0, 1]);
  expect(found.index).toBe('whole');
  expect(found.hits.map(({ text }) => text)).toEqual(['plan A', 'plan B']);
});

describe('how much of an index was searched', () => {
  const states: readonly (readonly [string, string, Partial<SearchParts>, number])[] = [
    ['of all of it', 'whole', {}, 2],
    ['of a session without text', 'whole', { closing: { reason: 'closed', indexChunks: 0 } }, 0],
    ['by a gateway that did not count', 'uncounted', { closing: { reason: 'closed' } }, 2],
    ['of which the server lists less than was signed', 'damaged', {}, 1],
    ['of which the server lists nothing', 'damaged', {}, 0],
    ['of a session that goes on', 'running', { closing: null }, 2],
    ['of a gateway that went down', 'interrupted', { closing: { reason: 'interrupted' } }, 1],
    ['of a recorder that gave up', 'interrupted', { closing: { reason: 'recording-failed' } }, 0],
  ];
  test.each(states)('%s: %s', async (_, expected, changes, count) => {
    const chunks = [await chunkAt(0, 'plan'), await chunkAt(1, 'plan')].slice(0, count);
    const { hits, index } = await searchText(partsOf(chunks, changes), 'plan');
    expect({ index, hits: hits.length }).toEqual({ index: expected, hits: count });
  });

  test('that was cut says so, in whatever chunk', async () => {
    const chunks = [await chunkAt(0, 'plan', cut), await chunkAt(1, 'plan')];
    expect((await searchText(partsOf(chunks), 'plan')).index).toBe('cut');
  });

  test('a chunk that was lost, changed or does not open: damaged, whatever else it is', async () => {
    const chunks = [await chunkAt(0, 'plan', cut), await chunkAt(1, 'plan')];
    const lost = { get: async (index: number) => (index === 1 ? (chunks[1] ?? null) : null) };
    const closing = { reason: 'interrupted' };
    const { hits, index } = await searchText(partsOf(chunks, { chunks: lost, closing }), 'plan');
    expect({ index, hits: hits.length }).toEqual({ index: 'damaged', hits: 1 });
    const judge = { judge: async () => 'changed-chunk' as const };
    expect(await searchText(partsOf(chunks, { judge }), 'plan')).toEqual({ hits: [], index: 'damaged' });
  });
});

describe('the text of a recording', () => {
  const ofText = (chunks: readonly RecordingChunk[], changes: Partial<SearchParts> = {}) =>
    partsOf(chunks, {
      ...{ track: RecordingTrack.TEXT, keys: { index: other, content: key } },
      ...{ closing: { reason: 'closed', textChunks: chunks.length }, ...changes },
    });

  test('is searched as the terminal showed it, also where a line goes on in the next chunk', async () => {
    const first = await textAt(0, '\x1b[1mpl', 'an\x1b[0m A\r\n', 'rubbed ouz\b', 't\r\nhalf a ');
    const chunks = [first, await textAt(1, 'plan\r\nno', ' end of the plan')];
    const { hits, index } = await searchText(ofText(chunks), 'PLAN');
    expect(hits.map(({ atMs, text }) => [atMs, text])).toEqual([
      [0, 'plan A'],
      [1, 'half a plan'],
      [1, 'no end of the plan'],
    ]);
    expect(index).toBe('whole');
    expect((await searchText(ofText(chunks), 'out')).hits.map(({ text }) => text)).toEqual(['rubbed out']);
  });

  test('chunks of other tracks are no part of it, whatever the server says that they are', async () => {
    const line = await chunkAt(1, 'plan');
    const chunks = [await textAt(0, 'plan A\r\n'), line];
    const headers = [chunks[0] ?? line, { ...line, track: RecordingTrack.TEXT }];
    const { hits, index } = await searchText(ofText(chunks, { headers }), 'plan');
    expect({ hits: hits.length, index }).toEqual({ hits: 1, index: 'damaged' });
  });

  test('one that was held back is missed by the closing’s count', async () => {
    const chunks = [await textAt(0, 'plan A\r\n')];
    const closing = { reason: 'closed', textChunks: 2 };
    expect((await searchText(ofText(chunks, { closing }), 'plan')).index).toBe('damaged');
    const uncounted = { reason: 'closed' };
    expect((await searchText(ofText(chunks, { closing: uncounted }), 'plan')).index).toBe('uncounted');
  });

  test('what is more than anybody searches is not fetched, and said', async () => {
    const long = 'x'.repeat(500 * 1024);
    const one = await textAt(0, `${long}\r\n`);
    let fetched = 0;
    const headers = Array.from({ length: 40 }, (_, index) => ({ ...one, index }));
    const get = async () => (fetched++, one);
    const { index } = await searchText(ofText([], { headers, chunks: { get } }), 'plan');
    expect(index).toBe('cut');
    expect(fetched).toBe(17); // 8 MiB of lines
  });
});
