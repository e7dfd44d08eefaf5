import { expect, test } from 'vitest';
import { signatureContexts } from '../../../protocol/crypto/labels.ts';
import { verifySignature } from '../../../protocol/crypto/ecdsa.ts';
import { newUid } from '../../../protocol/uid.ts';
import { inTurn } from '../../../workers/engine/exclusive.ts';
import { MemoryStorage } from '../../../workers/storage/memory.ts';

const bytes = (value: number) => Uint8Array.of(value);

test('a page is refused when nobody is signed in, and nothing of it stays', async () => {
  const storage = new MemoryStorage();
  const row = { uid: newUid(), revision: 1n, hasContent: true, record: bytes(1) };
  const page = { rows: [row], cursor: 3n };
  await expect(storage.commit(page)).rejects.toMatchObject({ name: 'locked' });
  expect([await storage.readRows(), (await storage.readCopy()).cursor]).toEqual([[], 0n]);
});

test('rows and cursor only rise; erase forgets them and keeps device and pin', async () => {
  const storage = new MemoryStorage();
  const { uid: device, signer } = await storage.device();
  const pin = { identity: bytes(9), keySetVersion: 2n };
  await storage.writePin(pin);
  await storage.writeAccount(bytes(1));
  const uid = newUid();
  const launch = { uid, revision: 2n, hasContent: false, record: bytes(1) };
  const row = { ...launch, hasContent: true, record: bytes(2) };
  await storage.commit({ rows: [launch], cursor: 4n });
  await storage.commit({ rows: [row], cursor: 5n }); // of the same revision, and it says more
  await storage.commit({ rows: [launch], cursor: 5n });
  await storage.commit({ rows: [{ ...row, revision: 1n }], cursor: 4n });
  expect(await storage.readRows()).toEqual([row]);
  expect((await storage.readCopy()).cursor).toBe(5n);
  await storage.erase();
  expect([await storage.readAccount(), await storage.readRows(), (await storage.readCopy()).cursor]).toEqual([
    null,
    [],
    0n,
  ]);
  expect((await storage.device()).uid).toBe(device);
  expect(await storage.readPin()).toBe(pin);
  const signature = await signer.sign(signatureContexts.linkProof, bytes(7));
  verifySignature(signer.publicKey, signatureContexts.linkProof, bytes(7), signature);
});

test('tasks of one name run one after another, whatever becomes of them', async () => {
  const exclusive = inTurn();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = exclusive('a', async () => {
    await gate.promise;
    order.push('first');
    throw new Error('broken');
  });
  const second = exclusive('a', async () => void order.push('second'));
  const other = exclusive('b', async () => void order.push('other'));
  await other;
  gate.resolve();
  await expect(first).rejects.toThrow('broken');
  await second;
  expect(order).toEqual(['other', 'first', 'second']);
});
