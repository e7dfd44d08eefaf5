// Attack class 21: nonces or keys that repeat, or that come from somewhere else than the platform's generator.
import { createSecretKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { encodeHex } from '../../protocol/bytes.ts';
import { nonceLength } from '../../protocol/crypto/aes-gcm.ts';
import { keyIdLength, SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { sealEnvelope } from '../../protocol/crypto/envelope.ts';
import { purposes } from '../../protocol/crypto/labels.ts';
import { wrappedKeyLength } from '../../protocol/transmission/wrapped-key.ts';
import { sealBlob } from '../../server/secrets-manager/wire-crypto.ts';
import { generatePassword } from '../../workers/tools/password-generator.ts';
import { HostileServer } from '../fakes/hostile-server.ts';
import { startEngine } from '../fixtures/engine.ts';

const root = join(import.meta.dirname, '../..');
const password = 'correct horse battery staple';

describe('randomness', () => {
  afterEach(() => vi.restoreAllMocks());

  test('no source but crypto.getRandomValues is named where keys are made', () => {
    const forbidden = /Math\.random|node:crypto|randomUUID|performance\.now\(\).*seed|pseudoRandomBytes/;
    for (const folder of ['protocol', 'workers']) {
      const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
      const sources = files.filter((file) => /\.(ts|js)$/.test(file));
      expect(sources.length).toBeGreaterThan(10);
      const offenders = sources.filter((file) =>
        forbidden.test(readFileSync(join(root, folder, file), 'utf8')),
      );
      expect(offenders).toEqual([]);
    }
  });

  test('a whole life of a vault asks no other source while it runs', async () => {
    const asked = vi.spyOn(Math, 'random').mockImplementation(() => {
      throw new Error('Math.random was asked');
    });
    const server = await HostileServer.start();
    const engine = await startEngine(server.origin, { transport: server.transport });
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email: 'random@example.test', password });
    await engine.saveRecord({ content: { type: 'login', title: 'x', fields: [] } });
    await engine.createGateway({ name: 'g' });
    await engine.lock();
    await engine.unlock({ password });
    await engine.close();
    expect(asked).not.toHaveBeenCalled();
  });

  test('a broken generator stops the work instead of weakening it', async () => {
    const server = await HostileServer.start();
    const engine = await startEngine(server.origin, { transport: server.transport });
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email: 'broken@example.test', password });
    vi.spyOn(crypto, 'getRandomValues').mockImplementation(() => {
      throw new Error('no entropy');
    });
    await expect(engine.saveRecord({ content: { type: 'login', title: 'x', fields: [] } })).rejects.toThrow(
      'no entropy',
    );
    expect(() =>
      generatePassword({
        kind: 'characters',
        length: 20,
        upper: true,
        lower: true,
        digits: true,
        symbols: true,
      }),
    ).toThrow();
    vi.restoreAllMocks();
    await engine.close();
    expect(server.stored).toEqual([]);
  });

  test('nonces of one key never repeat', async () => {
    const key = await SymmetricKey.import(randomBytes(32));
    const plaintext = new Uint8Array(16);
    const seals = Array.from({ length: 2000 }, () =>
      sealEnvelope(key, purposes.recordData, ['same'], plaintext),
    );
    const envelopes = await Promise.all(seals);
    const start = 1 + keyIdLength;
    const nonces = new Set(
      envelopes.map((envelope) => encodeHex(envelope.subarray(start, start + nonceLength))),
    );
    expect(nonces.size).toBe(envelopes.length);
  });

  test('nor do those of answers to applications, of which many are made at a time and each is its reader’s', () => {
    const key = createSecretKey(randomBytes(32));
    const nonces = Array.from({ length: 2000 }, () => {
      const [nonce = new Uint8Array()] = sealBlob(key, [new Uint8Array(16)]);
      const name = encodeHex(nonce);
      new Uint8Array(nonce.buffer).fill(0); // as of a reader that gives it back
      return name;
    });
    expect(new Set(nonces).size).toBe(nonces.length);
    expect(new Set(nonces.map(({ length }) => length))).toEqual(new Set([2 * nonceLength]));
  });

  test('the same record saved twice gives nothing in common; every request has a transmission key of its own', async () => {
    const server = await HostileServer.start();
    const engine = await startEngine(server.origin, { transport: server.transport });
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email: 'twice@example.test', password });
    const content = { type: 'login', title: 'same', fields: [] };
    for (let i = 0; i < 20; i++) await engine.saveRecord({ content });
    await engine.close();
    const { stored, bodies } = server;
    expect(new Set(stored.map(({ sealedData }) => encodeHex(sealedData))).size).toBe(20);
    // The first eight bytes after the version are the id of the key that was used: each record has its own.
    expect(new Set(stored.map(({ sealedData }) => encodeHex(sealedData.subarray(1, 9)))).size).toBe(20);
    expect(new Set(bodies.map((body) => encodeHex(body.subarray(0, wrappedKeyLength)))).size).toBe(
      bodies.length,
    );
  });
});
