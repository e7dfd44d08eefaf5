import { expect, test } from 'vitest';
import { free } from '../../../protocol/bytes.ts';
import { EntryBuffer } from '../../../protocol/recording/entry-buffer.ts';

const large = 128 * 1024;

test('large memory is gone at once, through whichever view it is given back', () => {
  const bytes = new Uint8Array(large).fill(7);
  const part = bytes.subarray(5, 9);
  free(part);
  expect(bytes.buffer.byteLength).toBe(0);
  expect([bytes.length, part.length]).toEqual([0, 0]);
  free(bytes);
  expect(bytes.length).toBe(0);
});

test('small memory stays, as others may have a part of it', () => {
  const bytes = new Uint8Array(large - 1).fill(7);
  free(bytes.subarray(0, 10));
  expect(bytes.every((byte) => byte === 7)).toBe(true);
  const pooled = Buffer.from('of a pool');
  free(pooled);
  expect(pooled.toString()).toBe('of a pool');
});

test('memory that threads share is nobody’s to give back', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(large)).fill(7);
  free(shared);
  expect(shared[large - 1]).toBe(7);
});

test('entries that are given back and not written to again leave no memory', () => {
  const buffer = new EntryBuffer();
  for (let count = 0; count < 10; count++) buffer.add(1, 'output', new Uint8Array(40_000));
  const taken = buffer.take();
  buffer.giveBack(taken);
  expect(taken.buffer.byteLength).toBeGreaterThan(large);
  buffer.rest();
  expect(taken.buffer.byteLength).toBe(0);
});
