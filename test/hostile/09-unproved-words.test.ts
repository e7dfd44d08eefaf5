// Attack class 9: what the server says of the account's own things without a proof: what their manifest covers, whose
// they are, that they were handed on, when they came into the trash. protocol.md §9.7, §15.4.
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { randomBytes } from '../../protocol/crypto/random.ts';
import {
  CoverageSchema,
  FeedKind,
  RecordService,
  RemovalSchema,
  type Record,
  type SyncResponse,
} from '../../protocol/messages/gen/record_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { tagOf } from '../../protocol/vault/manifest.ts';
import type { SaveRecord } from '../../workers/api.ts';
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
const engines: TestEngine[] = [];

async function device(): Promise<TestEngine> {
  const engine = await startEngine(server.origin, { transport: server.transport });
  engines.push(engine);
  return engine;
}

async function freshDevice(): Promise<TestEngine> {
  const engine = await device();
  await engine.signIn({ email, password });
  return engine;
}

const titles = async (engine: TestEngine) => (await engine.listRecords()).map(({ title }) => title);
const isIncomplete = (engine: TestEngine) => engine.states.at(-1)?.vaultIncomplete;
const stored = () => server.stored.find(({ recordUid }) => uidOf(recordUid) === uid) as Record;
const coverageOf = ({ revision, keyVersion, deleted, sealedData }: Record) =>
  create(CoverageSchema, { revision, keyVersion, deleted, tag: tagOf(sealedData) });

/** What the server shows of the first record from now on. */
function show(change: Partial<Record>): void {
  lie((answer) => {
    answer.records = answer.records.map((one) =>
      uidOf(one.recordUid) === uid ? Object.assign({}, one, change) : one,
    );
  });
  server.touch();
}

function lie(change: (answer: SyncResponse) => void): void {
  server.lie(RecordService.method.sync, change);
}

beforeEach(async () => {
  server = await HostileServer.start();
  victim = await device();
  await victim.draftRecoveryPhrase();
  await victim.createAccount({ email, password });
  uid = await victim.saveRecord(record('A'));
  await victim.saveRecord(record('B'));
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

describe('what the manifest is said to cover', () => {
  test('does not stand for what its owner wrote: a former revision stays a former one', async () => {
    const former = { ...stored() };
    const other = await freshDevice();
    await other.saveRecord({ ...record('A, newer'), uid });
    show({ ...former, covered: coverageOf(stored()) });
    await victim.syncNow();
    const fresh = await freshDevice();
    expect([isIncomplete(victim), isIncomplete(fresh)]).toEqual([true, true]);
  });

  test('proves nothing that nobody signed', async () => {
    // Who had the record's key seals under it; the true revision is what the manifest covers.
    const covered = coverageOf(stored());
    const [account, manifest] = [...server.vault.manifests][0]!;
    await victim.saveRecord({ ...record('A, forged'), uid });
    const forged = { writerUid: randomBytes(16), signature: randomBytes(64), covered };
    server.vault.manifests.set(account, manifest);
    show(forged);
    const fresh = await freshDevice();
    expect([await titles(fresh), isIncomplete(fresh)]).toEqual([['B'], true]);
    // Nor when the very revision is shown without it first.
    lie(({ records }) => records.push(...records.map((one) => Object.assign({}, one, forged))));
    server.touch();
    const another = await freshDevice();
    expect([await titles(another), isIncomplete(another)]).not.toContainEqual(false);
  });

  test('is of the record’s own key: a former one does not come back with what it sealed', async () => {
    const former = coverageOf(stored());
    show({ keyVersion: 2, covered: former });
    const fresh = await freshDevice();
    expect([await titles(fresh), isIncomplete(fresh)]).toEqual([['B'], true]);
  });
});

test('an own record that the server calls handed on stays, and the vault is incomplete', async () => {
  const covered = coverageOf(stored());
  const removal = create(RemovalSchema, { kind: FeedKind.RECORD, objectUid: uidBytes(uid), covered });
  server.touch();
  server.records.delete(uid);
  lie(({ removals }) => removals.push(removal));
  await victim.syncNow();
  await victim.lock();
  await victim.unlock({ password });
  await victim.syncNow();
  expect([await titles(victim), isIncomplete(victim)]).toEqual([['A', 'B'], true]);
});

test('an own record does not become another’s because the server says so', async () => {
  show({ ownerUid: randomBytes(16), revision: 5n, covered: coverageOf(stored()) });
  await victim.syncNow();
  expect([await titles(victim), victim.states.at(-1)?.refusedRecords]).toEqual([['A', 'B'], 1]);
  expect(isIncomplete(await freshDevice())).toBe(true);
  expect(await victim.revealField({ recordUid: uid, field })).toBe('secret of A');
});

test.each([
  ['without content', new Uint8Array(0)],
  ['with a few bytes', randomBytes(10)],
])('an own record %s does not take the place of what is here', async (_, sealedData) => {
  show({ sealedData });
  await victim.syncNow();
  await victim.lock();
  await victim.unlock({ password });
  expect(await titles(victim)).toEqual(['A', 'B']);
  expect(await victim.revealField({ recordUid: uid, field })).toBe('secret of A');
  server.honest();
  server.touch();
  await victim.syncNow();
  expect(isIncomplete(victim)).toBe(false);
});

test('the trash is emptied by what this device saw, not by when the server says it was', async () => {
  await victim.trashRecords([uid]);
  show({ changedAtMs: 1n });
  await victim.syncNow();
  const fresh = await freshDevice();
  await fresh.syncNow();
  expect(server.records.has(uid)).toBe(true);
  await fresh.restoreRecords([uid]);
  expect(await titles(fresh)).toEqual(['A', 'B']);
});

test('pages that bring nothing and go on for ever end', async () => {
  let cursor = 1_000n;
  lie((answer) => Object.assign(answer, { records: [], hasMore: true, cursor: ++cursor }));
  await expect(victim.syncNow()).rejects.toMatchObject({ name: 'malformed' });
});

describe('a repair that a person asked for', () => {
  test('gives up what no device has', async () => {
    server.records.delete(uid);
    const fresh = await freshDevice();
    expect([await titles(fresh), isIncomplete(fresh)]).toEqual([['B'], true]);
    const seen = await fresh.readRepair();
    expect(seen.covered).toBe(seen.here + 1);
    await expect(fresh.repairVault({ ...seen, covered: seen.here })).rejects.toMatchObject({
      name: 'conflict',
    });
    await fresh.repairVault(seen);
    expect(isIncomplete(fresh)).toBe(false);
    const another = await freshDevice();
    expect([await titles(another), isIncomplete(another)]).toEqual([['B'], false]);
  });

  test('gives up nothing that this device has', async () => {
    const { ownerUid } = stored();
    server.records.delete(uid);
    server.vault.sayGone(ownerUid, FeedKind.RECORD, uidBytes(uid));
    await victim.syncNow();
    await expect(victim.repairVault(await victim.readRepair())).rejects.toMatchObject({
      name: 'not-allowed',
    });
    expect([await titles(victim), isIncomplete(victim)]).toEqual([['A', 'B'], true]);
  });
});
