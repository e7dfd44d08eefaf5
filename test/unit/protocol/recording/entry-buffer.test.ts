import { expect, test } from 'vitest';
import { RecordingTrack } from '../../../../protocol/messages/gen/recording_pb.js';
import { decodeEntries } from '../../../../protocol/recording/entries.ts';
import { EntryBuffer } from '../../../../protocol/recording/entry-buffer.ts';

const piece = 40_000;
const pieces = (count: number, from: number) =>
  Array.from({ length: count }, (_, i) => new Uint8Array(piece).fill(from + i));

function fill(buffer: EntryBuffer, parts: readonly Uint8Array[]) {
  for (const part of parts) buffer.add(1, 'output', part);
  return buffer.take();
}

const contentsOf = (taken: Uint8Array) =>
  decodeEntries(RecordingTrack.TEXT, taken).map(({ bytes }) => Uint8Array.from(bytes));

test('memory that was given back is written again, and what is in it is what was added', () => {
  const buffer = new EntryBuffer();
  const first = fill(buffer, pieces(8, 1));
  expect(contentsOf(first)).toEqual(pieces(8, 1));
  buffer.giveBack(first);
  const second = fill(buffer, pieces(8, 50));
  expect(second.buffer).toBe(first.buffer);
  expect(contentsOf(second)).toEqual(pieces(8, 50));
});

test('what was given back is wiped, and so is all that an entry left where it grew', () => {
  const buffer = new EntryBuffer();
  const taken = fill(buffer, pieces(8, 1));
  buffer.giveBack(taken);
  expect(new Uint8Array(taken.buffer).every((byte) => byte === 0)).toBe(true);
});

test('what is taken and not given back is nobody else’s', () => {
  const buffer = new EntryBuffer();
  const first = fill(buffer, pieces(8, 1));
  const second = fill(buffer, pieces(8, 50));
  expect(second.buffer).not.toBe(first.buffer);
  expect(contentsOf(first)).toEqual(pieces(8, 1));
});

test('of less than half as much the memory is let go, and so it is at rest', () => {
  const buffer = new EntryBuffer();
  const first = fill(buffer, pieces(8, 1));
  buffer.giveBack(first);
  fill(buffer, [Uint8Array.of(1)]);
  const second = fill(buffer, pieces(8, 1));
  expect(second.buffer).not.toBe(first.buffer);
  buffer.giveBack(second);
  buffer.rest();
  expect(fill(buffer, pieces(8, 1)).buffer).not.toBe(second.buffer);
});
