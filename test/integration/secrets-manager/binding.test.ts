// How devices of the official SDK come to their application's key, and how they lose it.
import { Agent } from 'node:https';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBase64, encodeBase64url } from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair, pkcs8Of } from '../../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ApplicationService } from '../../../protocol/messages/gen/application_pb.js';
import { clientIdOf } from '../../../protocol/secrets-manager/client-id.ts';
import { uidBytes } from '../../../protocol/uid.ts';
import { configuredDevice, loadSdk, newDevice } from '../../fixtures/secrets/sdk-device.ts';
import { SecretsVault, type VaultApplication } from '../../fixtures/secrets/secrets-vault.ts';
import { startTrustedServer, type TrustedServer } from '../../fixtures/secrets/trusted-server.ts';

let server: TrustedServer;
let vault: SecretsVault;
let application: VaultApplication;
beforeAll(async () => {
  server = await startTrustedServer();
  vault = await SecretsVault.open(server.server);
  application = await vault.createApplication('Nightly build');
  const login = { type: 'login', value: ['root'] };
  await vault.share(application, [
    await vault.putSecret({ title: 'database', fields: [login] }, { holders: [application] }),
  ]);
});
afterAll(() => server.close());

const here = () => ({ url: server.server.url, serverKey: vault.client.serverKey });
const refused = (message: string) => expect.objectContaining({ message: expect.stringContaining(message) });

describe('a one-time token', () => {
  test('gives one device the key of its application, once', async () => {
    const token = await vault.addToken(application);
    const device = await newDevice(token, here());
    const { appData, records, expiresOn } = await device.sdk.getSecrets(device.options);
    expect(appData).toEqual({ title: 'Nightly build', type: 'app' });
    expect(expiresOn).toBeUndefined();
    expect(records).toHaveLength(1);
    expect(records[0]?.data).toMatchObject({
      title: 'database',
      fields: [{ type: 'login', value: ['root'] }],
    });
    expect(await device.storage.getBytes('appKey')).toEqual(Buffer.from(application.appKey));
    expect(await device.storage.getString('clientKey')).toBeUndefined();
    expect(await device.storage.getBytes('appOwnerPublicKey')).toEqual(
      Buffer.from(application.owner.publicKey),
    );
    // The SDK has read a second time, without its public key: the server has forgotten the wrapped key.
    const row = await clientOf(clientIdOf(token));
    expect(row).toMatchObject({ encrypted_app_key: null, public_key: expect.any(Uint8Array) });
    expect((await device.read()).size).toBe(1);
  });

  test('is of no use to a second device', async () => {
    const token = await vault.addToken(application);
    const [first, second] = [await newDevice(token, here()), await newDevice(token, here())];
    await first.read();
    const before = await clientOf(clientIdOf(token));
    await expect(second.read()).rejects.toEqual(refused('Signature is invalid'));
    expect(await clientOf(clientIdOf(token))).toEqual(before);
    expect((await first.read()).size).toBe(1);
  });

  test('that two devices use at the same moment binds one of them', async () => {
    const token = await vault.addToken(application);
    const devices = await Promise.all(Array.from({ length: 8 }, () => newDevice(token, here())));
    const outcomes = await Promise.allSettled(devices.map((device) => device.read()));
    const bound = outcomes.filter(({ status }) => status === 'fulfilled');
    expect(bound).toHaveLength(1);
    const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(failures).toEqual(Array.from({ length: 7 }, () => refused('Signature is invalid')));
  });

  test('can be used again by the same device as long as it never got the answer', async () => {
    const token = await vault.addToken(application);
    let lost = 0;
    const device = await newDevice(token, {
      ...here(),
      queryFunction: async (url, transmissionKey, payload) => {
        const answer = await device.sdk.postFunction(url, transmissionKey, payload);
        if (answer.statusCode === 200 && lost++ < 3) throw new Error('the line broke');
        return answer;
      },
    });
    for (let attempt = 0; attempt < 3; attempt++)
      await expect(device.read()).rejects.toThrow('the line broke');
    expect((await clientOf(clientIdOf(token))).encrypted_app_key).not.toBeNull();
    expect((await device.read()).size).toBe(1);
    expect((await clientOf(clientIdOf(token))).encrypted_app_key).toBeNull();
  });

  test('is not used up by a request that fails', async () => {
    const token = await vault.addToken(application);
    const stranger = await newDevice(token, {
      ...here(),
      serverKey: { id: here().serverKey.id, publicKey: generateEcdhKeyPair().publicKey },
    });
    await expect(stranger.read()).rejects.toEqual(refused('bad_request'));
    expect((await clientOf(clientIdOf(token))).public_key).toBeNull();
    expect((await (await newDevice(token, here())).read()).size).toBe(1);
  });

  test('that nobody used in time is as unknown as one that never was', async () => {
    const stale = await vault.addToken(application, { firstAccessExpiresAtMs: BigInt(Date.now() - 1000) });
    for (const token of [stale, randomBytes(32)]) {
      const device = await newDevice(token, here());
      await expect(device.read()).rejects.toEqual(refused('Unable to validate application access'));
    }
  });

  test('binds with a filter that nothing fits, as command lines do', async () => {
    const device = await newDevice(await vault.addToken(application), here());
    const { records } = await device.sdk.getSecrets(device.options, ['AAAAAAAAAAAAAAAAAAAAAA']);
    expect(records).toEqual([]);
    expect((await device.sdk.getSecrets(device.options, ['non-existing'])).records).toEqual([]);
    expect((await device.read()).size).toBe(1);
  });

  test('with a host in front works where the server has the usual port', async () => {
    const sdk = loadSdk();
    const storage = sdk.inMemoryStorage({});
    const token = encodeBase64url(await vault.addToken(application));
    await sdk.initializeStorage(storage, `vault.example.test:${token}`);
    expect(await storage.getString('hostname')).toBe('vault.example.test');
    await storage.saveString('hostname', new URL(here().url).host);
    const { publicKey, id } = here().serverKey;
    const { records } = await sdk.getSecrets({
      ...{ storage, serverPublicKey: encodeBase64url(publicKey), serverPublicKeyId: String(id) },
    });
    expect(records).toHaveLength(1);
  });
});

