import { describe, expect, test } from 'vitest';
import { decodeBase64, encodeBase64, encodeHex, parseBase64url, utf8 } from '../../../../protocol/bytes.ts';
import { ecdhPublicKey, generateEcdhKeyPair } from '../../../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../../../protocol/crypto/random.ts';
import { clientIdOf } from '../../../../protocol/secrets-manager/client-id.ts';
import { encodeErrorBody, parseErrorBody } from '../../../../protocol/secrets-manager/error-body.ts';
import {
  openLegacyCbc,
  openLegacyEcies,
  sealLegacyCbc,
  sealLegacyEcies,
} from '../../../../protocol/secrets-manager/legacy-crypto.ts';
import { parseCreateSecret, parseReadSecrets } from '../../../../protocol/secrets-manager/requests.ts';
import {
  encodeSecretsResponse,
  parseSecretsResponse,
} from '../../../../protocol/secrets-manager/responses.ts';

const clientKey = generateEcdhKeyPair();

test('client id: the known answer of the protocol', () => {
  const token = parseBase64url('AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8');
  expect(encodeBase64(clientIdOf(token))).toBe(
    'HDWtY7+/cWpJ86C1KBh6DgWY4ovDJBrjliUeY7fvzOEVISYTHNlkqkoyz0IHQrqO0GLFvBPnFb6JvPOzemsZEg==',
  );
  expect(() => clientIdOf(token.subarray(1))).toThrow('32 bytes');
});

describe('ECIES', () => {
  const blob = decodeBase64(
    'BFUPRxAD89+Xw99QaseX9nIfsaH7e49vg9IkSYplyI4kE2CT1wEuUJpzcVy9CwCjzA/0tcAbP/oZarH7MnA2uOYDAwMDAwMDAwMDAwOJj04vqHz9nZy4tSYEQ3+SKRtVkNi+oWKqlqN2iA7+mRCQ7Gl8R/JerOnXcmJDq4Y=',
  );
  const server = new Uint8Array(32).fill(1);

  test('opens the known answer of the protocol', async () => {
    expect(await openLegacyEcies(server, blob)).toEqual(new Uint8Array(32).fill(4));
  });

  test.each(Array.from({ length: 125 }, (_, i) => i))('fails with byte %i changed', async (i) => {
    const changed = blob.slice();
    changed[i] = (changed[i] ?? 0) ^ 1;
    await expect(openLegacyEcies(server, changed)).rejects.toMatchObject({ code: 'open-failed' });
  });

  test('round trip, and another key fails', async () => {
    const sealed = await sealLegacyEcies(clientKey.publicKey, utf8('secret'));
    expect(await openLegacyEcies(clientKey.privateKey, sealed)).toEqual(utf8('secret'));
    await expect(openLegacyEcies(server, sealed)).rejects.toMatchObject({ code: 'open-failed' });
  });
});

test('folder names: round trip, and a cut or foreign text fails', async () => {
  const key = randomBytes(32);
  const sealed = await sealLegacyCbc(key, utf8('{"name":"Servers"}'));
  expect(await openLegacyCbc(key, sealed)).toEqual(utf8('{"name":"Servers"}'));
  for (const cut of [0, 1, 15, 16, 17, 31, sealed.length - 1]) {
    await expect(openLegacyCbc(key, sealed.subarray(0, cut))).rejects.toMatchObject({ code: 'open-failed' });
  }
});

