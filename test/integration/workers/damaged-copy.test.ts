// What a device keeps is damaged, by a failing disk or by another program: the vault comes back from the server, shows
// nothing wrong, and loses nothing. protocol.md §15.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bytes } from '../../../protocol/bytes.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import type { StoredRow, StoredSnapshot } from '../../../workers/engine/storage.ts';
import { MemoryStorage } from '../../../workers/storage/memory.ts';
import { HostileServer } from '../../fakes/hostile-server.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';

const email = 'owner@example.test';
const password = 'correct horse battery staple';
const field = { group: 'fields', index: 0 } as const;

/** Gives what it keeps as a test damages it. */
class DamagedStorage extends MemoryStorage {
  snapshot: (stored: StoredSnapshot) => StoredSnapshot = (stored) => stored;
  row: (row: StoredRow) => StoredRow | null = (row) => row;

  override async readSnapshot(): Promise<StoredSnapshot> {
    return this.snapshot(await super.readSnapshot());
  }

  override async readRow(uid: Uid): Promise<StoredRow | null> {
    const row = await super.readRow(uid);
    return row && this.row(row);
  }

  override async readRows(): Promise<readonly StoredRow[]> {
    return (await super.readRows()).map((row) => this.row(row)).filter((row) => row !== null);
  }
}

let server: HostileServer;
let storage: DamagedStorage;
let owner: TestEngine;
let uids: Uid[];
const engines: TestEngine[] = [];

async function engineOn(kept: MemoryStorage): Promise<TestEngine> {
  const engine = await startEngine(server.origin, { transport: server.transport, storage: kept });
  engines.push(engine);
  return engine;
}

/** Another visit of the same device. */
async function visit(): Promise<TestEngine> {
  const engine = await engineOn(storage);
  await engine.unlock({ password });
  return engine;
}

const save = (engine: TestEngine, title: string, uid?: Uid) =>
  engine.saveRecord({
    ...(uid && { uid }),
    content: { type: 'login', title, fields: [{ type: 'password', value: [`secret of ${title}`] }] },
  });
const titles = async (engine: TestEngine) => (await engine.listRecords()).map(({ title }) => title).sort();
const isIncomplete = (engine: TestEngine) => engine.states.at(-1)?.vaultIncomplete;
const flipped = (bytes: Bytes, at: number): Bytes => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

/** Everything as it ought to be: lists, content, and a vault that is whole. */
async function expectWhole(engine: TestEngine, wanted: readonly string[]): Promise<void> {
  await engine.syncNow();
  expect([await titles(engine), isIncomplete(engine)]).toEqual([[...wanted].sort(), false]);
  for (const { uid, title } of await engine.listRecords())
    expect(await engine.revealField({ recordUid: uid, field })).toBe(`secret of ${title}`);
}

