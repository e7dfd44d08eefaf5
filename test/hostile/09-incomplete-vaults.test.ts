// Attack class 9: the server leaves out, rolls back, repeats or removes what the account owns. The signed manifest says
// what there is: nothing is removed without it, and what is missing is said. protocol.md §9.7.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { randomBytes } from '../../protocol/crypto/random.ts';
import type { SealedManifest } from '../../protocol/messages/gen/manifest_pb.js';
import { FeedKind, RecordService, type Record } from '../../protocol/messages/gen/record_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { SaveRecord } from '../../workers/api.ts';
import { HostileServer } from '../fakes/hostile-server.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';

const email = 'victim@example.test';
const password = 'correct horse battery staple';
const record = (title: string): SaveRecord => ({
  content: { type: 'login', title, fields: [{ type: 'password', value: [`secret of ${title}`] }] },
});
const field = { group: 'fields', index: 0 } as const;
const { sync } = RecordService.method;

let server: HostileServer;
let victim: TestEngine;
let uids: Uid[];
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
const ownerUid = () => server.accounts.get(email)?.account.accountUid as Uint8Array;
const storedAs = (uid: Uid) => server.stored.find(({ recordUid }) => uidOf(recordUid) === uid) as Record;

/** What the server answers to every sync from now on. */
function lieAboutSync(change: (answer: { records: Record[]; manifest?: SealedManifest }) => void): void {
  server.lie(sync, (answer) => {
    const { manifest } = answer;
    if (manifest) answer.manifest = { ...manifest };
    change(answer as never);
  });
}

