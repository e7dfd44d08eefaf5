import { describe, expect, test } from 'vitest';
import { utf8, type Bytes } from '../../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../../../protocol/crypto/random.ts';
import { limits } from '../../../../protocol/limits.ts';
import { SecretsManagerClient, retryDelayMs } from '../../../../protocol/secrets-manager/client.ts';
import { clientIdOf } from '../../../../protocol/secrets-manager/client-id.ts';
import { encodeErrorBody } from '../../../../protocol/secrets-manager/error-body.ts';
import { sealLegacyBlob } from '../../../../protocol/secrets-manager/legacy-crypto.ts';
import { parseReadSecrets, type ReadSecretsPayload } from '../../../../protocol/secrets-manager/requests.ts';
import { encodeSecretsResponse, type SecretsRecord } from '../../../../protocol/secrets-manager/responses.ts';
import { newUid, type Uid } from '../../../../protocol/uid.ts';
import { openWireRequest } from '../../../../server/secrets-manager/wire-request.ts';
import { sealedAnswer } from '../../../fixtures/secrets/sealed-answer.ts';

const serverKey = { id: 20, ...generateEcdhKeyPair() };
const clientKey = generateEcdhKeyPair();
const token = randomBytes(32);
const appKey = randomBytes(32);

async function recordOf(
  text: string,
  wrappingKey: Bytes,
  recordUid: string = newUid(),
): Promise<SecretsRecord> {
  const key = randomBytes(32);
  return {
    recordUid,
    recordKey: await sealLegacyBlob(wrappingKey, key),
    data: await sealLegacyBlob(key, utf8(text)),
    revision: 3,
    isEditable: true,
    innerFolderUid: null,
    files: [],
    links: [],
  };
}

interface Refusal {
  readonly status: number;
  readonly body: Bytes;
}

/** A server in memory: answers with its records, after the refusals it was given. */
class FakeServer {
  readonly requests: ReadSecretsPayload[] = [];
  refusals: (Refusal | 'network')[] = [];
  records: SecretsRecord[] = [];
  folders: { folderUid: string; folderKey: Bytes; isEditable: boolean; records: SecretsRecord[] }[] = [];

  readonly fetch = async (
    url: string,
    init: { method: 'POST'; headers: Record<string, string>; body: Bytes },
  ) => {
    expect(url).toBe('https://vault.example/api/rest/sm/v1/get_secret');
    const refusal = this.refusals.shift();
    if (refusal === 'network') throw new TypeError('fetch failed');
    if (refusal !== undefined) return reply(refusal.status, refusal.body);
    return reply(200, await this.#answer(init));
  };

  async #answer(init: { headers: Record<string, string>; body: Bytes }): Promise<Bytes> {
    const headers = Object.fromEntries(Object.entries(init.headers).map(([n, v]) => [n.toLowerCase(), v]));
    const request = openWireRequest({ headers, body: init.body, serverKeys: [serverKey] });
    const payload = parseReadSecrets(request.payload);
    this.requests.push(payload);
    const wanted = (r: SecretsRecord) =>
      payload.requestedRecords.length === 0 || payload.requestedRecords.includes(r.recordUid);
    const response = encodeSecretsResponse({
      appData: null,
      encryptedAppKey: payload.publicKey === null ? null : await sealLegacyBlob(token, appKey),
      appOwnerPublicKey: null,
      folders: this.folders,
      records: this.records.filter(wanted),
      expiresOn: 99,
      warnings: ['hello'],
    });
    return sealedAnswer(request, response);
  }
}

function reply(status: number, body: Bytes) {
  return { status, arrayBuffer: () => Promise.resolve(body.buffer) };
}

function client(server: FakeServer, key: Bytes | null = appKey, waits: number[] = []) {
  return new SecretsManagerClient({
    url: 'https://vault.example',
    fetch: server.fetch,
    serverKey,
    clientId: clientIdOf(token),
    privateKey: clientKey.privateKey,
    appKey: key,
    wait: async (ms) => void waits.push(ms),
  });
}

describe('bind', () => {
  test('keeps the application key before it tells the server to forget it', async () => {
    const server = new FakeServer();
    server.records = [await recordOf('{"a":1}', appKey)];
    let kept: Bytes | null = null;
    const secrets = await client(server, null).bind(token, (bound) => {
      expect(server.requests.length).toBe(1);
      kept = bound.appKey;
    });
    expect(kept).toEqual(appKey);
    expect(server.requests.map((request) => request.publicKey !== null)).toEqual([true, false]);
    expect(secrets.records[0]?.content).toBe('{"a":1}');
  });

  test('asks for the named records alone, in both calls', async () => {
    const server = new FakeServer();
    const records = [newUid()];
    await client(server, null).bind(token, () => {}, { records });
    expect(server.requests.map(({ requestedRecords }) => requestedRecords)).toEqual([records, records]);
  });

  test('does not acknowledge what could not be kept', async () => {
    const server = new FakeServer();
    const keep = () => Promise.reject(new Error('disk full'));
    await expect(client(server, null).bind(token, keep)).rejects.toThrow('disk full');
    expect(server.requests.length).toBe(1);
  });

  test('succeeds when the acknowledgement is lost', async () => {
    const server = new FakeServer();
    const secrets = await client(server, null).bind(token, () => {
      server.refusals = ['network'];
    });
    expect(secrets.appKey).toEqual(appKey);
  });

  test('fails with another token', async () => {
    const bind = client(new FakeServer(), null).bind(randomBytes(32), () => {});
    await expect(bind).rejects.toMatchObject({ code: 'open-failed' });
  });
});

