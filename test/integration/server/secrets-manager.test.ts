import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBase64 } from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../../protocol/crypto/ecdsa.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ApplicationService, ClientKind } from '../../../protocol/messages/gen/application_pb.js';
import { parseErrorBody } from '../../../protocol/secrets-manager/error-body.ts';
import { sealSecretsManagerRequest } from '../../../protocol/secrets-manager/request.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { ApiClient, envelopeOf } from '../../fixtures/api-client.ts';
import {
  addClient,
  copyFor,
  createApplication,
  enrolGateway,
  putRecord,
  secretsClient,
} from '../../fixtures/application.ts';
import { openGatewayLink } from '../../fixtures/link-client.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const { removeClient, deleteApplication, listApplications, listGateways, shareRecords, unshareRecords } =
  ApplicationService.method;

describe('secrets manager', () => {
  let server: TestServer;
  let count = 0;
  beforeAll(async () => void (server = await startTestServer()));
  afterAll(() => server.close());

  const newVault = async () => {
    const vault = await ApiClient.connect(server.url);
    await vault.register(`owner${count++}@example.test`, 'correct horse battery');
    return vault;
  };
  const denied = { code: 'not-allowed' };

  test("a one-time token binds one device, which reads its application's records and no others", async () => {
    const vault = await newVault();
    const [application, other] = [await createApplication(vault), await createApplication(vault)];
    const shared = await putRecord(vault, 'shared', [application]);
    await putRecord(vault, 'of another application', [other]);
    await putRecord(vault, 'of the vault alone');
    const { token, clientId } = await addClient(vault, application);
    const { privateKey } = generateEcdhKeyPair();
    const client = secretsClient(vault, clientId, privateKey);
    const secrets = await client.bind(token, ({ appKey, appOwnerPublicKey }) => {
      expect(appKey).toEqual(application.appKey);
      expect(appOwnerPublicKey).toEqual(vault.account.ecdh.publicKey);
    });
    expect(secrets.unreadable).toEqual([]);
    expect(secrets.records.map(({ recordUid }) => recordUid)).toEqual([shared]);
    expect(secrets.records[0]?.content).toContain('"title":"shared"');
    expect((await client.getSecret({ records: [newUid()] })).records).toEqual([]);
    expect((await client.getSecret({ records: [shared] })).records).toHaveLength(1);
    const thief = secretsClient(vault, clientId, generateEcdhKeyPair().privateKey);
    await expect(thief.bind(token, () => undefined)).rejects.toMatchObject(denied);
  });

  test('a binding that was not acknowledged can be done again; an acknowledged one gives no key any more', async () => {
    const vault = await newVault();
    const { token, clientId } = await addClient(vault, await createApplication(vault));
    const { privateKey } = generateEcdhKeyPair();
    const client = () => secretsClient(vault, clientId, privateKey);
    const lost = client().bind(token, () => Promise.reject(new Error('the disk is full')));
    await expect(lost).rejects.toThrow('the disk is full');
    await client().bind(token, () => undefined);
    await expect(client().bind(token, () => undefined)).rejects.toMatchObject({ code: 'malformed' });
  });

  test('an expired token is as unknown as one that never was', async () => {
    const vault = await newVault();
    const application = await createApplication(vault);
    const stale = await addClient(vault, application, { firstAccessExpiresAtMs: BigInt(Date.now() - 1000) });
    const never = { token: randomBytes(32), clientId: randomBytes(64) };
    const messages = [stale, never].map(({ token, clientId }) =>
      secretsClient(vault, clientId, generateEcdhKeyPair().privateKey)
        .bind(token, () => undefined)
        .catch((error: Error) => error.message),
    );
    expect(new Set(await Promise.all(messages)).size).toBe(1);
  });

  test('a removed client, an ended access and an unshared record take effect at the next request', async () => {
    const vault = await newVault();
    const application = await createApplication(vault);
    const record = await putRecord(vault, 'one', [application]);
    const { clientId, privateKey } = await enrolGateway(vault, application);
    const client = secretsClient(vault, clientId, privateKey, application.appKey);
    const applicationUid = uidBytes(application.applicationUid);
    expect((await client.getSecret()).records).toHaveLength(1);
    const tooMany = Array.from({ length: 70_000 }, () => uidBytes(record));
    const flood = vault.call(unshareRecords, { applicationUid, recordUids: tooMany });
    await expect(flood).rejects.toMatchObject({ code: 'too-large' });
    await vault.call(unshareRecords, { applicationUid, recordUids: [uidBytes(record)] });
    expect((await client.getSecret()).records).toHaveLength(0);
    await vault.call(shareRecords, { copies: [await copyFor(application, record, 'again')] });
    expect((await client.getSecret()).records[0]?.content).toContain('again');
    await vault.putRecords([
      {
        ...{ recordUid: uidBytes(record), baseRevision: 1n, deleted: true },
        ...{ sealedKey: envelopeOf('key'), sealedData: envelopeOf('trashed') },
      },
    ]);
    expect((await client.getSecret()).records).toHaveLength(0);
    await vault.call(removeClient, { clientId });
    await expect(client.getSecret()).rejects.toMatchObject(denied);
  });

  test('access that has ended is refused', async () => {
    const vault = await newVault();
    const application = await createApplication(vault);
    const { token, clientId } = await addClient(vault, application, {
      accessExpiresAtMs: BigInt(Date.now() - 1),
    });
    const client = secretsClient(vault, clientId, generateEcdhKeyPair().privateKey);
    await expect(client.bind(token, () => undefined)).rejects.toMatchObject(denied);
  });

  test('the owner lists applications and gateways; a stranger sees and changes nothing', async () => {
    const [vault, stranger] = [await newVault(), await newVault()];
    const application = await createApplication(vault);
    const record = await putRecord(vault, 'one', [application]);
    const { gatewayUid, clientId, device } = await enrolGateway(vault, application);
    const waiting = await addClient(vault, application);
    expect((await vault.call(listApplications, {})).applications).toMatchObject([
      { applicationUid: uidBytes(application.applicationUid), recordUids: [uidBytes(record)] },
    ]);
    const { gateways } = await vault.call(listGateways, {});
    const of = (uid: Uint8Array) => gateways.find((gateway) => Buffer.compare(gateway.gatewayUid, uid) === 0);
    expect(of(uidBytes(gatewayUid))).toMatchObject({ enrolled: true, online: false, tokenExpiresAtMs: 0n });
    expect(of(uidBytes(gatewayUid))?.devicePublicKey).toEqual(device.publicKey);
    expect(of(uidBytes(waiting.gatewayUid))).toMatchObject({ enrolled: false });
    expect((await stranger.call(listGateways, {})).gateways).toEqual([]);
    const applicationUid = uidBytes(application.applicationUid);
    const missing = { code: 'not-found' };
    await expect(stranger.call(removeClient, { clientId })).rejects.toMatchObject(missing);
    await expect(stranger.call(deleteApplication, { applicationUid })).rejects.toMatchObject(missing);
    await expect(stranger.call(unshareRecords, { applicationUid, recordUids: [] })).rejects.toMatchObject(
      missing,
    );
    await expect(addClient(stranger, application)).rejects.toMatchObject(missing);
    const copies = [await copyFor(application, record, 'mine now')];
    await expect(stranger.call(shareRecords, { copies })).rejects.toMatchObject(missing);
    await vault.call(deleteApplication, { applicationUid });
    expect((await vault.call(listGateways, {})).gateways).toEqual([]);
  });

  const post = async (
    method: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array<ArrayBuffer>,
  ) => {
    const response = await fetch(`${server.url}/api/rest/sm/v1/${method}`, { method: 'POST', headers, body });
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { status: response.status, refusal: response.ok ? null : parseErrorBody(bytes), bytes };
  };

  test('each failure has the status and body that clients know', async () => {
    const vault = await newVault();
    const { clientId, privateKey } = await enrolGateway(vault);
    const payload = { clientVersion: 'test', clientId: encodeBase64(clientId) };
    const seal = (members: object, key = privateKey, id = vault.serverKey.id) =>
      sealSecretsManagerRequest({ ...vault.serverKey, id }, key, members);
    const answerTo = async (method: string, sealed: Awaited<ReturnType<typeof seal>>) =>
      await post(method, sealed.headers, sealed.body);

    const unknownKey = await answerTo('get_secret', await seal(payload, privateKey, 7));
    expect(unknownKey).toMatchObject({ status: 401, refusal: { error: 'key', keyId: vault.serverKey.id } });
    const forged = await answerTo('get_secret', await seal(payload, generateEcdhKeyPair().privateKey));
    expect(forged).toMatchObject({
      status: 403,
      refusal: { error: 'access_denied', message: 'Signature is invalid' },
    });
    const other = await answerTo('get_file', await seal(payload));
    expect(other).toMatchObject({ status: 400, refusal: { error: 'bad_request' } });
    expect(other.refusal?.message).toContain('get_file');
    const sealed = await seal(payload);
    const broken = { ...sealed, body: sealed.body.with(20, (sealed.body[20] ?? 0) ^ 1) };
    expect(await answerTo('get_secret', broken)).toMatchObject({
      status: 400,
      refusal: { error: 'bad_request' },
    });
    expect(await post('get_secret', {}, sealed.body)).toMatchObject({ status: 400 });
    // Some clients send a form's content type, and some null for what they leave out.
    const headers = { ...sealed.headers, 'Content-Type': 'application/x-www-form-urlencoded' };
    expect(await post('get_secret', headers, sealed.body)).toMatchObject({ status: 200 });
    expect(await answerTo('get_secret', sealed)).toMatchObject({
      status: 403,
      refusal: { error: 'access_denied' },
    });
    const withNull = await seal({ ...payload, publicKey: null, requestedRecords: null });
    const folders = await answerTo('get_folders', withNull);
    expect(folders.status).toBe(200);
    expect(await withNull.openResponse(folders.bytes)).toMatchObject({ folders: [], records: [] });
  });

  test('a wrong key id is corrected a few times, then refused', async () => {
    const answers = [];
    for (let i = 0; i < 5; i++)
      answers.push(await post('get_secret', { PublicKeyId: '9' }, new Uint8Array(1)));
    expect(answers.at(-1)?.refusal?.error).toBe('access_denied');
  });

  test('general clients have no gateway, and a token lives at most a day', async () => {
    const vault = await newVault();
    const application = await createApplication(vault);
    await addClient(vault, application, { kind: ClientKind.GENERAL });
    expect((await vault.call(listGateways, {})).gateways).toEqual([]);
    const late = { firstAccessExpiresAtMs: BigInt(Date.now() + 2 * 3_600_000) };
    await expect(addClient(vault, application, late)).rejects.toMatchObject({ code: 'malformed' });
  });
});

