import { expect, test } from 'vitest';
import { SealedCopy } from '../../../../workers/engine/snapshot/sealed-copy.ts';
import { MemoryStorage } from '../../../../workers/storage/memory.ts';

/** Counts how often the whole copy is read. */
class CountedStorage extends MemoryStorage {
  reads = 0;

  override async readCopy() {
    this.reads++;
    return await super.readCopy();
  }
}

async function signedIn(): Promise<CountedStorage> {
  const storage = new CountedStorage();
  await storage.writeAccount(Uint8Array.of(1));
  await storage.commit({ rows: [], cursor: 1n });
  return storage;
}

test('what was read ahead is taken once', async () => {
  const storage = await signedIn();
  const copy = new SealedCopy(storage);
  copy.prepare();
  copy.prepare();
  expect((await copy.take()).cursor).toBe(1n);
  expect(storage.reads).toBe(1);
  expect((await copy.take()).cursor).toBe(1n);
  expect(storage.reads).toBe(2);
});

test('what was committed, or erased, since is read again', async () => {
  const storage = await signedIn();
  const copy = new SealedCopy(storage);
  copy.prepare();
  await storage.commit({ rows: [], cursor: 2n });
  expect((await copy.take()).cursor).toBe(2n);
  copy.prepare();
  await storage.writeSnapshot(Uint8Array.of(7), 0);
  expect((await copy.take()).snapshot.base).toEqual(Uint8Array.of(7));
  copy.prepare();
  await storage.erase();
  expect((await copy.take()).cursor).toBe(0n);
});

test('a reading that failed is done again', async () => {
  const storage = await signedIn();
  let fails = true;
  const readCopy = async () => {
    if (!fails) return await storage.readCopy();
    fails = false;
    throw new Error('the disk is busy');
  };
  const copy = new SealedCopy({ readCopy, copyStamp: () => storage.copyStamp() });
  copy.prepare();
  expect((await copy.take()).cursor).toBe(1n);
});

test('nothing is kept of what is dropped', async () => {
  const storage = await signedIn();
  const copy = new SealedCopy(storage);
  copy.prepare();
  copy.drop();
  await copy.take();
  expect(storage.reads).toBe(2);
});
