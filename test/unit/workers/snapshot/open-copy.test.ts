// What a vault that is locked still had under way is stored whole or not at all, and never shown.
import { beforeEach, expect, test } from 'vitest';
import { newUid } from '../../../../protocol/uid.ts';
import { copyUntil, type CopyStorage } from '../../../../workers/engine/snapshot/open-copy.ts';
import { MemoryStorage } from '../../../../workers/storage/memory.ts';

const locked = { name: 'locked' };
const bytes = Uint8Array.of(1);
const page = (cursor: bigint) => {
  const uid = newUid();
  const rows = [{ uid, revision: 1n, hasContent: true, record: bytes }];
  return { uid, rows, cursor, journal: bytes };
};

let storage: MemoryStorage;
let lock: AbortController;
let copy: CopyStorage;

beforeEach(async () => {
  storage = new MemoryStorage();
  await storage.writeAccount(bytes);
  lock = new AbortController();
  copy = copyUntil(lock.signal, storage);
});

test('an open vault stores and reads what it has', async () => {
  const { uid, ...rest } = page(1n);
  await copy.commit(rest);
  expect((await copy.readRows()).map((row) => row.uid)).toEqual([uid]);
  expect((await copy.readSnapshot()).journal).toHaveLength(1);
  await copy.writeSnapshot(bytes, 1);
  expect(await storage.readSnapshot()).toMatchObject({ base: bytes, journal: [] });
});

test('a locked one stores nothing: no row, no removal, no cursor, no snapshot', async () => {
  const { uid, ...first } = page(1n);
  await copy.commit(first);
  lock.abort();
  await expect(copy.commit({ ...page(2n), removedRows: [uid] })).rejects.toMatchObject(locked);
  await expect(copy.writeSnapshot(new Uint8Array(0), 1)).rejects.toMatchObject(locked);
  expect((await storage.readRows()).map((row) => row.uid)).toEqual([uid]);
  expect(await storage.readCopy()).toMatchObject({ cursor: 1n, snapshot: { base: null, upTo: 1 } });
});

test('what is being stored when the lock comes is whole, and whoever waits for it is told to stop', async () => {
  const { uid, ...rest } = page(1n);
  const stored = copy.commit(rest);
  lock.abort();
  await expect(stored).rejects.toMatchObject(locked);
  expect((await storage.readRow(uid))?.revision).toBe(1n);
  expect(await storage.readCopy()).toMatchObject({ cursor: 1n, snapshot: { upTo: 1 } });
});
