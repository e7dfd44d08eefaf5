// Attack class 15: the server shows formats of before, or makes a vault take a step back. Versions are fixed by what is
// signed and sealed, and only rise.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openManifest, sealManifest, securityVersion } from '../../protocol/vault/manifest.ts';
import { openAccountKeys } from '../../protocol/vault/account-keys.ts';
import { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { RecordService, type Record } from '../../protocol/messages/gen/record_pb.js';
import type { SaveRecord } from '../../workers/api.ts';
import { openLocalAccount } from '../../workers/engine/account/local-account.ts';
import { HostileServer } from '../fakes/hostile-server.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';

const email = 'victim@example.test';
const password = 'correct horse battery staple';
const record = (title: string): SaveRecord => ({
  content: { type: 'login', title, fields: [{ type: 'password', value: [`secret of ${title}`] }] },
});

let server: HostileServer;
let victim: TestEngine;

beforeEach(async () => {
  server = await HostileServer.start();
  victim = await startEngine(server.origin, { transport: server.transport });
  await victim.draftRecoveryPhrase();
  await victim.createAccount({ email, password });
  await victim.saveRecord(record('A'));
});
afterEach(() => victim.close());

test('a vault that a newer version of the code has used is not opened by an older one', async () => {
  const encoded = await victim.storage.readAccount();
  const { account, dataKey } = await openLocalAccount(encoded!, password);
  const keys = await openAccountKeys(
    account.keys.accountUid,
    await SymmetricKey.import(dataKey),
    account.accountBundle,
  );
  const [[owner, stored]] = [...server.vault.manifests] as [[string, Parameters<typeof openManifest>[1]]];
  const newer = { ...(await openManifest(keys, stored)), version: stored.version + 1n };
  const sealed = await sealManifest(keys, { ...newer, securityVersion: securityVersion + 1 });
  server.vault.manifests.set(owner, { ...stored, ...sealed });
  await expect(victim.syncNow()).rejects.toMatchObject({ name: 'untrusted' });
  await expect(victim.saveRecord(record('B'))).rejects.toMatchObject({
    name: expect.stringMatching(/conflict|untrusted/),
  });
});

test.each([0, 2, 255])('an envelope of version %i does not open', async (version) => {
  for (const member of ['sealedData', 'sealedKey'] as const) {
    const [stored] = server.stored as [Record];
    const former = { ...stored };
    Object.assign(stored, { [member]: new Uint8Array(stored[member]).with(0, version), revision: 2n });
    server.touch();
    await victim.syncNow();
    expect((await victim.listRecords()).map(({ title }) => title)).toEqual(['A']);
    Object.assign(stored, former);
  }
});

test('a revision without a signature, as there once were, replaces nothing', async () => {
  const uid = (await victim.listRecords())[0]!.uid;
  const other = await startEngine(server.origin, { transport: server.transport });
  await other.signIn({ email, password });
  await other.saveRecord({ ...record('B'), uid });
  await other.close();
  server.lie(RecordService.method.sync, (answer) => {
    for (const one of answer.records) one.signature = new Uint8Array(0);
  });
  await victim.syncNow();
  expect((await victim.listRecords()).map(({ title }) => title)).toEqual(['A']);
  expect(victim.states.at(-1)?.vaultIncomplete).toBe(true);
});
