// Attack class 5: the server replaces a good row by one that was never sealed, or by a deletion that nobody made.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { empty } from '../../protocol/bytes.ts';
import { limits } from '../../protocol/limits.ts';
import { FeedKind, type Record } from '../../protocol/messages/gen/record_pb.js';
import type { Uid } from '../../protocol/uid.ts';
import type { SaveRecord } from '../../workers/api.ts';

import { systemClock, type Clock } from '../../workers/engine/clock.ts';
import { HostileServer } from '../fakes/hostile-server.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';

const email = 'victim@example.test';
const password = 'correct horse battery staple';
const record = (title: string): SaveRecord => ({
  content: { type: 'login', title, fields: [{ type: 'password', value: [`secret of ${title}`] }] },
});
const field = { group: 'fields', index: 0 } as const;

let server: HostileServer;
let victim: TestEngine;
let uid: Uid;
let late = 0;
const engines: TestEngine[] = [];
const clock: Clock = { ...systemClock, now: () => Date.now() + late };

const stored = () => server.stored[0] as Record;
const titles = async () => (await victim.listRecords()).map(({ title }) => title);

async function show(change: Partial<Record>): Promise<void> {
  Object.assign(stored(), change);
  server.touch();
  await victim.syncNow();
}

async function lockAndUnlock(): Promise<void> {
  await victim.lock();
  await victim.unlock({ password });
}

beforeEach(async () => {
  late = 0;
  server = await HostileServer.start();
  victim = await startEngine(server.origin, { transport: server.transport, clock });
  engines.push(victim);
  await victim.draftRecoveryPhrase();
  await victim.createAccount({ email, password });
  uid = await victim.saveRecord(record('good'));
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

describe('a row that was never sealed', () => {
  test.each([
    ['data', { sealedData: randomBytes(300) }],
    ['a key', { sealedKey: randomBytes(69) }],
    ['nothing at all', { sealedData: empty, sealedKey: empty }],
    ['the former data under a newer number', {}],
  ])('of %s replaces nothing, now or after a lock, and is said', async (_, change) => {
    for (const revision of [2n, 1n + BigInt(limits.revisionJump), 2n ** 63n, 2n ** 64n - 1n]) {
      await show({ ...change, revision });
      expect(await titles()).toEqual(['good']);
    }
    expect(victim.states.at(-1)?.refusedRecords).toBe(1);
    expect(victim.warnings).toContainEqual(expect.stringContaining('does not open'));
    await lockAndUnlock();
    expect(await titles()).toEqual(['good']);
    expect(await victim.revealField({ recordUid: uid, field })).toBe('secret of good');
  });

  test('does not keep the next true row away', async () => {
    const good = { ...stored() };
    await show({ revision: 2n ** 63n, sealedData: randomBytes(300) });
    await show(good);
    await victim.saveRecord({ ...record('better'), uid, baseRevision: 1 });
    expect(await titles()).toEqual(['better']);
    expect(victim.states.at(-1)?.refusedRecords).toBe(0);
  });

  test('is not kept when it is the first of its record, and a true one comes through later', async () => {
    const good = { ...stored() };
    Object.assign(stored(), { revision: 9n, sealedData: randomBytes(300) });
    const device = await startEngine(server.origin, { transport: server.transport });
    engines.push(device);
    await device.signIn({ email, password });
    expect(await device.storage.readRows()).toEqual([]);
    Object.assign(stored(), good);
    server.touch();
    await device.syncNow();
    expect(await device.listRecords()).toMatchObject([{ title: 'good' }]);
  });
});

describe('a deletion that nobody made', () => {
  const trashed = { deleted: true };

  test('into the trash: is not what anybody signed, and replaces nothing', async () => {
    await show({ ...trashed, revision: 2n });
    expect(await titles()).toEqual(['good']);
    await lockAndUnlock();
    expect(await titles()).toEqual(['good']);
    expect(await victim.listTrash()).toEqual([]);
  });

  test('for good: the manifest still covers the record, so it stays, and is said', async () => {
    const { ownerUid, recordUid } = stored();
    server.records.clear();
    server.vault.sayGone(ownerUid, FeedKind.RECORD, recordUid);
    await victim.syncNow();
    expect(await titles()).toEqual(['good']);
    expect(victim.states.at(-1)?.vaultIncomplete).toBe(true);
    await lockAndUnlock();
    expect(await titles()).toEqual(['good']);
    expect(await victim.revealField({ recordUid: uid, field })).toBe('secret of good');
  });

  test('a record that its owner threw away and purged is gone, everywhere', async () => {
    const device = await startEngine(server.origin, { transport: server.transport, clock });
    engines.push(device);
    await device.signIn({ email, password });
    await victim.trashRecords([uid]);
    await device.syncNow();
    expect([await device.listRecords(), await device.listTrash()]).toMatchObject([[], [{ uid }]]);
    await victim.purgeRecords([uid]);
    await device.syncNow();
    expect([await device.listTrash(), await victim.listTrash()]).toEqual([[], []]);
    expect(device.states.at(-1)?.vaultIncomplete).toBe(false);
    await expect(device.readRecord(uid)).rejects.toMatchObject({ name: 'not-found' });
  });

  test('what is in the trash can be brought back for 30 days, and is purged after them', async () => {
    await victim.trashRecords([uid]);
    await victim.restoreRecords([uid]);
    expect(await titles()).toEqual(['good']);
    await victim.trashRecords([uid]);
    late = limits.deletedRecordMs - 60_000;
    await lockAndUnlock();
    expect(await victim.listTrash()).toMatchObject([{ uid, title: 'good' }]);
  });
});
