// What the official SDK does when the server says "later", when its keys change, and when many ask at once.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { SecretWriteKind } from '../../../protocol/messages/gen/secrets_pb.js';
import { uidOf } from '../../../protocol/uid.ts';
import { rotateKeys } from '../../../server/keys/key-file.ts';
import { newDevice, type SdkDevice } from '../../fixtures/secrets/sdk-device.ts';
import { SecretsVault } from '../../fixtures/secrets/secrets-vault.ts';
import { startTrustedServer, type TrustedServer } from '../../fixtures/secrets/trusted-server.ts';

const counter = (value: string) => ({
  title: 'counter',
  fields: [{ type: 'text', label: 'count', value: [value] }],
});

describe('50 clients at once', () => {
  let server: TrustedServer;
  let vault: SecretsVault;
  beforeAll(async () => {
    server = await startTrustedServer({ rates: { secrets: { burst: 10_000, perSecond: 10_000 } } });
    vault = await SecretsVault.open(server.server);
  });
  afterAll(() => server.close());

  test('count together without losing one: whoever was too late reads again', async () => {
    const clients = 50;
    const folder = await vault.createFolder('Shared');
    const applications = await Promise.all(
      Array.from({ length: 5 }, (_, i) => vault.createApplication(`app ${i}`)),
    );
    for (const application of applications) await vault.share(application, [folder], true);
    const secret = await vault.putSecret(counter('0'), { holders: [folder] });
    const devices: SdkDevice[] = [];
    for (let i = 0; i < clients; i++) {
      const application = applications[i % applications.length];
      if (application) devices.push(await vault.addDevice(application));
    }
    const before = await devices[0]?.readOne(secret.uid);
    let late = 0;
    const countUp = async ({ sdk, options, readOne }: SdkDevice) => {
      for (;;) {
        const record = await readOne(secret.uid);
        const [field] = record.data.fields;
        field.value = [String(Number(field.value[0]) + 1)];
        try {
          return await sdk.updateSecret(options, record);
        } catch (error) {
          if (!String(error).includes('out_of_sync')) throw error;
          late++;
        }
      }
    };
    await Promise.all(devices.map(countUp));
    const [first] = devices;
    const { data, revision } = (await first?.readOne(secret.uid)) ?? {};
    expect(data.fields[0].value).toEqual([String(clients)]);
    expect(revision).toBe((before?.revision ?? 0) + clients);
    expect(late).toBeGreaterThan(0);
    const writes = (await vault.writes()).filter(({ objectUid }) => uidOf(objectUid) === secret.uid);
    expect(writes).toMatchObject([{ kind: SecretWriteKind.UPDATE }]);
  });

  test('make 50 records, none twice and none missing', async () => {
    const [application, folder] = [await vault.createApplication('makers'), await vault.createFolder('Made')];
    await vault.share(application, [folder], true);
    const devices = await Promise.all(Array.from({ length: 50 }, () => vault.addDevice(application)));
    const uids = await Promise.all(
      devices.map(async ({ sdk, options }, i) =>
        sdk.createSecret(options, folder.uid, { title: `made ${i}`, type: 'login', fields: [] }),
      ),
    );
    const [reader] = devices;
    const read = (await reader?.read()) ?? new Map();
    expect([...read.values()].map(({ recordUid }) => recordUid).sort()).toEqual([...uids].sort());
    expect([...read.keys()].sort()).toEqual(uids.map((_, i) => `made ${i}`).sort());
  });
});

describe('too many requests', () => {
  afterEach(() => void vi.useRealTimers());

  test('are done all the same: the SDK waits as long as it is told', async () => {
    vi.useFakeTimers({ toFake: ['Date'] }); // a slow machine would never ask too often
    const server = await startTrustedServer({ rates: { secrets: { burst: 4, perSecond: 2 } } });
    try {
      const vault = await SecretsVault.open(server.server);
      const application = await vault.createApplication();
      const waits: number[] = [];
      const throttleSleep = (ms: number) => {
        waits.push(ms);
        vi.setSystemTime(Date.now() + ms);
        return Promise.resolve();
      };
      const device = await vault.addDevice(application, {}, { throttleSleep });
      for (let i = 0; i < 6; i++) expect((await device.read()).size).toBe(0);
      expect(waits.length).toBeGreaterThan(0);
      // A second as told, a quarter more or less as the SDK pleases; it would wait 11 if it was told nothing.
      expect(Math.max(...waits)).toBeLessThan(5000);
      // Another method has a measure of its own, as has another client.
      const before = waits.length;
      expect(await device.sdk.getFolders(device.options)).toEqual([]);
      expect(waits).toHaveLength(before);
    } finally {
      await server.close();
    }
  });
});

describe("the server's key", () => {
  test('that was rotated leaves clients with the old one as they are, until it is retired', async () => {
    const server = await startTrustedServer();
    try {
      const vault = await SecretsVault.open(server.server);
      const application = await vault.createApplication();
      const device = await vault.addDevice(application);
      const { dataFolder } = server.server.config;
      const monthMs = 30 * 24 * 60 * 60_000;
      const [current] = rotateKeys(dataFolder, Date.now()).ring;
      server.server.reloadKeys();
      expect(await device.storage.getString('serverPublicKeyId')).not.toBe(String(current?.id));
      expect((await device.read()).size).toBe(0);
      // Rotated again after the time that old keys live: this client's key is gone for good.
      const token = await vault.addToken(application);
      const [newest] = rotateKeys(dataFolder, Date.now() + monthMs + 1).ring;
      server.server.reloadKeys();
      await expect(device.read()).rejects.toThrow('Server rejected the custom server public key');
      if (!newest) throw new Error('no key');
      const later = await newDevice(token, { url: server.server.url, serverKey: newest });
      expect((await later.read()).size).toBe(0);
    } finally {
      await server.close();
    }
  });
});
