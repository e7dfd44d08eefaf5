// What is new together is stored together: that nothing of it is older, twice or left over when it is read.
import { deleteDB, openDB } from 'idb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newUid, type Uid } from '../../protocol/uid.ts';
import type { StoredObject, StoredPage, StoredRow } from '../../workers/engine/storage.ts';
import { IndexedDbStorage } from '../../workers/storage/indexed-db.ts';

let name: string;
let storage: IndexedDbStorage;

beforeEach(async () => {
  name = `test-${crypto.randomUUID()}`;
  storage = new IndexedDbStorage(name);
  await storage.writeAccount(Uint8Array.of(1));
});
afterEach(async () => {
  storage.close();
  await deleteDB(name);
});

const row = (uid: Uid, revision = 1n, length = 1_000): StoredRow => {
  return { uid, revision, hasContent: true, record: new Uint8Array(length).fill(Number(revision)) };
};
const card = (uid: Uid, value = 1): StoredObject => {
  return { kind: 'card', key: `card:${uid}`, bytes: Uint8Array.of(value) };
};
const uids = Array.from({ length: 200 }, newUid);

/** A page of new records with their cards. */
function page(cursor: bigint, changes: Partial<StoredPage> = {}): StoredPage {
  const fresh = new Set<string>([...uids, ...uids.map((uid) => `card:${uid}`)]);
  return {
    rows: uids.map((uid) => row(uid)),
    objects: uids.map((uid) => card(uid)),
    fresh,
    cursor,
    ...changes,
  };
}

async function counts(): Promise<{ rows: number; objects: number; bundles: number }> {
  const database = await openDB(name);
  const [rows, objects, bundles] = await Promise.all(
    ['rows', 'objects', 'bundles'].map((store) => database.count(store)),
  );
  database.close();
  return { rows: rows ?? 0, objects: objects ?? 0, bundles: bundles ?? 0 };
}

const sorted = (rows: readonly StoredRow[]) => rows.map(({ uid }) => uid).sort();

test('new things share values, and each is read by its name', async () => {
  await storage.commit(page(1n));
  expect(await counts()).toEqual({ rows: 0, objects: 0, bundles: 2 + 1 });
  for (const uid of uids.slice(0, 60)) expect(await storage.readRow(uid)).toEqual(row(uid));
  expect(await storage.readRow(newUid())).toBeNull();
  expect(sorted(await storage.readRows())).toEqual([...uids].sort());
  expect(await storage.readObjects('card')).toHaveLength(200);
  expect(await storage.readObjects('grants')).toEqual([]);
});

test('what a row says beside its bytes comes back, also when others of its bundle go', async () => {
  const rows = uids.map((uid, i): StoredRow => {
    const length = [0, 1, 700, 250_000, 3][i % 5] ?? 0;
    const kept = { ...row(uid, 2n ** 64n - 1n - BigInt(i), length), hasContent: i % 2 === 0 };
    return i % 3 === 0 ? { ...kept, resigned: true } : kept;
  });
  await storage.commit(page(1n, { rows }));
  for (const one of rows.slice(0, 20)) expect(await storage.readRow(one.uid)).toEqual(one);
  const gone = new Set(uids.filter((_, i) => i % 7 === 0));
  await storage.commit({ rows: [], removedRows: [...gone], cursor: 2n });
  const byUid = new Map((await storage.readRows()).map((one) => [one.uid, one]));
  expect(byUid.size).toBe(200 - gone.size);
  for (const one of rows.filter(({ uid }) => !gone.has(uid))) expect(byUid.get(one.uid)).toEqual(one);
});

