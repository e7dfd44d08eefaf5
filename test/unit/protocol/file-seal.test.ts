import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import type { ProtocolError } from '../../../protocol/errors.ts';
import {
  chunkCountOf,
  chunkLength,
  isSealedLayout,
  sealedChunkSize,
  sealedFileSize,
} from '../../../protocol/file-layout.ts';
import { limits } from '../../../protocol/limits.ts';
import { newUid } from '../../../protocol/uid.ts';
import {
  openFileChunk,
  openUploadNote,
  sealFileChunk,
  sealUploadNote,
} from '../../../protocol/vault/file-seal.ts';
import { runs } from '../../fuzz-runs.ts';

const chunk = limits.fileChunk;
const scope = { recordUid: newUid(), fileUid: newUid() };
const plaintext = (length: number) => new Uint8Array(length).map((_, at) => at % 251);
const sizes = [0, 1, 255, 256, 16_383, 16_384, chunk - 1, chunk, chunk + 1, 2 * chunk, 2 * chunk + 200_000];

/** The code of each refusal. */
const outcomes = async (attempts: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(attempts)).map((settled) =>
    settled.status === 'rejected' ? (settled.reason as ProtocolError).code : 'opened',
  );

describe('chunks of a file', () => {
  test.each(sizes)('%i bytes come back, and lie as the server was told', async (size) => {
    const key = await SymmetricKey.import(randomBytes(32));
    const layout = { chunkCount: chunkCountOf(size), sealedSize: sealedFileSize(size) };
    expect(isSealedLayout(layout)).toBe(true);
    let total = 0;
    for (let index = 0; index < layout.chunkCount; index++) {
      const part = plaintext(chunkLength(size, index));
      const sealed = await sealFileChunk(key, scope, size, index, part);
      expect(sealed.length).toBe(sealedChunkSize(layout, index));
      expect(Buffer.compare(await openFileChunk(key, scope, size, index, sealed), part)).toBe(0);
      total += sealed.length;
    }
    expect(total).toBe(layout.sealedSize);
  });

  test('a server can neither cut, extend, reorder nor swap', async () => {
    const key = await SymmetricKey.import(randomBytes(32));
    const size = 2 * chunk + 10;
    const sealed = [];
    for (let index = 0; index < 3; index++)
      sealed.push(await sealFileChunk(key, scope, size, index, plaintext(chunkLength(size, index))));
    const [first = new Uint8Array(), second = new Uint8Array(), last = new Uint8Array()] = sealed;
    const other = { ...scope, fileUid: newUid() };
    const elsewhere = { ...scope, recordUid: newUid() };
    const attempts = [
      openFileChunk(key, scope, size, 1, first),
      openFileChunk(key, scope, size, 0, second),
      openFileChunk(key, scope, size, 1, last), // cut in the middle
      openFileChunk(key, scope, chunk + 10, 1, last), // a file that ends early
      openFileChunk(key, scope, chunk + 10, 1, second),
      openFileChunk(key, scope, 3 * chunk + 10, 2, last), // a file that goes on
      openFileChunk(key, other, size, 0, first),
      openFileChunk(key, elsewhere, size, 0, first),
      openFileChunk(await SymmetricKey.import(randomBytes(32)), scope, size, 0, first),
      openFileChunk(key, scope, size, 0, first.subarray(0, -1)),
      openFileChunk(key, scope, size, 0, new Uint8Array(0)),
    ];
    expect(await outcomes(attempts)).toEqual(attempts.map(() => 'open-failed'));
    await expect(openFileChunk(key, scope, size, 3, last)).rejects.toMatchObject({ code: 'malformed' });
    await expect(openFileChunk(key, scope, size + 1, 2, last)).rejects.toMatchObject({ code: 'malformed' });
    await expect(sealFileChunk(key, scope, size, 2, plaintext(11))).rejects.toMatchObject({
      code: 'malformed',
    });
  });

  test('the server sees buckets: sizes within one look alike', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8 * chunk }), (size) => {
        const sealed = sealedFileSize(size);
        expect(isSealedLayout({ chunkCount: chunkCountOf(size), sealedSize: sealed })).toBe(true);
        const step = size < chunk ? 16_384 : limits.fileChunkPadding;
        if (size > 16_384) expect(sealedFileSize(size - (size % step))).toBe(sealed);
        expect(sealed).toBeLessThanOrEqual(Math.max(600, size * 1.14 + 16_384 + 400));
      }),
      { numRuns: runs(100) },
    );
  });

  test('no other layout is one', () => {
    const layout = { chunkCount: 2, sealedSize: sealedFileSize(chunk + 1) };
    const odd = [
      { ...layout, chunkCount: 0 },
      { ...layout, chunkCount: 1 },
      { ...layout, chunkCount: 3 },
      { ...layout, chunkCount: 1.5 },
      { ...layout, chunkCount: limits.fileChunks + 1 },
      { ...layout, sealedSize: layout.sealedSize + 1 },
      { ...layout, sealedSize: layout.sealedSize + chunk },
      { ...layout, sealedSize: Number.NaN },
    ];
    expect(odd.filter(isSealedLayout)).toEqual([]);
  });
});

describe('the note of an upload', () => {
  const note = { name: 'a.txt', size: 3, mediaType: '', key: 'k', firstChunk: 'h', modifiedAt: 5 };

  test('opens for its account, record and file alone', async () => {
    const dataKey = await SymmetricKey.import(randomBytes(32));
    const account = newUid();
    const sealed = await sealUploadNote(dataKey, account, scope, note);
    expect(await openUploadNote(dataKey, account, scope, sealed)).toEqual(note);
    const others = [
      openUploadNote(dataKey, newUid(), scope, sealed),
      openUploadNote(dataKey, account, { ...scope, recordUid: newUid() }, sealed),
      openUploadNote(dataKey, account, { ...scope, fileUid: newUid() }, sealed),
    ];
    expect(await outcomes(others)).toEqual(others.map(() => 'open-failed'));
  });
});