describe('payloads', () => {
  const clientId = encodeBase64(new Uint8Array(64).fill(3));
  const base = { clientVersion: 'mp17.3.0', clientId };

  test('null is absent, unknown members are ignored, both base64 alphabets are read', () => {
    const publicKey = ecdhPublicKey(new Uint8Array(32).fill(9));
    const parsed = parseReadSecrets({
      ...base,
      publicKey: encodeBase64(publicKey).replaceAll('+', '-').replaceAll('/', '_'),
      requestedRecords: null,
      other: { deep: 1 },
    });
    expect(parsed.publicKey).toEqual(publicKey);
    expect([parsed.requestedRecords, parsed.requestedFolders, parsed.requestLinks]).toEqual([[], [], false]);
  });

  test.each<[string, unknown]>([
    ['no object', []],
    ['null', null],
    ['no client id', { clientVersion: 'x' }],
    ['a short client id', { ...base, clientId: 'AAAA' }],
    ['a client id that is a number', { ...base, clientId: 5 }],
    ['a public key of the wrong length', { ...base, publicKey: 'AAAA' }],
    ['a record list that is no list', { ...base, requestedRecords: 'AAAA' }],
    ['a record list with a number in it', { ...base, requestedRecords: [1] }],
    ['a flag that is a text', { ...base, requestLinks: 'yes' }],
  ])('%s is refused', (_, payload) => {
    expect(() => parseReadSecrets(payload)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  test('a bare record key is refused, because it would show the server a secret', () => {
    const create = (recordKey: Uint8Array) =>
      parseCreateSecret({
        ...base,
        recordUid: 'r',
        folderUid: 'f',
        recordKey: encodeBase64(recordKey),
        folderKey: encodeBase64(new Uint8Array(60)),
        data: 'AAAA',
      });
    expect(() => create(new Uint8Array(32))).toThrow('recordKey');
    expect(() => create(new Uint8Array(125))).toThrow('recordKey is not wrapped');
    expect(create(Uint8Array.of(4, ...new Uint8Array(124))).recordUid).toBe('r');
  });
});

describe('responses', () => {
  const record = {
    recordUid: 'AAAAAAAAAAAAAAAAAAAAAA',
    recordKey: Uint8Array.from({ length: 60 }, () => 0xff),
    data: Uint8Array.from({ length: 40 }, () => 0xfb),
    revision: 7,
    isEditable: true,
    innerFolderUid: null,
    files: [],
    links: [],
  };
  const response = {
    appData: Uint8Array.of(0xff, 0xff, 0xff, 0xfe),
    encryptedAppKey: null,
    appOwnerPublicKey: null,
    folders: [{ folderUid: 'f', folderKey: Uint8Array.of(0xff, 0xef), isEditable: false, records: [record] }],
    records: [record],
    expiresOn: 0,
    warnings: [],
  };

  test('carry every member that the strictest client insists on, in the strictest base64', () => {
    const json = JSON.parse(JSON.stringify(encodeSecretsResponse(response)));
    expect(json).toMatchObject({ encryptedAppKey: null, appData: '_____g', expiresOn: 0, warnings: null });
    expect(Object.keys(json.records[0])).toEqual(
      expect.arrayContaining([
        'recordUid',
        'recordKey',
        'data',
        'revision',
        'isEditable',
        'files',
        'innerFolderUid',
      ]),
    );
    expect(Object.keys(json.folders[0])).toEqual(
      expect.arrayContaining(['folderUid', 'folderKey', 'data', 'parent', 'records']),
    );
    expect(json.folders[0].folderKey).toBe('/+8=');
    expect(parseSecretsResponse(json)).toEqual(response);
  });

  test('absent lists are empty', () => {
    const parsed = parseSecretsResponse({ folders: null, records: null });
    expect([parsed.folders, parsed.records, parsed.expiresOn]).toEqual([[], [], 0]);
  });
});

test('refusals carry what clients look for, and anything else reads as unknown', () => {
  const { status, body } = encodeErrorBody('key', 'invalid key id', { keyId: 20 });
  expect(status).toBe(401);
  expect(JSON.parse(new TextDecoder().decode(body))).toMatchObject({ error: 'key', key_id: 20 });
  expect(parseErrorBody(body)).toMatchObject({ error: 'key', keyId: 20 });
  expect(encodeErrorBody('throttled', 'slow down', { retryAfter: 3 }).status).toBe(403);
  expect(parseErrorBody(utf8('{"result_code":"throttled","retry_after":3,"error":"x"}'))).toMatchObject({
    error: 'throttled',
    retryAfter: 3,
  });
  expect(encodeHex(utf8(parseErrorBody(utf8('<html>')).error))).toBe(encodeHex(utf8('unknown')));
});