test('of a bundle that is damaged no thing is another one: what is not there is cut off', async () => {
  await storage.commit(page(1n));
  const database = await openDB(name);
  for (const key of await database.getAllKeys('bundles')) {
    const bundle = (await database.get('bundles', key)) as { bytes: Uint8Array; lengths: Uint32Array };
    const [bytes, lengths] = [bundle.bytes.slice(0, 1_500), bundle.lengths.slice(0, 2)];
    await database.put('bundles', { ...bundle, bytes, lengths }, key);
  }
  database.close();
  const lengths = (await storage.readRows()).map(({ record }) => record.length);
  expect(lengths.filter((length) => length > 0)).toEqual([1_000, 500, 1_000, 500]);
  expect(await storage.readRow(uids[0] as Uid)).toEqual(row(uids[0] as Uid));
  expect((await storage.readRow(uids[9] as Uid))?.record).toHaveLength(0);
  expect(await storage.readObjects('card')).toHaveLength(200);
});

test('what replaces one of them counts, and what is older does not', async () => {
  await storage.commit(page(1n));
  const [first, second] = uids as [Uid, Uid];
  await storage.commit({ rows: [row(first, 3n)], objects: [card(first, 3)], cursor: 2n });
  await storage.commit({ rows: [row(first, 2n), row(second, 0n)], cursor: 2n });
  expect(await storage.readRow(first)).toEqual(row(first, 3n));
  expect(await storage.readRow(second)).toEqual(row(second));
  const rows = await storage.readRows();
  expect(rows).toHaveLength(200);
  expect(rows.find(({ uid }) => uid === first)?.revision).toBe(3n);
  const cards = await storage.readObjects('card');
  expect(cards).toHaveLength(200);
  expect(cards.find(({ key }) => key === `card:${first}`)?.bytes).toEqual(Uint8Array.of(3));
});

test('what is kept apart takes no other memory along: the page that it came in', async () => {
  const whole = new Uint8Array(100_000);
  const [uid] = uids as [Uid];
  const object = { ...card(uid), bytes: whole.subarray(9, 20) };
  for (const revision of [1n, 2n]) {
    const rows = [{ ...row(uid, revision), record: whole.subarray(5, 8) }];
    await storage.commit({ rows, objects: [object], cursor: revision });
    const database = await openDB(name);
    const [kept] = (await database.getAll('rows')) as StoredRow[];
    const [keptObject] = (await database.getAll('objects')) as StoredObject[];
    database.close();
    expect(kept?.revision).toBe(revision);
    expect([kept?.record.buffer.byteLength, keptObject?.bytes.buffer.byteLength]).toEqual([3, 11]);
  }
});

test('what is removed is gone, and nothing of it stays on the disk', async () => {
  await storage.commit(page(1n));
  const gone = uids.slice(20, 150);
  const kept = uids.filter((uid) => !gone.includes(uid));
  const removedObjects = gone.map((uid) => `card:${uid}`);
  await storage.commit({ rows: [], removedRows: gone, removedObjects, cursor: 2n });
  expect(await storage.readRow(gone[0] as Uid)).toBeNull();
  expect(sorted(await storage.readRows())).toEqual([...kept].sort());
  expect((await storage.readObjects('card')).map(({ key }) => key).sort()).toEqual(
    kept.map((uid) => `card:${uid}`).sort(),
  );
  await storage.commit({ rows: [], removedRows: kept, cursor: 3n });
  expect(await counts()).toEqual({ rows: 0, objects: 0, bundles: 1 }); // of cards
});

test('a page that another tab has stored is not stored a second time over what came since', async () => {
  await storage.commit(page(5n));
  const [first] = uids as [Uid];
  await storage.commit({ rows: [row(first, 2n)], cursor: 6n });
  const other = new IndexedDbStorage(name);
  await other.commit(page(5n)); // its cursor does not rise
  expect((await counts()).bundles).toBe(3);
  expect(await other.readRow(first)).toEqual(row(first, 2n));
  expect(await other.readRows()).toHaveLength(200);
  other.close();
});

test('of a card that is there apart, a newer one of a page that is new to another tab takes the place', async () => {
  const [first] = uids as [Uid];
  await storage.commit({ rows: [], objects: [card(first, 1)], cursor: 1n });
  const other = new IndexedDbStorage(name);
  await other.commit(page(5n, { objects: uids.map((uid) => card(uid, 2)) }));
  const cards = await other.readObjects('card');
  expect(cards.every(({ bytes }) => bytes[0] === 2)).toBe(true);
  expect(cards).toHaveLength(200);
  other.close();
});

