import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, empty, type Bytes } from '../../../../protocol/bytes.ts';
import { randomBytes } from '../../../../protocol/crypto/random.ts';
import {
  openUnverifiedBlob,
  sealSecretBlob,
  secretBlobSize,
} from '../../../../protocol/secrets-manager/blob-stream.ts';
import { openSecretFile, sealSecretFile } from '../../../../protocol/secrets-manager/secret-seal.ts';
import { runs } from '../../../fuzz-runs.ts';

const key = randomBytes(32);
const nonce = randomBytes(12);
const mib = 1024 * 1024;

async function* inParts(bytes: Bytes, ...lengths: readonly number[]): AsyncGenerator<Bytes, void, void> {
  let at = 0;
  for (const length of lengths) {
    yield bytes.slice(at, at + length);
    at += length;
  }
  if (at < bytes.length) yield bytes.slice(at);
}

async function piecesOf(source: AsyncIterable<Bytes>): Promise<Bytes[]> {
  const pieces: Bytes[] = [];
  for await (const piece of source) pieces.push(piece);
  return pieces;
}

const all = async (source: AsyncIterable<Bytes>) => concat(...(await piecesOf(source)));
const partLengths = fc.array(fc.nat(200), { maxLength: 8 });

describe("an application's file in pieces", () => {
  test('is what AES-GCM makes of it whole, however it comes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 600 }),
        partLengths,
        partLengths,
        async (raw, one, other) => {
          const content = new Uint8Array(raw);
          const blob = await all(sealSecretBlob(key, nonce, inParts(content, ...one)));
          expect(blob.length).toBe(secretBlobSize(content.length));
          expect(await openSecretFile(key, blob)).toEqual(content);
          const whole = await sealSecretFile(key, content);
          expect(await all(openUnverifiedBlob(key, inParts(whole, ...other)))).toEqual(content);
        },
      ),
      { numRuns: runs(200) },
    );
  });

  test.each([0, 1, mib - 28, mib - 12, mib - 1, mib, mib + 1, 2 * mib + 5])(
    'has pieces of one length but the last: %i bytes',
    async (size) => {
      const content = new Uint8Array(size).map((_, at) => at * 7);
      const pieces = await piecesOf(sealSecretBlob(key, nonce, inParts(content, 3, 70_001)));
      expect(pieces.slice(0, -1).every(({ length }) => length === mib)).toBe(true);
      const blob = concat(...pieces);
      expect(Buffer.compare(await openSecretFile(key, blob), content)).toBe(0);
      expect(Buffer.compare(await all(openUnverifiedBlob(key, inParts(blob, 11, 1, 5))), content)).toBe(0);
    },
  );

  test('does not come to its end when it was changed anywhere', async () => {
    const blob = await sealSecretFile(key, randomBytes(100));
    for (let at = 0; at < blob.length; at++) {
      await expect(
        all(openUnverifiedBlob(key, inParts(blob.with(at, (blob[at] ?? 0) ^ 0x80)))),
      ).rejects.toMatchObject({
        code: 'open-failed',
      });
    }
  });

  test('does not come to its end when it was cut or extended', async () => {
    const blob = await sealSecretFile(key, randomBytes(40));
    for (let length = 0; length < blob.length; length++)
      await expect(all(openUnverifiedBlob(key, inParts(blob.slice(0, length))))).rejects.toMatchObject({
        code: 'open-failed',
      });
    const longer = inParts(concat(blob, new Uint8Array(1)));
    await expect(all(openUnverifiedBlob(key, longer))).rejects.toMatchObject({ code: 'open-failed' });
    await expect(all(openUnverifiedBlob(key, inParts(empty)))).rejects.toMatchObject({ code: 'open-failed' });
  });

  test('of another key does not come to its end', async () => {
    const blob = await sealSecretFile(randomBytes(32), randomBytes(40));
    await expect(all(openUnverifiedBlob(key, inParts(blob)))).rejects.toMatchObject({ code: 'open-failed' });
  });
});