describe('a configuration made by the vault', () => {
  test('is a device that was bound from the start', async () => {
    const { publicKey, privateKey } = generateEcdhKeyPair();
    const clientId = randomBytes(64);
    await vault.client.call(ApplicationService.method.addClient, {
      ...{ applicationUid: uidBytes(application.uid), clientId, kind: 1, publicKey },
      appOwnerPublicKey: application.owner.publicKey,
    });
    const { id, publicKey: serverKey } = here().serverKey;
    const json = JSON.stringify({
      hostname: new URL(here().url).host,
      clientId: encodeBase64(clientId),
      privateKey: encodeBase64(pkcs8Of({ publicKey, privateKey })),
      appKey: encodeBase64(application.appKey),
      appOwnerPublicKey: encodeBase64(application.owner.publicKey),
      serverPublicKeyId: String(id),
      serverPublicKey: encodeBase64url(serverKey),
    });
    expect((await configuredDevice(json).read()).size).toBe(1);
    const base64 = Buffer.from(json).toString('base64');
    expect((await configuredDevice(base64).read()).size).toBe(1);
  });
});

describe('access', () => {
  test('that ends is told beforehand, and refused afterwards', async () => {
    const ends = Date.now() + 3_600_000;
    const device = await vault.addDevice(application, { accessExpiresAtMs: BigInt(ends) });
    const { expiresOn } = await device.sdk.getSecrets(device.options);
    expect(expiresOn).toEqual(new Date(ends));
    await server.db
      .updateTable('client')
      .set({ access_expires_at: Date.now() - 1 })
      .where('access_expires_at', '=', ends)
      .execute();
    await expect(device.read()).rejects.toEqual(refused('Access has expired'));
  });

  test('from another address than the first is refused where the address is locked', async () => {
    const device = await vault.addDevice(application, { lockIp: true });
    const elsewhere = new Agent({ localAddress: '127.0.0.2' });
    device.sdk.setCustomProxyAgent(elsewhere);
    await expect(device.read()).rejects.toEqual(refused('Access from this address is not allowed'));
    device.sdk.setCustomProxyAgent(undefined);
    expect((await device.read()).size).toBe(1);
    const free = await vault.addDevice(application);
    free.sdk.setCustomProxyAgent(elsewhere);
    expect((await free.read()).size).toBe(1);
    elsewhere.destroy();
  });

  test('of a device that was removed, and of all devices of an application that is gone, ends at once', async () => {
    const other = await vault.createApplication('short-lived');
    const [removed, left] = [await vault.addDevice(other), await vault.addDevice(other)];
    const clientId = Buffer.from((await removed.storage.getString('clientId')) ?? '', 'base64');
    await vault.client.call(ApplicationService.method.removeClient, { clientId });
    const unknown = refused('Unable to validate application access');
    await expect(removed.read()).rejects.toEqual(unknown);
    expect((await left.read()).size).toBe(0);
    await vault.client.call(ApplicationService.method.deleteApplication, {
      applicationUid: uidBytes(other.uid),
    });
    await expect(left.read()).rejects.toEqual(unknown);
  });

  test('is over HTTPS with a certificate that the client trusts', async () => {
    expect(readFileSync(server.certificate, 'utf8')).toContain('BEGIN CERTIFICATE');
    expect(new URL(here().url).protocol).toBe('https:');
    const device = await vault.addDevice(application);
    device.sdk.setCustomProxyAgent(new Agent({ ca: [], checkServerIdentity: () => undefined }));
    await expect(device.read()).rejects.toThrow('self-signed');
  });
});

async function clientOf(clientId: Uint8Array) {
  return await server.db
    .selectFrom('client')
    .selectAll()
    .where('client_id', '=', clientId)
    .executeTakeFirstOrThrow();
}
