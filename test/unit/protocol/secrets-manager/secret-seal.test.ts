import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { copy, encodeHex, type Bytes } from '../../../../protocol/bytes.ts';
import { ecdhKeyPairOf } from '../../../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../../../protocol/crypto/random.ts';
import { sealLegacyEcies } from '../../../../protocol/secrets-manager/legacy-crypto.ts';
import * as seal from '../../../../protocol/secrets-manager/secret-seal.ts';
import { newUid, uidOf, type Uid } from '../../../../protocol/uid.ts';
import { runs } from '../../../fuzz-runs.ts';

const key = randomBytes(32);
const bytes = (maxLength: number): fc.Arbitrary<Bytes> => fc.uint8Array({ maxLength }).map(copy);
const key32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(copy);
const uids: fc.Arbitrary<Uid> = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(uidOf);
const scopes = fc.record({
  accountUid: uids,
  recordUid: uids,
  baseRevision: fc.bigInt({ min: 0n, max: 2n ** 53n }),
});

describe('keys', () => {
  test('of versions are one for each record key, account, record and revision', () => {
    const inputs = fc.tuple(key32, scopes);
    const derive = ([recordKey, scope]: [Bytes, seal.SecretScope]) =>
      encodeHex(seal.secretKeyOf(recordKey, scope));
    const shown = ([recordKey, scope]: [Bytes, seal.SecretScope]) =>
      [encodeHex(recordKey), scope.accountUid, scope.recordUid, scope.baseRevision].join();
    fc.assert(
      fc.property(inputs, inputs, (a, b) => {
        expect(derive(a) === derive(b)).toBe(shown(a) === shown(b));
      }),
      { numRuns: runs(100) },
    );
  });

  test('of a version change with any one of what they are derived from', () => {
    const scope = { accountUid: newUid(), recordUid: newUid(), baseRevision: 7n };
    const all = [
      seal.secretKeyOf(key, scope),
      seal.secretKeyOf(randomBytes(32), scope),
      seal.secretKeyOf(key, { ...scope, accountUid: newUid() }),
      seal.secretKeyOf(key, { ...scope, recordUid: newUid() }),
      seal.secretKeyOf(key, { ...scope, baseRevision: 8n }),
      seal.secretKeyOf(key, { ...scope, accountUid: scope.recordUid, recordUid: scope.accountUid }),
      seal.secretFolderKeyOf(key, scope.accountUid, scope.recordUid),
      seal.secretFolderKeyOf(key, scope.recordUid, scope.accountUid),
      seal.secretOwnerKeyOf(key, scope.recordUid).privateKey,
      seal.secretOwnerKeyOf(key, scope.accountUid).privateKey,
    ];
    expect(new Set(all.map(encodeHex)).size).toBe(all.length);
    expect(all.map(({ length }) => length)).toEqual(all.map(() => 32));
  });

  test('of owners come from any seed of 48 bytes, and what is sealed to them opens', async () => {
    const seeds = fc.uint8Array({ minLength: 48, maxLength: 48 });
    await fc.assert(
      fc.asyncProperty(seeds, key32, async (seed, sealed) => {
        const { privateKey, publicKey } = ecdhKeyPairOf(seed);
        expect(await seal.openOwnerKey(privateKey, await sealLegacyEcies(publicKey, sealed))).toEqual(sealed);
      }),
      { numRuns: runs(30) },
    );
  });
});

const json = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 5 });

describe('what is sealed', () => {
  test('comes back as it went', async () => {
    await fc.assert(
      fc.asyncProperty(key32, key32, json, bytes(2000), async (holder, inner, content, file) => {
        expect(await seal.unwrapSecretKey(holder, await seal.wrapSecretKey(holder, inner))).toEqual(inner);
        const text = await seal.openSecretJson(holder, await seal.sealSecretJson(holder, content));
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(content)));
        expect(await seal.openSecretFile(holder, await seal.sealSecretFile(holder, file))).toEqual(file);
        expect(await seal.unwrapSubfolderKey(holder, await seal.wrapSubfolderKey(holder, inner))).toEqual(
          inner,
        );
      }),
      { numRuns: runs(100) },
    );
  });

  test('has the lengths that the server counts on', async () => {
    expect(await seal.wrapSecretKey(key, randomBytes(32))).toHaveLength(60);
    expect(await seal.wrapSubfolderKey(key, randomBytes(32))).toHaveLength(64);
    expect(await seal.sealSecretFile(key, new Uint8Array(0))).toHaveLength(28);
    expect(await seal.sealSecretFile(key, new Uint8Array(1000))).toHaveLength(1028);
    expect(await seal.sealSecretJson(key, {})).toHaveLength(384 + 28);
    expect(await seal.sealSecretJson(key, { text: 'ä'.repeat(300) })).toHaveLength(768 + 28);
  });

  test('does not open with any one bit changed, nor cut', async () => {
    const sealed = await seal.sealSecretJson(key, { title: 'a' });
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length * 8 - 1), async (bit) => {
        const changed = copy(sealed);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const failure = { code: 'open-failed' };
        await expect(seal.openSecretJson(key, changed)).rejects.toMatchObject(failure);
        await expect(seal.openSecretJson(key, sealed.subarray(0, bit >> 3))).rejects.toMatchObject(failure);
      }),
      { numRuns: runs(100) },
    );
  });

  test('never gives the same bytes twice', async () => {
    const all = await Promise.all(
      Array.from({ length: 100 }, () => [
        seal.wrapSecretKey(key, key),
        seal.wrapSubfolderKey(key, key),
        seal.sealSecretFolderName(key, 'a'),
      ]).flat(),
    );
    expect(new Set(all.map(encodeHex)).size).toBe(300);
  });
});

test('names of folders come back, or are no names', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (name) => {
      const sealed = await seal.sealSecretFolderName(key, name);
      expect(await seal.openSecretFolderName(key, sealed)).toBe(name);
    }),
    { numRuns: runs(100) },
  );
});

test('without a MAC a changed bit of an IV changes the name: what opens proves nothing', async () => {
  const sealed = await seal.sealSecretFolderName(key, 'Servers');
  const at = '{"name":"'.length;
  sealed[at] = (sealed[at] ?? 0) ^ ('S'.charCodeAt(0) ^ 'T'.charCodeAt(0));
  expect(await seal.openSecretFolderName(key, sealed)).toBe('Tervers');
});
