import { describe, expect, test } from 'vitest';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { Callers } from '../../../server/secrets-manager/callers.ts';
import { scriptedStore } from '../../fixtures/scripted-store.ts';

const owner = uidBytes(newUid());
const idOf = (n: number) => new Uint8Array(64).fill(n);
const rowOf = (id: Uint8Array, address: string) => ({
  ...{ client_id: id, application_uid: owner, owner_uid: owner, app_data: owner, kind: 2, public_key: null },
  ...{ encrypted_app_key: null, app_owner_public_key: owner, lock_ip: false, bound_address: null },
  ...{ first_access_expires_at: 0, access_expires_at: 0, last_access_at: null, address, client_version: '' },
  ...{ count: 0, newest: 0 },
});

/** A store that answers when it is told to, with the clients of that moment. */
function slowStore() {
  const clients = new Map<number, string>();
  const asked: PromiseWithResolvers<void>[] = [];
  const heard: (() => void)[] = [];
  const { db, statements } = scriptedStore(() => [...clients].map(([n, address]) => rowOf(idOf(n), address)));
  const executor = db.getExecutor();
  const real = executor.executeQuery.bind(executor);
  executor.executeQuery = async (query) => {
    const may = Promise.withResolvers<void>();
    asked.push(may);
    heard.shift()?.();
    await may.promise;
    return await real(query);
  };
  const whenAsked = async (times: number) => {
    while (asked.length < times) await new Promise<void>((resolve) => heard.push(resolve));
  };
  return { db: Object.assign(db, { getExecutor: () => executor }), statements, clients, asked, whenAsked };
}

describe('clients', () => {
  test('that are asked for while the store answers are one statement, the next', async () => {
    const { db, clients, asked, whenAsked } = slowStore();
    clients.set(1, 'a').set(2, 'b');
    const callers = new Callers(db);
    const first = callers.find(idOf(1));
    await whenAsked(1);
    const others = [1, 2, 3].map((n) => callers.find(idOf(n)));
    asked[0]!.resolve();
    expect((await first)?.address).toBe('a');
    await whenAsked(2);
    // What changed before a statement was sent is in what it tells.
    clients.set(1, 'elsewhere').delete(2);
    asked[1]!.resolve();
    expect((await Promise.all(others)).map((caller) => caller?.address)).toEqual([
      'elsewhere',
      undefined,
      undefined,
    ]);
    expect(asked).toHaveLength(2);
  });

  test('are asked for by so many in one statement, and all are found', async () => {
    const { db, clients, asked, whenAsked } = slowStore();
    clients.set(7, 'seventh');
    const callers = new Callers(db);
    const ids = Array.from({ length: 1200 }, (_, n) =>
      new Uint8Array(64)
        .fill(7)
        .with(0, n >> 8)
        .with(1, n & 255),
    );
    const found = [...ids, idOf(7)].map((id) => callers.find(id));
    for (let n = 0; n < 3; n++) {
      await whenAsked(n + 1);
      asked[n]!.resolve();
    }
    expect((await Promise.all(found)).map((caller) => caller?.address).filter(Boolean)).toEqual(['seventh']);
    expect(asked).toHaveLength(3);
  });

  test('a store that is away is away for those who asked, and is asked again', async () => {
    const { db, clients, asked, whenAsked } = slowStore();
    clients.set(1, 'a');
    const callers = new Callers(db);
    const lost = [callers.find(idOf(1)), callers.find(idOf(2))];
    await whenAsked(1);
    asked[0]!.reject(new Error('gone'));
    for (const one of lost) await expect(one).rejects.toThrow('gone');
    const again = callers.find(idOf(1));
    await whenAsked(2);
    asked[1]!.resolve();
    expect((await again)?.address).toBe('a');
  });

  test('a statement that is never answered does not keep the next one', async () => {
    const { db, clients, asked, whenAsked } = slowStore();
    clients.set(1, 'a');
    const callers = new Callers(db, 10);
    void callers.find(idOf(1));
    await whenAsked(1);
    const next = callers.find(idOf(1));
    await whenAsked(2);
    asked[1]!.resolve();
    expect((await next)?.address).toBe('a');
  });
});
