import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  concat,
  copy,
  decodeBase64,
  encodeBase64,
  encodeBase64url,
  encodeHex,
  equal,
  parseBase64url,
  parseHex,
  type Bytes,
} from '../../../protocol/bytes.ts';
import { decodeFrame, encodeFrame, type Frame } from '../../../protocol/channel/frame.ts';
import { encodeContext } from '../../../protocol/crypto/context.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { signDer } from '../../../protocol/crypto/ecdsa-der.ts';
import {
  signatureLength,
  signerOf,
  verifySignature,
  verifySignatureAside,
} from '../../../protocol/crypto/ecdsa.ts';
import { openWithPrivateKey, sealToPublicKey } from '../../../protocol/crypto/ecies.ts';
import { openEnvelope, sealEnvelope } from '../../../protocol/crypto/envelope.ts';
import { pad, unpad } from '../../../protocol/crypto/padding.ts';
import { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { limits } from '../../../protocol/limits.ts';
import { openLegacyCbc, sealLegacyCbc } from '../../../protocol/secrets-manager/legacy-crypto.ts';
import { parseAnyBase64 } from '../../../protocol/secrets-manager/members.ts';
import { openLink, acceptLink } from '../../../protocol/transmission/link-channel.ts';
import { openRequest, sealRequest } from '../../../protocol/transmission/request.ts';
import { VerifyingKeys } from '../../../server/secrets-manager/wire-crypto.ts';
import { runs } from '../../fuzz-runs.ts';

const bytes = (maxLength = 600): fc.Arbitrary<Bytes> => fc.uint8Array({ maxLength }).map(copy);
const part = fc.oneof(fc.string({ unit: 'grapheme' }), bytes(20));
const parts = fc.array(part, { maxLength: 5 });
const key = await SymmetricKey.import(new Uint8Array(32).fill(1));
const pair = generateEcdhKeyPair();

describe('encodings', () => {
  test('come back as they went', () => {
    fc.assert(
      fc.property(bytes(), (value) => {
        expect(parseBase64url(encodeBase64url(value))).toEqual(value);
        expect(decodeBase64(encodeBase64(value))).toEqual(value);
        expect(parseHex(encodeHex(value))).toEqual(value);
        expect(parseAnyBase64(encodeBase64(value))).toEqual(value);
        expect(parseAnyBase64(encodeBase64url(value))).toEqual(value);
        expect(unpad(pad(value))).toEqual(value);
      }),
      { numRuns: runs(100) },
    );
  });

  test('base64url that is read is the one form of its bytes', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        let read: Bytes;
        try {
          read = parseBase64url(text);
        } catch {
          return; // refused, which the fuzz run looks at
        }
        expect(encodeBase64url(read)).toBe(text);
      }),
      { numRuns: runs(100) },
    );
  });

  test('padding tells the bucket and nothing more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 70_000 }), (length) => {
        const padded = pad(new Uint8Array(length)).length;
        const step = limits.paddingBuckets.at(-1) ?? 1;
        expect(padded > length && (limits.paddingBuckets.includes(padded) || padded % step === 0)).toBe(true);
      }),
      { numRuns: runs(100) },
    );
  });

  test('different lists give different contexts', () => {
    const asBytes = (list: readonly (string | Uint8Array)[]) =>
      list.map((item) => (typeof item === 'string' ? new TextEncoder().encode(item) : item));
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const [x, y] = [asBytes(a), asBytes(b)];
        const same = x.length === y.length && x.every((item, i) => equal(item, y[i] ?? new Uint8Array(99)));
        expect(equal(encodeContext(...a), encodeContext(...b))).toBe(same);
      }),
      { numRuns: runs(1000) },
    );
  });
});

describe('what is sealed', () => {
  test('opens for its purpose and objects, and for no other list of objects', async () => {
    await fc.assert(
      fc.asyncProperty(parts, parts, bytes(), async (objects, others, plaintext) => {
        const sealed = await sealEnvelope(key, 'record-data', objects, plaintext);
        expect(await openEnvelope(key, 'record-data', objects, sealed)).toEqual(plaintext);
        if (equal(encodeContext(...objects), encodeContext(...others))) return;
        await expect(openEnvelope(key, 'record-data', others, sealed)).rejects.toThrow('open-failed');
      }),
      { numRuns: runs(100) },
    );
  });

  test('does not open with any one bit changed', async () => {
    const sealed = await sealEnvelope(key, 'record-data', ['a'], new Uint8Array(20));
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length * 8 - 1), async (bit) => {
        const changed = copy(sealed);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        await expect(openEnvelope(key, 'record-data', ['a'], changed)).rejects.toThrow('open-failed');
      }),
      { numRuns: runs(400) },
    );
  });

  test('never gives the same bytes twice', async () => {
    const seal = () => sealEnvelope(key, 'record-data', [], new Uint8Array(8));
    const all = await Promise.all(Array.from({ length: 500 }, seal));
    expect(new Set(all.map(encodeHex)).size).toBe(500);
  });

  test('to a public key opens with its private key', async () => {
    await fc.assert(
      fc.asyncProperty(parts, bytes(), async (objects, plaintext) => {
        const sealed = await sealToPublicKey(pair.publicKey, 'p', objects, plaintext);
        expect(await openWithPrivateKey(pair, 'p', objects, sealed)).toEqual(plaintext);
      }),
      { numRuns: runs(30) },
    );
  });

  test('for a secrets-manager folder comes back', async () => {
    const raw = new Uint8Array(32).fill(5);
    await fc.assert(
      fc.asyncProperty(bytes(), async (plaintext) => {
        expect(await openLegacyCbc(raw, await sealLegacyCbc(raw, plaintext))).toEqual(plaintext);
      }),
      { numRuns: runs(100) },
    );
  });

  test('as a request comes back, and its response', async () => {
    const server = { id: 1, ...pair };
    await fc.assert(
      fc.asyncProperty(bytes(2000), bytes(2000), async (payload, answer) => {
        const request = await sealRequest(server, 'A/B', () => Promise.resolve(payload));
        const opened = await openRequest([server], 'A/B', request.body);
        expect(opened.payload).toEqual(payload);
        expect(await request.openResponse(await opened.sealResponse(answer))).toEqual(answer);
      }),
      { numRuns: runs(30) },
    );
  });

  test('on a link comes back in order, however the calls overlap', async () => {
    const server = { id: 1, ...pair };
    await fc.assert(
      fc.asyncProperty(fc.array(bytes(200), { maxLength: 20 }), async (messages) => {
        const { opening, channel } = await openLink(server);
        const other = await acceptLink([server], opening);
        const frames = await Promise.all(messages.map((message) => channel.seal(message)));
        expect(await Promise.all(frames.map((frame) => other.open(frame)))).toEqual(messages);
      }),
      { numRuns: runs(20) },
    );
  });
});