beforeEach(async () => {
  server = await HostileServer.start();
  victim = await device();
  await victim.draftRecoveryPhrase();
  await victim.createAccount({ email, password });
  uids = [];
  for (const title of ['A', 'B', 'C']) uids.push(await victim.saveRecord(record(title)));
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

describe('a device that starts anew', () => {
  test('sees that all is there, when all is there', async () => {
    const fresh = await freshDevice();
    expect([await titles(fresh), isIncomplete(fresh)]).toEqual([['A', 'B', 'C'], false]);
  });

  const left: readonly (readonly [string, () => void])[] = [
    ['a record is left out', () => lieAboutSync(({ records }) => void records.pop())],
    ['the first one is left out', () => lieAboutSync(({ records }) => void records.shift())],
    ['everything is left out', () => lieAboutSync(({ records }) => void records.splice(0))],
    ['the manifest is left out', () => lieAboutSync((answer) => void delete answer.manifest)],
    [
      'the manifest is the one of before the last write',
      () => lieAboutSync((answer) => void (answer.manifest = server.vault.formerManifests.at(-2)!)),
    ],
    [
      'the manifest is noise',
      () => lieAboutSync(({ manifest }) => void (manifest!.sealed = randomBytes(manifest!.sealed.length))),
    ],
    ['the manifest has another number', () => lieAboutSync(({ manifest }) => void (manifest!.version += 1n))],
  ];
  test.each(left)('says so when %s', async (_, lie) => {
    lie();
    const fresh = await freshDevice();
    expect(isIncomplete(fresh)).toBe(true);
    server.honest();
    await fresh.syncNow();
    expect([await titles(fresh), isIncomplete(fresh)]).toEqual([['A', 'B', 'C'], false]);
  });

  test('says so when a record is an older revision of itself, true as that once was', async () => {
    const old = { ...storedAs(uids[0]!) };
    await victim.saveRecord({ ...record('A, newer'), uid: uids[0]! });
    const newer = { ...storedAs(uids[0]!) };
    Object.assign(storedAs(uids[0]!), old);
    const fresh = await freshDevice();
    expect(isIncomplete(fresh)).toBe(true);
    Object.assign(storedAs(uids[0]!), newer);
    server.touch();
    await fresh.syncNow();
    expect([await titles(fresh), isIncomplete(fresh)]).toEqual([['A, newer', 'B', 'C'], false]);
  });

  test('takes the same record twice for once', async () => {
    lieAboutSync(({ records }) => records.push(...records));
    const fresh = await freshDevice();
    expect([await titles(fresh), isIncomplete(fresh)]).toEqual([['A', 'B', 'C'], false]);
  });

  test('takes nothing from a page that never ends', async () => {
    lieAboutSync((answer) => void Object.assign(answer, { hasMore: true, cursor: 0n }));
    const fresh = await device();
    await expect(fresh.signIn({ email, password })).rejects.toMatchObject({ name: 'malformed' });
  });

  test('does not believe own records that nobody signed, though they open', async () => {
    // Who once had the record's key can seal under it: here the server has it from them.
    const [forged] = server.stored;
    const opened = { ...forged } as Record;
    Object.assign(forged as Record, { signature: randomBytes(64) });
    lieAboutSync((answer) => void delete answer.manifest);
    const fresh = await freshDevice();
    expect([await titles(fresh), isIncomplete(fresh)]).toEqual([['B', 'C'], true]);
    server.honest();
    Object.assign(forged as Record, opened);
    server.touch();
    await fresh.syncNow();
    expect([await titles(fresh), isIncomplete(fresh)]).toEqual([['A', 'B', 'C'], false]);
  });
});

describe('a device that has seen the vault', () => {
  test.each([
    ['record', FeedKind.RECORD],
    ['card', FeedKind.CARD],
  ] as const)('keeps a %s that the server calls gone, and says so', async (_, kind) => {
    const [uid] = uids as [Uid];
    await victim.setFavourite({ uids: [uid], favourite: true });
    server.vault.sayGone(ownerUid(), kind, uidBytes(uid));
    if (kind === FeedKind.RECORD) server.records.delete(uid);
    else server.vault.cards.clear();
    await victim.syncNow();
    expect(isIncomplete(victim)).toBe(true);
    expect(await victim.readRecord(uid)).toMatchObject({ favourite: true });
    await victim.lock();
    await victim.unlock({ password });
    expect(await titles(victim)).toEqual(['A', 'B', 'C']);
    expect(await victim.revealField({ recordUid: uid, field })).toBe('secret of A');
  });

  test('says so when the manifest is none, or one of before, also after a lock', async () => {
    for (const manifest of [undefined, server.vault.formerManifests[0]]) {
      lieAboutSync((answer) => void Object.assign(answer, { manifest }));
      await victim.syncNow();
      expect(isIncomplete(victim)).toBe(true);
      await victim.lock();
      await victim.unlock({ password });
      await victim.syncNow();
      expect(isIncomplete(victim)).toBe(true);
      server.honest();
      await victim.syncNow();
      expect(isIncomplete(victim)).toBe(false);
    }
  });

  test('keeps its newer revision when the whole server goes back to a former state', async () => {
    const former = server.stored.map((one) => ({ ...one }));
    const manifest = server.vault.manifests.get([...server.vault.manifests.keys()][0]!)!;
    await victim.saveRecord({ ...record('A, newer'), uid: uids[0]! });
    for (const one of former) Object.assign(storedAs(uidOf(one.recordUid)), one);
    lieAboutSync((answer) => void (answer.manifest = manifest));
    server.touch();
    await victim.syncNow();
    expect([await titles(victim), isIncomplete(victim)]).toEqual([['A, newer', 'B', 'C'], true]);
  });
});

test('two devices that were shown different vaults notice when either sees the other', async () => {
  const other = await freshDevice();
  // The server keeps two vaults from here on: what the other device writes is never shown to the first, nor the reverse.
  const split = {
    records: server.stored.map((one) => ({ ...one })),
    manifest: [...server.vault.manifests][0]!,
  };
  await victim.saveRecord(record('only here'));
  const mine = { records: [...server.vault.records], manifest: [...server.vault.manifests][0]! };
  server.vault.records.clear();
  for (const one of split.records)
    server.vault.records.set(uidOf(one.recordUid), { record: one, cursor: server.vault.cursor });
  server.vault.manifests.set(...split.manifest);
  await other.saveRecord(record('only there'));
  await other.saveRecord(record('there too'));
  expect(isIncomplete(other)).toBe(false);
  expect(mine.records).toHaveLength(4);
  await victim.syncNow();
  expect(isIncomplete(victim)).toBe(true);
  expect(await titles(victim)).toContain('only here');
});

describe('a write', () => {
  test('that another manifest came before is made again upon that one, and nothing is lost', async () => {
    const other = await freshDevice();
    await Promise.all([
      victim.saveRecord(record('D')),
      other.saveRecord(record('E')),
      victim.setFavourite({ uids, favourite: true }),
    ]);
    await Promise.all([victim.syncNow(), other.syncNow()]);
    expect([await titles(victim), await titles(other)]).toEqual(
      Array.from({ length: 2 }, () => ['A', 'B', 'C', 'D', 'E']),
    );
    expect([isIncomplete(victim), isIncomplete(other)]).toEqual([false, false]);
  });

  test('that is answered with a conflict for ever ends, and changes nothing', async () => {
    server.vault.manifests.set('nobody', server.vault.formerManifests[0]!);
    server.lie(RecordService.method.putRecords, () => {
      throw Object.assign(new Error('no'), { name: 'conflict' });
    });
    await expect(victim.saveRecord(record('never'))).rejects.toMatchObject({ name: 'conflict' });
  });
});