beforeEach(async () => {
  server = await HostileServer.start();
  storage = new DamagedStorage();
  owner = await engineOn(storage);
  await owner.draftRecoveryPhrase();
  await owner.createAccount({ email, password });
  uids = [];
  for (const title of ['A', 'B', 'C']) uids.push(await save(owner, title));
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

/** Goes on with a snapshot of its own, and a journal after it. */
async function withBase(): Promise<void> {
  storage.snapshot = () => ({ base: null, journal: [], upTo: 0 });
  const engine = await visit();
  storage.snapshot = (stored) => stored;
  for (const title of ['D', 'E']) uids.push(await save(engine, title));
  await save(engine, 'A, newer', uids[0]);
  await owner.close();
}

/** As it is read from the disk: the last place is that of the last entry that is there. */
const journal =
  (change: (entries: Bytes[]) => Bytes[], upTo = (last: number) => last) =>
  (stored: StoredSnapshot) => ({
    ...stored,
    journal: change([...stored.journal]),
    upTo: upTo(stored.upTo),
  });
const base = (change: (bytes: Bytes) => Bytes) => (stored: StoredSnapshot) => ({
  ...stored,
  base: stored.base && change(stored.base),
});

describe('the snapshot', () => {
  const all = ['A, newer', 'B', 'C', 'D', 'E'];

  test('undamaged is used as it is', async () => {
    await withBase();
    await expectWhole(await visit(), all);
  });

  test.each([
    ['cut short', base((bytes) => bytes.slice(0, bytes.length / 2))],
    ['empty', base(() => new Uint8Array(0))],
    ['with a bit changed', base((bytes) => flipped(bytes, bytes.length - 20))],
    ['of another version', base((bytes) => flipped(bytes, 0))],
    ['gone', (stored: StoredSnapshot) => ({ ...stored, base: null })],
    ['gone with its journal', () => ({ base: null, journal: [], upTo: 0 })],
    ['whose journal lacks the first entry', journal((entries) => entries.slice(1))],
    ['whose journal lacks an entry between', journal((entries) => entries.toSpliced(1, 1))],
    [
      'whose journal has an entry twice',
      journal(
        (entries) => [...entries, ...entries.slice(0, 1)],
        (last) => last + 1,
      ),
    ],
    ['whose journal goes backwards', journal((entries) => entries.toReversed())],
    ['whose journal has a bit changed', journal((entries) => entries.map((entry) => flipped(entry, 40)))],
    ['whose journal is the snapshot', (stored: StoredSnapshot) => ({ ...stored, journal: [stored.base!] })],
  ])('%s', async (_name, damage) => {
    await withBase();
    storage.snapshot = damage;
    const engine = await visit();
    expect(await titles(engine)).toEqual([...all].sort());
    await expectWhole(engine, all);
    await engine.close();
    storage.snapshot = (stored) => stored;
    await expectWhole(await visit(), all);
  });

  test('whose journal lacks its end, which looks like one of before', async () => {
    await withBase();
    storage.snapshot = journal(
      (entries) => entries.slice(0, -1),
      (last) => last - 1,
    );
    await expectWhole(await visit(), all);
  });

  test('of before, put back', async () => {
    storage.snapshot = () => ({ base: null, journal: [], upTo: 0 });
    await visit();
    storage.snapshot = (stored) => stored;
    const former = (await storage.readSnapshot()).base;
    await withBase();
    storage.snapshot = (stored) => ({ ...stored, base: former });
    await expectWhole(await visit(), all);
  });

  test('of another account', async () => {
    const other = new MemoryStorage();
    const stranger = await engineOn(other);
    await stranger.draftRecoveryPhrase();
    await stranger.createAccount({ email: 'stranger@example.test', password });
    await save(stranger, 'not yours');
    const foreign = await other.readSnapshot();
    await withBase();
    for (const damage of [
      () => foreign,
      (stored: StoredSnapshot) => ({ ...stored, journal: [...stored.journal, ...foreign.journal] }),
    ]) {
      storage.snapshot = damage;
      await expectWhole(await visit(), all);
    }
  });
});

describe('a row', () => {
  const damages: readonly (readonly [string, (row: StoredRow) => StoredRow | null])[] = [
    ['cut short', (row) => ({ ...row, record: row.record.slice(0, row.record.length - 9) })],
    ['empty', (row) => ({ ...row, record: new Uint8Array(0) })],
    ['with a bit changed', (row) => ({ ...row, record: flipped(row.record, row.record.length - 150) })],
    ['that is noise', (row) => ({ ...row, record: row.record.map(() => 0xff) })],
    ['gone', () => null],
  ];
  test.each(damages)('%s, beside a snapshot that is whole', async (_name, damage) => {
    storage.row = (row) => (row.uid === uids[1] ? damage(row) : row);
    const engine = await visit();
    expect(await titles(engine)).toEqual(['A', 'B', 'C']);
    const reading = engine.revealField({ recordUid: uids[1] as Uid, field });
    await expect(reading).rejects.toMatchObject({
      name: expect.stringMatching(/^open-failed|not-found$/) as string,
    });
    expect(engine.warnings).toContainEqual(expect.stringContaining('damaged'));
    await engine.close();
    const next = await visit();
    storage.row = (row) => row;
    await expectWhole(next, ['A', 'B', 'C']);
  });

  test.each(damages)('%s, and no snapshot that can be used', async (_name, damage) => {
    storage.row = (row) => (row.uid === uids[1] ? damage(row) : row);
    storage.snapshot = () => ({ base: null, journal: [], upTo: 0 });
    const engine = await visit();
    storage.row = (row) => row;
    await expectWhole(engine, ['A', 'B', 'C']);
  });

  test('of another record under its name', async () => {
    const rows = await storage.readRows();
    const a = rows.find(({ uid }) => uid === uids[0]) as StoredRow;
    storage.row = (row) => (row.uid === uids[1] ? { ...row, record: a.record } : row);
    const engine = await visit();
    const shown = await engine
      .revealField({ recordUid: uids[1] as Uid, field })
      .catch((error: Error) => error.name);
    expect(shown).not.toBe('secret of A');
    storage.row = (row) => row;
    await expectWhole(engine, ['A', 'B', 'C']);
  });
});

test('an account that is damaged is not opened, and signing in makes it whole', async () => {
  const account = (await storage.readAccount()) as Bytes;
  for (const damaged of [account.slice(0, 40), flipped(account, account.length - 30), new Uint8Array(5)]) {
    await storage.writeAccount(damaged);
    const engine = await engineOn(storage);
    await expect(engine.unlock({ password })).rejects.toMatchObject({
      name: expect.stringMatching(/^wrong-password|not-signed-in|open-failed$/) as string,
    });
    await engine.signIn({ email, password });
    await expectWhole(engine, ['A', 'B', 'C']);
  }
});

test('UIDs of nothing are not found', async () => {
  await expect((await visit()).readRecord(newUid())).rejects.toMatchObject({ name: 'not-found' });
});