/** The other form of the same signature, which plain ECDSA takes too. */
function withHighS(signature: Uint8Array): Uint8Array {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const half = signatureLength / 2;
  const s = BigInt(`0x${encodeHex(signature.subarray(half))}`);
  return concat(signature.subarray(0, half), parseHex((order - s).toString(16).padStart(64, '0')));
}

test('signatures verify for their message, and the two forms are not taken for each other', async () => {
  const signer = signerOf(pair.privateKey);
  await fc.assert(
    fc.asyncProperty(bytes(), bytes(), async (message, other) => {
      const context = 'sallyport/v1/signature/command';
      const signature = await signer.sign(context, message);
      verifySignature(pair.publicKey, context, message, signature);
      await verifySignatureAside(pair.publicKey, context, message, signature);
      const aside = (said: Uint8Array, of: Uint8Array) =>
        verifySignatureAside(pair.publicKey, context, of, said);
      await expect(aside(withHighS(signature), message)).rejects.toThrow('bad-signature');
      const der = signDer(pair.privateKey, message);
      const keys = new VerifyingKeys();
      keys.verify(pair.publicKey, message, der);
      expect(() => keys.verify(pair.publicKey, message, signature)).toThrow('bad-signature');
      expect(() => verifySignature(pair.publicKey, context, message, der)).toThrow('bad-signature');
      await expect(aside(der, message)).rejects.toThrow('bad-signature');
      if (equal(message, other)) return;
      expect(() => verifySignature(pair.publicKey, context, other, signature)).toThrow('bad-signature');
      await expect(aside(signature, other)).rejects.toThrow('bad-signature');
    }),
    { numRuns: runs(30) },
  );
});

describe('frames', () => {
  const stream = fc.integer({ min: 1, max: 0xffffffff });
  const place = fc
    .record({ number: fc.nat(2 ** 31), high: fc.nat(2 ** 16 - 1), back: fc.nat(2 ** 31) })
    .map(({ number, high, back }) => ({ number: high * 2 ** 32 + number, back: Math.min(back, number) }));
  const count = fc.maxSafeNat();
  const frame: fc.Arbitrary<Frame> = fc.oneof(
    fc.record({
      kind: fc.constant('data' as const),
      ...{ stream, place },
      data: fc.uint8Array({ minLength: 1 }).map(copy),
    }),
    fc.record({
      kind: fc.constant('credit' as const),
      ...{ stream, place },
      bytes: fc.integer({ min: 1, max: limits.maxCredit }),
    }),
    fc.record({ kind: fc.constant('end' as const), stream, place }),
    fc.record({
      kind: fc.constant('reset' as const),
      ...{ stream, place },
      code: fc.stringMatching(/^[a-z0-9-]{1,64}$/),
    }),
    fc.record({
      kind: fc.constantFrom('ping' as const, 'pong' as const),
      token: fc.uint8Array({ minLength: 8, maxLength: 8 }).map(copy),
    }),
    fc.record({ kind: fc.constant('received' as const), count, bytes: count }),
    fc.record({ kind: fc.constantFrom('resumed' as const, 'bye' as const), count }),
  );

  test('come back as they went', () => {
    fc.assert(
      fc.property(frame, (value) => {
        expect(decodeFrame(encodeFrame(value))).toEqual(value);
      }),
      { numRuns: runs(100) },
    );
  });

  test('are decoded the same inside a larger buffer', () => {
    fc.assert(
      fc.property(frame, fc.nat(9), (value, offset) => {
        const around = concat(new Uint8Array(offset), encodeFrame(value), new Uint8Array(9));
        expect(decodeFrame(around.subarray(offset, around.length - 9))).toEqual(value);
      }),
      { numRuns: runs(100) },
    );
  });
});
