// Attack class 25, the gateway's side: the server changes who it is, or what the gateway reads from it.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeBase64url } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import { startGateway } from '../../gateway/gateway.ts';
import { Logger } from '../../gateway/log/logger.ts';
import { RisingState } from '../../gateway/rising-state.ts';
import { readSettings } from '../../gateway/settings.ts';
import { Installation } from '../fakes/installation.ts';
import { FakePage } from '../fakes/page.ts';

const target = { host: '127.0.0.1', port: 9, username: 'ada', password: 'unused' };

let made: Installation;
const pages: FakePage[] = [];

beforeEach(async () => {
  made = await Installation.make(target);
  await made.start();
});
afterEach(async () => {
  for (const page of pages.splice(0)) page.close();
  await made.stop();
});

async function refusal(): Promise<string> {
  const page = new FakePage();
  pages.push(page);
  const { command } = await made.prepare(page);
  const { outcome } = await made.router.relay(command);
  return outcome.case === 'refused' ? outcome.value.code : 'connected';
}

/** The server gives one record's ciphertexts under another's UID. */
function move(from: Uid, to: Uid): void {
  const record = made.router.records.get(from);
  if (record) made.router.records.set(to, { ...record, recordUid: to });
}

describe('a server that is not the pinned one', () => {
  test('gets no link and no request from the gateway', async () => {
    const other = await Installation.make(target);
    try {
      if (made.config === null) throw new Error('not enrolled');
      other.router.client = made.router.client;
      const lines: string[] = [];
      const gateway = startGateway({
        config: { ...made.config, server: other.router.url },
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
    await made.putRecord(other, {
      type: 'pamUser',
      title: 'Another user of the same application',
      fields: [{ type: 'login', value: ['root'] }],
    });
    move(other, made.credentialUid);
    expect(await refusal()).toBe('untrusted-record');
    await made.putMachine(target);
    move(made.credentialUid, made.machineUid);
    expect(await refusal()).toBe('untrusted-record');
    await made.putMachine(target);
    move(made.machineUid, made.configurationUid);
    expect(await refusal()).toBe('untrusted-record');
  });

  test('is found out: records sealed under a key of its own', async () => {
    const content = { type: 'pamUser', title: 'Planted', fields: [{ type: 'login', value: ['root'] }] };
    await made.putRecord(made.credentialUid, content, randomBytes(32));
    expect(await refusal()).toBe('untrusted-record');
  });

  test('is found out: ciphertext that was changed', async () => {
    const record = made.router.records.get(made.machineUid);
    const data = record?.data.slice();
    if (!record || !data) throw new Error('no record');
    data[20] = (data[20] ?? 0) ^ 1;
    made.router.records.set(made.machineUid, { ...record, data });
    expect(await refusal()).toBe('untrusted-record');
  });

  test('a credential beyond all measure is refused before it is held', async () => {
    await made.putMachine({ ...target, password: 'x'.repeat(40_000) });
    expect(await refusal()).toBe('untrusted-record');
  });

  test('a record that it keeps back is named so', async () => {
    made.router.records.delete(made.machineUid);
    expect(await refusal()).toBe('record-unavailable');
  });
});

describe('a configuration that says something else than at enrolment', () => {
  test.each([
    ['gateway', () => ({ controllerUid: newUid() })],
    ['organisation', () => ({ organisationUid: newUid() })],
    ['organisation key', () => ({ organisationKey: encodeBase64url(generateEcdhKeyPair().publicKey) })],
    ['gateway key', () => ({ gatewayKey: encodeBase64url(generateEcdhKeyPair().publicKey) })],
  ])('names another %s: nothing is connected', async (_, changes) => {
    await made.putConfiguration(changes());
    expect(await refusal()).toBe('untrusted-record');
  });

  test('names this gateway’s own key: all is well', async () => {
    await made.putConfiguration({ gatewayKey: encodeBase64url(made.deviceKey) });
    expect(await refusal()).toBe('connected');
  });
});
