import { expect, test } from 'vitest';
import { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { limits } from '../../../protocol/limits.ts';
import { newUid } from '../../../protocol/uid.ts';
import { openHeldIndex, sealHeldIndex } from '../../../protocol/vault/held-index.ts';
import { codeOf } from '../../fixtures/outcome.ts';

const { part, parts } = limits.heldIndex;
const key = await SymmetricKey.import(new Uint8Array(32).fill(5));
const scope = { accountUid: newUid(), generationUid: newUid() };

test.each([0, 1, part - 1, part, 2 * part + 1])('an index of %s bytes comes back', async (length) => {
  const index = new Uint8Array(length).map((_, i) => i % 251);
  const sealed = await sealHeldIndex(key, scope, index);
  expect(sealed.length).toBe(Math.ceil((length + 1) / part));
  expect(Math.max(...sealed.map((one) => one.length))).toBeLessThanOrEqual(part + 37);
  expect(await openHeldIndex(key, scope, sealed)).toEqual(index);
});

test('parts that are left out, exchanged, repeated or of another index do not open', async () => {
  const sealed = await sealHeldIndex(key, scope, new Uint8Array(2 * part));
  const [one, two, three] = sealed;
  if (!one || !two || !three) throw new Error('three parts');
  const other = await sealHeldIndex(key, { ...scope, generationUid: newUid() }, new Uint8Array(2 * part));
  for (const given of [
    [one, two],
    [two, three],
    [two, one, three],
    [one, one, three],
    [...sealed, three],
    [],
  ])
    expect(await codeOf(openHeldIndex(key, scope, given))).not.toBe('done');
  expect(await codeOf(openHeldIndex(key, scope, [one, other[1] ?? one, three]))).toBe('open-failed');
  const elsewhere = { ...scope, accountUid: newUid() };
  expect(await codeOf(openHeldIndex(key, elsewhere, sealed))).toBe('open-failed');
});

test('an index of more parts than there may be is not sealed', async () => {
  expect(await codeOf(sealHeldIndex(key, scope, new Uint8Array(parts * part)))).toBe('too-large');
});