test('a page whose storing fails leaves nothing, neither its things nor its cursor', async () => {
  const broken = { ...row(newUid()), record: (() => 1) as unknown as StoredRow['record'] }; // cannot be cloned
  await expect(
    storage.commit(page(5n, { rows: [row(uids[0] as Uid), broken], fresh: new Set() })),
  ).rejects.toThrow();
  expect(await counts()).toEqual({ rows: 0, objects: 0, bundles: 0 });
  expect((await storage.readCopy()).cursor).toBe(0n);
});

test('what may follow nothing but one stamp is refused after anything else, and stores nothing', async () => {
  const { stamp } = await storage.readCopy();
  const next = await storage.commit(page(1n, { after: stamp }));
  expect(await storage.copyStamp()).toBe(next);
  const late = { rows: [row(newUid())], cursor: 2n, after: stamp };
  await expect(storage.commit(late)).rejects.toMatchObject({ name: 'conflict' });
  await expect(storage.writeSnapshot(Uint8Array.of(1), 0, stamp)).rejects.toMatchObject({ name: 'conflict' });
  expect(await storage.readRows()).toHaveLength(200);
  expect((await storage.readCopy()).cursor).toBe(1n);
  await storage.writeRecent(Uint8Array.of(1)); // is no part of the copy
  await storage.writeSnapshot(Uint8Array.of(2), 0, next);
  expect(await storage.readSnapshot()).toEqual({ base: Uint8Array.of(2), journal: [], upTo: 0 });
  await expect(storage.commit({ ...late, after: next })).rejects.toMatchObject({ name: 'conflict' });
});

test('a first snapshot goes below a journal, once, and only by who stored the last page without one', async () => {
  const { stamp } = await storage.readCopy();
  const first = await storage.commit(page(1n, { after: stamp }));
  const last = await storage.commit(page(2n, { after: first }));
  const journal = Uint8Array.of(7);
  await storage.commit({ rows: [], cursor: 3n, journal });
  expect(await storage.writeFirstSnapshot(Uint8Array.of(1), first)).toBe(false);
  expect(await storage.readSnapshot()).toEqual({ base: null, journal: [journal], upTo: 1 });
  expect(await storage.writeFirstSnapshot(Uint8Array.of(2), last)).toBe(true);
  expect(await storage.writeFirstSnapshot(Uint8Array.of(3), last)).toBe(false);
  expect(await storage.readSnapshot()).toEqual({ base: Uint8Array.of(2), journal: [journal], upTo: 1 });
  await storage.erase();
  await storage.writeAccount(Uint8Array.of(1));
  expect(await storage.writeFirstSnapshot(Uint8Array.of(4), last)).toBe(false);
});

test('places of a journal count from 1, also of the next account', async () => {
  const journal = Uint8Array.of(1);
  for (let place = 1; place <= 3; place++) await storage.commit({ rows: [], cursor: 1n, journal });
  await storage.writeSnapshot(Uint8Array.of(2), 2);
  expect(await storage.readSnapshot()).toMatchObject({ journal: [journal], upTo: 3 });
  await storage.erase();
  await storage.writeAccount(Uint8Array.of(1));
  await storage.commit({ rows: [], cursor: 1n, journal });
  expect(await storage.readSnapshot()).toEqual({ base: null, journal: [journal], upTo: 1 });
});

test('a sign-out takes all of it', async () => {
  await storage.commit(page(1n));
  await storage.erase();
  expect(await counts()).toEqual({ rows: 0, objects: 0, bundles: 0 });
  await expect(storage.commit(page(2n))).rejects.toMatchObject({ name: 'locked' });
  expect(await counts()).toEqual({ rows: 0, objects: 0, bundles: 0 });
});
