import { expect, test, vi } from 'vitest';
import { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { newUid } from '../../../protocol/uid.ts';
import { inTurn } from '../../../workers/engine/exclusive.ts';
import { RecentRecords } from '../../../workers/engine/organising/recent-records.ts';
import { MemoryStorage } from '../../../workers/storage/memory.ts';

const signedIn = async () => {
  const storage = new MemoryStorage();
  await storage.writeAccount(Uint8Array.of(1));
  return storage;
};

async function recentOf(storage: MemoryStorage, warn: (message: string) => void = () => undefined) {
  const keys = {
    accountUid: newUid(),
    dataKey: await SymmetricKey.import(crypto.getRandomValues(new Uint8Array(32))),
  };
  return { keys, recent: new RecentRecords({ keys, storage, exclusive: inTurn(), warn }) };
}

test('the last one comes first and once, and no more than twelve are kept', async () => {
  const { recent } = await recentOf(await signedIn());
  const uids = Array.from({ length: 14 }, () => newUid());
  for (const uid of uids) await recent.note(uid);
  const [, , third] = uids;
  if (!third) throw new Error('no third');
  await recent.note(third);
  const kept = await recent.uids();
  expect(kept).toHaveLength(12);
  expect(kept.slice(0, 3)).toEqual([third, uids[13], uids[12]]);
  expect(new Set(kept).size).toBe(12);
});

test('what is stored names nothing, goes with the account, and is nothing under another key', async () => {
  const storage = await signedIn();
  const { recent } = await recentOf(storage);
  const uid = newUid();
  await recent.note(uid);
  expect(new TextDecoder().decode((await storage.readRecent()) ?? undefined)).not.toContain(uid);
  const warn = vi.fn();
  const { recent: other } = await recentOf(storage, warn);
  expect(await other.uids()).toEqual([]);
  expect(warn).toHaveBeenCalledOnce();
  await storage.erase();
  expect(await recent.uids()).toEqual([]);
  await expect(recent.note(uid)).rejects.toMatchObject({ name: 'locked' });
});

test('two tabs at once lose nothing', async () => {
  const storage = await signedIn();
  const keys = {
    accountUid: newUid(),
    dataKey: await SymmetricKey.import(crypto.getRandomValues(new Uint8Array(32))),
  };
  const exclusive = inTurn();
  const tabs = [1, 2].map(() => new RecentRecords({ keys, storage, exclusive, warn: () => undefined }));
  const uids = [newUid(), newUid()];
  await Promise.all(tabs.map((tab, i) => tab.note(uids[i] ?? newUid())));
  expect([...((await tabs[0]?.uids()) ?? [])].sort()).toEqual([...uids].sort());
});
