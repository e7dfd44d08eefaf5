import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { compileSha256, provideSha256, sha256, sha256OfPublic } from '../../../protocol/crypto/hash.ts';

const lengths = [...Array(200).keys(), 1_000, 65_535, 65_536, 1_048_577];
const inputs = lengths.map((length) => Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff));
const expected = inputs.map((input) => new Uint8Array(createHash('sha256').update(input).digest()));

test('the same hash before and after it is compiled, of every length and of a part of a larger buffer', async () => {
  expect(inputs.map((input) => sha256OfPublic(input))).toEqual(expected);
  await compileSha256();
  expect(inputs.map((input) => sha256OfPublic(input))).toEqual(expected);
  const parts = inputs.map((input) => new Uint8Array([7, ...input.subarray(0, 9_000), 7]).subarray(1, -1));
  const cut = parts.map((part) => new Uint8Array(createHash('sha256').update(part).digest()));
  expect(parts.map((part) => sha256OfPublic(part))).toEqual(cut);
});

test('what it gives stays as it is when the next one is made', async () => {
  await compileSha256();
  const [first] = inputs.slice(3).map((input) => sha256OfPublic(input));
  expect(first).toEqual(expected[3]);
  expect(first?.buffer.byteLength).toBe(32);
});

test('the platform’s hash is asked for long inputs alone, and what it gives is copied', () => {
  const asked: number[] = [];
  provideSha256((input) => {
    asked.push(input.length);
    return createHash('sha256').update(input).digest();
  });
  const hashes = inputs.map((input) => sha256(input));
  expect(hashes).toEqual(expected);
  expect(asked).toEqual(lengths.filter((length) => length >= 2_048));
  expect(new Set(hashes.map(({ buffer }) => buffer.byteLength))).toEqual(new Set([32]));
});