test('a client that is locked to its first address is refused at every other, API and link alike', async () => {
  const server = await startTestServer({ trustedProxies: ['127.0.0.1'] });
  try {
    const vault = await ApiClient.connect(server.url);
    await vault.register('locked@example.test', 'correct horse battery');
    const [here, elsewhere] = ['198.51.100.1', '198.51.100.2'];
    const { clientId, gatewayUid } = await addClient(vault, await createApplication(vault), { lockIp: true });
    const { privateKey, publicKey } = generateEcdhKeyPair();
    const ask = async (address: string, more: object = {}) => {
      const payload = { clientVersion: 'test', clientId: encodeBase64(clientId), ...more };
      const { headers, body } = await sealSecretsManagerRequest(vault.serverKey, privateKey, payload);
      const url = `${server.url}/api/rest/sm/v1/get_secret`;
      const from = { ...headers, 'x-forwarded-for': address };
      const response = await fetch(url, { method: 'POST', headers: from, body });
      return response.ok ? 'read' : parseErrorBody(new Uint8Array(await response.arrayBuffer())).error;
    };
    expect(await ask(here, { publicKey: encodeBase64(publicKey) })).toBe('read');
    expect(await ask(elsewhere)).toBe('access_denied');
    expect(await ask(here)).toBe('read');
    const identity = { gatewayUid, clientId, device: signerOf(privateKey), serverKey: vault.serverKey };
    const linkFrom = (address: string) =>
      openGatewayLink(server.url, identity, undefined, { headers: { 'x-forwarded-for': address } });
    expect((await (await linkFrom(elsewhere)).next('closing')).code).toBe('not-allowed');
    await (await linkFrom(here)).next('welcome');
  } finally {
    await server.close();
  }
});

test('a client that asks too often is throttled for that method, with the seconds to wait', async () => {
  const server = await startTestServer({}, { rates: { secrets: { burst: 3, perSecond: 0.001 } } });
  try {
    const vault = await ApiClient.connect(server.url);
    await vault.register('often@example.test', 'correct horse battery');
    const { clientId, privateKey } = await enrolGateway(vault);
    const payload = { clientVersion: 'test', clientId: encodeBase64(clientId) };
    const seal = () => sealSecretsManagerRequest(vault.serverKey, privateKey, payload);
    const ask = async (method: string, { headers, body }: Awaited<ReturnType<typeof seal>>) => {
      const url = `${server.url}/api/rest/sm/v1/${method}`;
      return await fetch(url, { method: 'POST', headers, body });
    };
    await ask('get_secret', await seal());
    const sealed = await seal();
    // Twice: what was throttled is not remembered.
    for (let i = 0; i < 2; i++) {
      const refused = await ask('get_secret', sealed);
      expect(refused.status).toBe(403);
      expect(await refused.json()).toMatchObject({ error: 'throttled', retry_after: expect.any(Number) });
    }
    expect((await ask('get_folders', await seal())).status).toBe(200);
  } finally {
    await server.close();
  }
});
