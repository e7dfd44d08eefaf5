// Attack class 17: a primitive that must not be used is not there to be used. What the real client asks of WebCrypto on
// a whole journey is written down, and the sources are looked through for what nothing of ours may name.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { HostileServer } from '../fakes/hostile-server.ts';
import { startEngine } from '../fixtures/engine.ts';

const root = join(import.meta.dirname, '../..');
const password = 'correct horse battery staple';

/** Foreign formats fix them: each lives behind a wall of its own (.dependency-cruiser.cjs). */
const foreign = [
  'protocol/secrets-manager/legacy-crypto.ts',
  'protocol/foreign-vaults/',
  'workers/exchange/keepass-library.ts',
];

/** Shows the fingerprint of a target's public key: nothing secret, and a page has no other way to hash. */
const publicDigest = 'web/vault/fingerprint.ts';

/** Makes a server's certificate for development: a key of TLS, and of no protocol of ours. */
const certificate = 'server/tls/self-signed.ts';

/** Opens what the secrets-manager wire format fixes, at half of what WebCrypto takes for it: AES-256-GCM, and nothing else. */
const wireCrypto = 'server/secrets-manager/wire-crypto.ts';

const sources = ['protocol', 'workers', 'web', 'server', 'gateway'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|svelte)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name))),
);

const codeOf = (path: string) =>
  readFileSync(join(root, path), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\/\/.*$/gm, '');

describe('primitives that are not there', () => {
  afterEach(() => vi.restoreAllMocks());

  test.each([
    ['unauthenticated modes', /AES-(CBC|CTR|ECB|KW)|aes-\d+-(cbc|ctr|ecb)/i],
    ['broken or weak hashes for content', /\bMD5\b|\bmd5\(|'SHA-1'|RIPEMD/],
    ['RSA, which nothing here needs', /RSA-OAEP|RSASSA|RSA-PSS/],
    ['weak randomness', /Math\.random\(/],
  ])('%s', (_, pattern) => {
    const guilty = sources
      .filter((path) => !foreign.some((allowed) => path.startsWith(allowed)))
      .filter((path) => pattern.test(codeOf(path)));
    expect(guilty).toEqual([]);
  });

  test('ciphers and agreements of Node are named by the secrets-manager wire format alone, and are of one kind', () => {
    const pattern =
      /create(C|Dec)ipheriv|createECDH|createDiffieHellman|diffieHellman\(|(public|private)(En|De)crypt/;
    const guilty = sources.filter((path) => pattern.test(codeOf(path)));
    expect(guilty).toEqual([wireCrypto]);
    const code = codeOf(wireCrypto);
    const named = code.match(/'(aes|des|chacha20|rc4|camellia|aria|sm4)-[\w-]+'/gi);
    expect(new Set(named)).toEqual(new Set(["'aes-256-gcm'"]));
    expect(code.match(/create(?:Cipher|Decipher)iv\((?!cipher, )/g)).toBeNull();
    expect(code.match(/createECDH\((?!'prime256v1'\))/g)).toBeNull();
  });

  test('WebCrypto and noble are asked for by protocol/crypto and the foreign formats alone', () => {
    const guilty = sources
      .filter((path) => !path.startsWith('protocol/crypto/') && !foreign.some((one) => path.startsWith(one)))
      .filter((path) => path !== publicDigest && path !== certificate)
      .filter((path) => /\bcrypto\.subtle\b|from '@noble\//.test(codeOf(path)));
    expect(guilty).toEqual([]);
  });

  test('a whole journey of the client asks WebCrypto for AES-256-GCM, ECDH, ECDSA and nothing else', async () => {
    const asked = new Set<string>();
    const nameOf = (algorithm: unknown) =>
      typeof algorithm === 'string' ? algorithm : String((algorithm as { name?: unknown }).name);
    for (const verb of [
      'encrypt',
      'decrypt',
      'sign',
      'verify',
      'digest',
      'deriveBits',
      'deriveKey',
    ] as const) {
      const real = crypto.subtle[verb].bind(crypto.subtle) as (...args: unknown[]) => Promise<never>;
      vi.spyOn(crypto.subtle, verb).mockImplementation((...args: unknown[]) => {
        asked.add(`${verb} ${nameOf(args[0])}`);
        return real(...args);
      });
    }
    const server = await HostileServer.start();
    const engine = await startEngine(server.origin, { transport: server.transport });
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email: 'plain@example.test', password });
    const fields = [{ type: 'password', value: ['secret'] }];
    const uid = await engine.saveRecord({ content: { type: 'login', title: 'Mail', fields } });
    await engine.revealField({ recordUid: uid, field: { group: 'fields', index: 0 } });
    await engine.lock();
    await engine.unlock({ password });
    await engine.readRecord(uid);
    await engine.close();
    expect(asked.size).toBeGreaterThan(2);
    const ours = /^(encrypt|decrypt) AES-GCM$|^deriveBits ECDH$|^(sign|verify) ECDSA$/;
    expect([...asked].filter((one) => !ours.test(one))).toEqual([]);
  });
});
