// Attack class 25, the gateway's side: the server changes who it is, or what the gateway reads from it.
import { describe, expect, test } from 'vitest';
import { encodeBase64url } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import { startGateway } from '../../gateway/gateway.ts';
import { Logger } from '../../gateway/log/logger.ts';
import { RisingState } from '../../gateway/rising-state.ts';
import { readSettings } from '../../gateway/settings.ts';
import { EachInstallation } from '../fakes/each-installation.ts';
import { Installation } from '../fakes/installation.ts';

const target = { host: '127.0.0.1', port: 9, username: 'ada', password: 'unused' };

const each = new EachInstallation(target);

/** The server gives one record's ciphertexts under another's UID. */
function move(from: Uid, to: Uid): void {
  const record = each.made.router.records.get(from);
  if (record) each.made.router.records.set(to, { ...record, recordUid: to });
}

describe('a server that is not the pinned one', () => {
  test('gets no link and no request from the gateway', async () => {
    const other = await Installation.make(target);
    try {
      if (each.made.config === null) throw new Error('not enrolled');
      other.router.client = each.made.router.client;
      const lines: string[] = [];
      const gateway = startGateway({
        config: { ...each.made.config, server: other.router.url },
        state: await RisingState.open(null),
        settings: readSettings({ SALLYPORT_GATEWAY_BIND: '127.0.0.1' }),
        log: new Logger('debug', (line) => lines.push(line)),
      });
      await expect.poll(() => lines.join('')).toContain('the server has another identity');
      await gateway.close();
      expect(other.router.proofs).toEqual([]);
    } finally {
      await other.stop();
    }
  });
});

describe('a server that swaps records', () => {
  test('is found out: a machine, credential or configuration in another’s place', async () => {
    const other = newUid();
    await each.made.putRecord(other, {
      type: 'pamUser',
      title: 'Another user of the same application',
      fields: [{ type: 'login', value: ['root'] }],
    });
    move(other, each.made.credentialUid);
    expect(await each.fateOfConnect()).toBe('untrusted-record');
    await each.made.putMachine(target);
    move(each.made.credentialUid, each.made.machineUid);
    expect(await each.fateOfConnect()).toBe('untrusted-record');
    await each.made.putMachine(target);
    move(each.made.machineUid, each.made.configurationUid);
    expect(await each.fateOfConnect()).toBe('untrusted-record');
  });

  test('is found out: records sealed under a key of its own', async () => {
    const content = { type: 'pamUser', title: 'Planted', fields: [{ type: 'login', value: ['root'] }] };
    await each.made.putRecord(each.made.credentialUid, content, { appKey: randomBytes(32) });
    expect(await each.fateOfConnect()).toBe('untrusted-record');
  });

  test('is found out: ciphertext that was changed', async () => {
    const record = each.made.router.records.get(each.made.machineUid);
    const data = record?.data.slice();
    if (!record || !data) throw new Error('no record');
    data[20] = (data[20] ?? 0) ^ 1;
    each.made.router.records.set(each.made.machineUid, { ...record, data });
    expect(await each.fateOfConnect()).toBe('untrusted-record');
  });

  test('a credential beyond all measure is refused before it is held', async () => {
    await each.made.putMachine({ ...target, password: 'x'.repeat(40_000) });
    expect(await each.fateOfConnect()).toBe('untrusted-record');
  });

  test('a record that it keeps back is named so', async () => {
    each.made.router.records.delete(each.made.machineUid);
    expect(await each.fateOfConnect()).toBe('record-unavailable');
  });
});

describe('a configuration that says something else than at enrolment', () => {
  test.each([
    ['gateway', () => ({ controllerUid: newUid() })],
    ['organisation', () => ({ organisationUid: newUid() })],
    ['organisation key', () => ({ organisationKey: encodeBase64url(generateEcdhKeyPair().publicKey) })],
    ['gateway key', () => ({ gatewayKey: encodeBase64url(generateEcdhKeyPair().publicKey) })],
  ])('names another %s: nothing is connected', async (_, changes) => {
    await each.made.putConfiguration(changes());
    expect(await each.fateOfConnect()).toBe('untrusted-record');
  });

  test('names this gateway’s own key: all is well', async () => {
    await each.made.putConfiguration({ gatewayKey: encodeBase64url(each.made.deviceKey) });
    expect(await each.fateOfConnect()).toBe('done');
  });
});