describe('get_secret', () => {
  test('opens direct records and those in folders, each once', async () => {
    const server = new FakeServer();
    const folderKey = randomBytes(32);
    const twice = await recordOf('{"twice":1}', appKey);
    server.records = [twice, await recordOf('{"direct":1}', appKey)];
    server.folders = [
      {
        folderUid: newUid(),
        folderKey: await sealLegacyBlob(appKey, folderKey),
        isEditable: true,
        records: [
          await recordOf('{"twice":1}', folderKey, twice.recordUid),
          await recordOf('{"foldered":1}', folderKey),
        ],
      },
    ];
    const secrets = await client(server).getSecret();
    expect(secrets.records.map((record) => record.content)).toEqual([
      '{"twice":1}',
      '{"direct":1}',
      '{"foldered":1}',
    ]);
    expect([secrets.unreadable, secrets.expiresOn, secrets.warnings]).toEqual([[], 99, ['hello']]);
  });

  test('asks for the records that were named', async () => {
    const server = new FakeServer();
    server.records = [await recordOf('{}', appKey), await recordOf('{"b":1}', appKey)];
    const uid = server.records[1]!.recordUid as Uid;
    const secrets = await client(server).getSecret({ records: [uid] });
    expect(secrets.records.map((record) => record.recordUid)).toEqual([uid]);
  });

  test('a record under a foreign key is named as unreadable, not passed over', async () => {
    const server = new FakeServer();
    server.records = [await recordOf('{}', randomBytes(32)), await recordOf('{"b":1}', appKey)];
    const secrets = await client(server).getSecret();
    expect(secrets.unreadable).toEqual([server.records[0]!.recordUid]);
    expect(secrets.records.length).toBe(1);
  });

  test('needs to be bound', async () => {
    await expect(client(new FakeServer(), null).getSecret()).rejects.toMatchObject({ code: 'not-allowed' });
  });
});

describe('refusals', () => {
  test('a throttling server is asked again after the time it names, five times at most', async () => {
    const server = new FakeServer();
    const waits: number[] = [];
    server.refusals = [encodeErrorBody('throttled', 'slow', { retryAfter: 4 })];
    await client(server, appKey, waits).getSecret();
    expect(waits.length).toBe(1);
    expect(Math.abs((waits[0] ?? 0) - 4_000)).toBeLessThanOrEqual(1_000);
    server.refusals = Array.from({ length: 10 }, () => encodeErrorBody('throttled', 'slow'));
    const always = client(server, appKey, waits).getSecret();
    await expect(always).rejects.toMatchObject({ code: 'too-many-requests' });
    expect(waits.length).toBe(1 + limits.secretsManagerRetries);
  });

  test('waits grow, and are never longer than the longest', () => {
    const delays = [0, 1, 2, 3, 4, 5].map((attempt) => retryDelayMs(attempt, null, 0.5));
    expect(delays).toEqual([11_000, 22_000, 44_000, 88_000, 176_000, 176_000]);
    expect(retryDelayMs(0, 1e9, 1)).toBeLessThanOrEqual(220_000);
  });

  test.each([
    ['key', 'unknown-server-key'],
    ['access_denied', 'not-allowed'],
    ['bad_request', 'malformed'],
    ['internal_error', 'unavailable'],
  ] as const)('%s fails at once as %s', async (error, code) => {
    const server = new FakeServer();
    server.refusals = [encodeErrorBody(error, 'no', { keyId: 7 })];
    await expect(client(server).getSecret()).rejects.toMatchObject({ code });
    expect(server.requests.length).toBe(0);
  });

  test('a server that cannot be reached is unavailable', async () => {
    const server = new FakeServer();
    server.refusals = ['network'];
    await expect(client(server).getSecret()).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('an answer under another key does not open', async () => {
    const server = new FakeServer();
    server.refusals = [{ status: 200, body: await sealLegacyBlob(randomBytes(32), utf8('{}')) }];
    await expect(client(server).getSecret()).rejects.toMatchObject({ code: 'open-failed' });
  });
});
