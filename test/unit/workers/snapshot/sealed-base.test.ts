import { beforeAll, describe, expect, test } from 'vitest';
import { concat, type Bytes } from '../../../../protocol/bytes.ts';
import { envelopeOverhead } from '../../../../protocol/crypto/envelope.ts';
import { SymmetricKey } from '../../../../protocol/crypto/symmetric-key.ts';
import { openBase, partLength, sealBase } from '../../../../workers/engine/snapshot/sealed-base.ts';

const objects = ['account', 'base', Uint8Array.of(7)];
const sealedLength = partLength + envelopeOverhead;
const generationLength = 16;
let key: SymmetricKey;

beforeAll(async () => {
  key = await SymmetricKey.import(new Uint8Array(32).fill(9));
});

/** Of that length, no two parts the same. */
function plaintext(length: number): Bytes {
  return Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 16)) & 0xff);
}

const partOf = (sealed: Bytes, part: number) =>
  sealed.subarray(generationLength + part * sealedLength, generationLength + (part + 1) * sealedLength);
const withParts = (sealed: Bytes, ...parts: Bytes[]) =>
  concat(sealed.subarray(0, generationLength), ...parts);
/** Of a copy: opening writes over what was sealed. */
const opening = async (sealed: Bytes, under = objects) => await openBase(key, under, sealed.slice());

describe('a snapshot in parts', () => {
  test.each([0, 1, partLength - 1, partLength, partLength + 1, 2 * partLength + 5])(
    'opens as it was: %i bytes',
    async (length) => {
      const bytes = plaintext(length);
      expect(Buffer.compare(await opening(await sealBase(key, objects, bytes)), bytes)).toBe(0);
    },
  );

  test('opens at its place alone', async () => {
    const sealed = await sealBase(key, objects, plaintext(10));
    await expect(opening(sealed, ['account', 'base', Uint8Array.of(8)])).rejects.toThrow('open-failed');
  });

  test('does not open when it is empty, cut, or longer than it was', async () => {
    const sealed = await sealBase(key, objects, plaintext(partLength + 50));
    for (const length of [0, 5, generationLength, generationLength + envelopeOverhead - 1, sealed.length - 1])
      await expect(opening(sealed.slice(0, length))).rejects.toThrow('open-failed');
    await expect(opening(concat(sealed, Uint8Array.of(0)))).rejects.toThrow('open-failed');
  });

  test('does not open without its last part, with one twice, or in another order', async () => {
    const sealed = await sealBase(key, objects, plaintext(2 * partLength));
    const [first, second] = [partOf(sealed, 0), partOf(sealed, 1)];
    for (const parts of [[first], [second], [first, first], [second, first], [first, second, second]])
      await expect(opening(withParts(sealed, ...parts))).rejects.toThrow('open-failed');
  });

  test('does not open with a part of another writing at the same place', async () => {
    const [old, now] = [plaintext(2 * partLength), plaintext(2 * partLength).reverse()];
    const [former, present] = [await sealBase(key, objects, old), await sealBase(key, objects, now)];
    const mixed = withParts(present, partOf(present, 0), partOf(former, 1));
    await expect(opening(mixed)).rejects.toThrow('open-failed');
  });
});
