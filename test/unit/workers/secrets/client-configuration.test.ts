import { createPrivateKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeBase64, encodeBase64url, parseBase64url } from '../../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../../../protocol/crypto/random.ts';
import {
  configurationBase64,
  configurationJson,
  kubernetesSecret,
  tokenText,
} from '../../../../workers/engine/secrets/client-configuration.ts';

const token = randomBytes(32);

describe('what a device of an application begins with', () => {
  test.each([
    ['https://vault.example.org', `vault.example.org:${encodeBase64url(token)}`],
    ['https://vault.example.org:443', `vault.example.org:${encodeBase64url(token)}`],
    ['https://vault.example.org:8443', encodeBase64url(token)],
    ['https://[2001:db8::1]', encodeBase64url(token)],
  ])('a token for %s', (origin, text) => {
    expect(tokenText(token, new URL(origin))).toBe(text);
  });

  test('a configuration has its private key where clients look for it', () => {
    const keys = generateEcdhKeyPair();
    const server = generateEcdhKeyPair();
    const [clientId, appKey] = [randomBytes(64), randomBytes(32)];
    const json = configurationJson({
      ...{ hostname: 'vault.example.org:8443', clientId, keys, appKey },
      appOwnerPublicKey: generateEcdhKeyPair().publicKey,
      serverKey: { id: 23, publicKey: server.publicKey },
    });
    const read: unknown = JSON.parse(json);
    expect(read).toMatchObject({ hostname: 'vault.example.org:8443', serverPublicKeyId: '23' });
    const { privateKey, serverPublicKey, clientId: id } = read as Record<string, string>;
    const der = decodeBase64(privateKey ?? '');
    expect(der.subarray(36, 68)).toEqual(keys.privateKey);
    expect(der.subarray(-65)).toEqual(keys.publicKey);
    const platform = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
    expect(platform.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(parseBase64url(serverPublicKey ?? '')).toEqual(server.publicKey);
    expect(id).toMatch(/^[\w+/]{86}==$/);
  });

  test('a Secret has the configuration under the key that the integrations read, and a name that a cluster takes', () => {
    const yaml = kubernetesSecret('Größe / CI #1 ', '{"hostname":"h"}');
    expect(yaml).toContain('\n  name: gro-e-ci-1-config\n');
    expect(yaml).toContain(`\n  config: ${configurationBase64('{"hostname":"h"}')}\n`);
    expect(kubernetesSecret('   ', '{}')).toContain('name: sallyport-config');
  });
});
